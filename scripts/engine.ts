import { runMain, UserError } from "./cli";
import { runEngine } from "./pulumi";
import { runSetup } from "./setup/index";

/** What each command gets besides the user's options: it acts on stack dev, and does what its npm script is called. */
const commands: Readonly<Record<string, readonly string[]>> = {
  preview: [],
  destroy: ["--yes", "--skip-preview"],
};

async function main([command = "", ...args]: string[]): Promise<void> {
  const own = commands[command];
  if (own === undefined) throw new UserError(`got ${command}, allowed are ${Object.keys(commands).join(", ")}`, 2);
  await runSetup({ quiet: true });
  await runEngine([command, "--stack", "dev", ...own, ...args]);
}

runMain(main);
