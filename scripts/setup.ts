import { Interrupted, SetupError, runSetup } from "./setup/index";

const help = `Usage: npm run setup

Prepares this machine, and does only what is missing:
  npm packages    npm ci
  Docker engine   installed and started where that is possible (root on Debian or Ubuntu)
  Pulumi engine   downloaded, else built from Go modules (minutes)
  plugins         docker and command, downloaded, else built
  base images     pulled, else built from Debian packages under names of their own
  stack dev       created in local state, with the base images' names where they are not the default

A second run goes on where one was interrupted.
`;

async function main(args: readonly string[]): Promise<void> {
  if (args.includes("--help") || args.includes("-h")) {
    process.stdout.write(help);
  } else if (args.length > 0) {
    throw new SetupError(`got ${args.join(" ")}, allowed is --help`, "npm run setup -- --help");
  } else {
    await runSetup();
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const known = error instanceof SetupError || error instanceof Interrupted;
  process.stderr.write(known ? `Set-up: ${error.message}\n` : `Set-up: ${String((error as Error).stack)}\n`);
  process.exitCode = known ? error.exitCode : 1;
});
