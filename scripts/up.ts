import { formatChange } from "../rollout/report";
import { runMain, takeOptions } from "./cli";
import { entranceOf, type Entrance } from "./entrance";
import { startLoad, type Profile } from "./load/load";
import { readOutputs, runEngine } from "./pulumi";
import { runSetup } from "./setup/index";
import { formatTable } from "./table";
import { formatStatus, readStatus, stackLabelOf } from "./status";

const help = `Usage: npm run up [-- --stack NAME] [--no-install] [OPTIONS]

Sets this machine up (npm run setup), brings a stack up (pulumi up), and shows its backends and how 20 requests through
the balancer were spread.

  --stack NAME   the stack, default dev
  --no-install   only checks what npm run setup sees to, and says what is missing
  OPTIONS        go to \`pulumi up\`, for example --refresh or --diff
`;

const requests = 20;

/** How long each may take. */
const timeoutSeconds = 10;

async function main(args: string[]): Promise<void> {
  const { stack, install, rest } = takeOptions(args, help);
  await runSetup({ quiet: true, install });
  await runEngine(["up", "--stack", stack, "--yes", "--skip-preview", "--suppress-outputs", ...rest]);
  const outputs = await readOutputs(stack);
  process.stdout.write(`\n${formatChange(outputs.lastChange)}\n`);
  process.stdout.write(`\n${formatStatus(await readStatus(stackLabelOf(stack), outputs))}\n`);
  const entrance = await entranceOf(outputs.urls, outputs.release.topology);
  process.stdout.write(`\n${formatSpread(entrance, await spread(entrance))}\n`);
}

/** How often each answer came, for requests to the balancer one after the other. */
async function spread({ address, host, path }: Entrance): Promise<[answer: string, times: number][]> {
  const profile = {
    ...(host !== undefined && { host }),
    ...{ name: "GET", method: "GET", path, keepAlive: false, clients: 1 },
    check: () => undefined,
    tag: ({ status, body }) => `${status} ${body.trim().slice(0, 60)}`,
  } satisfies Profile;
  const limits = { maxRequests: requests, maxSeconds: requests * timeoutSeconds, timeoutSeconds };
  const load = startLoad({ ...address, ...limits, profiles: [profile] });
  await load.ended;
  const { byTag, byReason } = load.total();
  return Object.entries({ ...byTag, ...byReason }).sort();
}

function formatSpread({ address, isTls, host = "", path }: Entrance, answers: [string, number][]): string {
  const { port } = new URL(address.url);
  const asked = isTls ? `https://${host}${port && `:${port}`}` : host;
  return formatTable([`answer to GET ${asked}${path} (${requests} requests)`, "times"], answers);
}

runMain(main);
