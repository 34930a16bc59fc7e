import { parseOptions, runMain } from "./cli";
import { runSetup } from "./setup/index";

const help = `Usage: npm run setup [-- --no-install]

Prepares this machine, and does only what is missing:
  npm packages    npm ci
  Docker engine   installed (Debian packages docker.io and iptables) and started where that is possible: as root with apt-get;
                  on a terminal it asks before
  Pulumi engine   downloaded to ~/.pulumi, else built from Go modules (minutes)
  plugins         docker and command, downloaded to ~/.pulumi, else built
  base images     pulled, else built from Debian packages under names of their own, which .base-images.json keeps
  stack dev       created in local state

  --no-install    only checks, and says what is missing (exit code 1)

A second run goes on where one was interrupted.
`;

runMain(async (args) => {
  const options = parseOptions(args, { "no-install": { type: "boolean" } }, help);
  await runSetup({ install: options["no-install"] !== true });
});
