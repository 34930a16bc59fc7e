import { formatChange } from "../rollout/report";
import { runMain, takeOptions } from "./cli";
import { readOutputs, runEngine } from "./pulumi";
import { runSetup } from "./setup/index";
import { spread } from "./spread";
import { formatStatus, readStatus, stackLabelOf } from "./status";

const help = `Usage: npm run up [-- --stack NAME] [--no-install] [OPTIONS]

Sets this machine up (npm run setup), brings a stack up (pulumi up), and shows its backends and how 20 requests through
the balancer were spread.

  --stack NAME   the stack, default dev
  --no-install   only checks what npm run setup sees to, and says what is missing
  OPTIONS        go to \`pulumi up\`, for example --refresh or --diff
`;

/**
 * Sets this machine up, brings a stack up, and shows it.
 *
 * @param install whether set-up may change anything
 * @param rest further options for the engine
 */
export async function bringUp({ stack, install, rest }: ReturnType<typeof takeOptions>): Promise<void> {
  await runSetup({ quiet: true, install });
  await runEngine(["up", "--stack", stack, "--yes", "--skip-preview", "--suppress-outputs", ...rest]);
  const outputs = await readOutputs(stack);
  process.stdout.write(`\n${formatChange(outputs.lastChange)}\n`);
  process.stdout.write(`\n${formatStatus(await readStatus(stackLabelOf(stack), outputs))}\n`);
  process.stdout.write(`\n${await spread(outputs.urls, outputs.release.topology)}\n`);
}

if (require.main === module) runMain((args) => bringUp(takeOptions(args, help)));
