import { Agent, get } from "node:http";
import { withProxyLine } from "../lib/proxy-line";
import { frontDoorOf, type FrontDoor } from "../model/topology";
import { formatChange } from "../rollout/report";
import { runMain, takeOptions } from "./cli";
import { readOutputs, runEngine, type StackOutputs } from "./pulumi";
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

async function main(args: string[]): Promise<void> {
  const { stack, install, rest } = takeOptions(args, help);
  await runSetup({ quiet: true, install });
  await runEngine(["up", "--stack", stack, "--yes", "--skip-preview", "--suppress-outputs", ...rest]);
  const outputs = await readOutputs(stack);
  const door = frontDoorOf(outputs.release.topology);
  process.stdout.write(`\n${formatChange(outputs.lastChange)}\n`);
  process.stdout.write(`\n${formatStatus(await readStatus(stackLabelOf(stack), outputs))}\n`);
  process.stdout.write(`\n${formatSpread(door, await spread(outputs, door))}\n`);
}

/** How often each answer came, for requests to the balancer one after the other. */
async function spread({ url, release }: StackOutputs, door: FrontDoor): Promise<Map<string, number>> {
  const hasLine = release.topology.proxy?.proxyProtocol === true;
  const answers = new Map<string, number>();
  for (let sent = 0; sent < requests; sent++) {
    const answer = await ask(url, door, hasLine);
    answers.set(answer, (answers.get(answer) ?? 0) + 1);
  }
  return new Map([...answers].sort());
}

function formatSpread({ host = "", path }: FrontDoor, answers: ReadonlyMap<string, number>): string {
  return formatTable([`answer to GET ${host}${path} (${requests} requests)`, "times"], [...answers]);
}

async function ask(url: string, { host, path }: FrontDoor, hasLine: boolean): Promise<string> {
  return new Promise((resolve) => {
    const headers = host === undefined ? {} : { Host: host };
    const agent = hasLine ? withProxyLine(new Agent()) : false;
    const request = get(url, { path, headers, agent, timeout: 10_000 }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => (body += text));
      response.on("end", () => resolve(`${response.statusCode} ${body.trim().slice(0, 60)}`));
    });
    request.on("timeout", () => request.destroy(new Error("no answer within 10 s")));
    request.on("error", (error) => resolve(error.message));
  });
}

runMain(main);
