import { runMain, takeOptions, UserError } from "./cli";
import { runEngine } from "./pulumi";
import { runSetup } from "./setup/index";

/** What each command gets besides the user's options: it does what its npm script is called. */
const commands: Readonly<Record<string, { readonly options: readonly string[]; readonly does: string }>> = {
  preview: { options: [], does: "Shows what npm run up would change (pulumi preview)." },
  destroy: {
    options: ["--yes", "--skip-preview"],
    does: "Removes containers, network, volume and images of a stack (pulumi destroy), without asking.",
  },
};

const helpOf = (command: string, does: string) => `Usage: npm run ${command} [-- --stack NAME] [--no-install] [OPTIONS]

${does}

  --stack NAME   the stack, default dev
  --no-install   only checks what npm run setup sees to, and says what is missing
  OPTIONS        go to \`pulumi ${command}\`
`;

async function main([command = "", ...args]: string[]): Promise<void> {
  const own = commands[command];
  if (own === undefined) throw new UserError(`got ${command}, allowed are ${Object.keys(commands).join(", ")}`, 2);
  const { stack, install, rest } = takeOptions(args, helpOf(command, own.does));
  await runSetup({ quiet: true, install });
  await runEngine([command, "--stack", stack, ...own.options, ...rest]);
}

runMain(main);
