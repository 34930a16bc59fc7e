import { runMain, takeOptions, UserError } from "./cli";
import { runEngine } from "./pulumi";
import { removeKept } from "../rollout/destroy";
import { stackLabelOf } from "./status";
import { runSetup } from "./setup/index";

/** What each command gets besides the user's options: it does what its npm script is called. */
const commands: Readonly<
  Record<string, { readonly options: readonly string[]; readonly does: string; readonly help?: string }>
> = {
  preview: { options: [], does: "Shows what npm run up would change (pulumi preview)." },
  destroy: {
    options: ["--yes", "--skip-preview"],
    does: "Removes containers, network, volume and images of a stack (pulumi destroy), without asking.",
    help: "  --purge        removes the accounts and certificates of tls.acme, too, which stay otherwise\n",
  },
};

const purge = "--purge";

const helpOf = (
  command: string,
  { does, help = "" }: { readonly does: string; readonly help?: string },
) => `Usage: npm run ${command} [-- --stack NAME] [--no-install] [OPTIONS]

${does}

  --stack NAME   the stack, default dev
  --no-install   only checks what npm run setup sees to, and says what is missing
${help}  OPTIONS        go to \`pulumi ${command}\`
`;

async function main([command = "", ...args]: string[]): Promise<void> {
  const own = commands[command];
  if (own === undefined) throw new UserError(`got ${command}, allowed are ${Object.keys(commands).join(", ")}`, 2);
  const { stack, install, rest: all } = takeOptions(args, helpOf(command, own));
  const purges = command === "destroy" && all.includes(purge);
  const rest = all.filter((option) => !(purges && option === purge));
  await runSetup({ quiet: true, install });
  await runEngine([command, "--stack", stack, ...own.options, ...rest]);
  if (purges) await removeKept(stackLabelOf(stack));
}

runMain(main);
