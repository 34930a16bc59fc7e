import { run, runInForeground } from "../lib/process";
import { labels } from "../model/labels";
import { serverLines } from "../nginx/render/config";
import type { LastChange } from "../rollout/report";
import { UserError } from "./cli";
import { projectRoot, pulumiBinary, pulumiEnv } from "./setup/project";

/**
 * Runs the Pulumi engine in the foreground: its output is the user's.
 *
 * @throws UserError with the engine's exit code when it fails
 */
export async function runEngine(args: readonly string[]): Promise<void> {
  const code = await runInForeground(pulumiBinary(), args, { cwd: projectRoot, env: pulumiEnv() });
  if (code !== 0) throw new UserError(`pulumi ${args[0]} failed, see above.`, code);
}

/** What a stack runs: its outputs, as index.ts returns them. */
export interface StackOutputs {
  readonly url: string;
  readonly backends: readonly { readonly alias: string; readonly app: string; readonly containerName: string }[];
  readonly upstreamConfig: string;
  readonly balancer: string;
  readonly network: string;
  readonly lastChange: LastChange;
}

/** The parts of the engine's state that are read here. */
interface Deployment {
  readonly resources?: readonly {
    readonly type: string;
    readonly urn: string;
    readonly delete?: boolean;
    readonly inputs?: { readonly stdin?: string; readonly environment?: Readonly<Record<string, string>> };
    readonly outputs?: {
      readonly name?: string;
      readonly stdout?: string;
      readonly labels?: readonly { readonly label: string; readonly value: string }[];
    };
  }[];
}

/**
 * Reads what the last change of a stack's balancer that worked has left: not from the stack's outputs, which the engine
 * drops when an update fails.
 *
 * @throws UserError when there is no such stack, or nothing runs on it
 */
export async function readOutputs(stack: string): Promise<StackOutputs> {
  const args = ["stack", "export", "--stack", stack];
  const { outcome, stdout, stderr } = await run(pulumiBinary(), args, { cwd: projectRoot, env: pulumiEnv() });
  if (outcome !== "succeeded") throw new UserError(`pulumi ${args.join(" ")} failed: ${stderr.trim()}`);
  const outputs = outputsOf((JSON.parse(stdout) as { deployment?: Deployment }).deployment ?? {});
  if (outputs === undefined) throw new UserError(`Stack ${stack} has nothing running: npm run up starts it.`);
  return outputs;
}

/** The outputs as they follow from the engine's state; undefined when no change of the balancer has worked yet. */
export function outputsOf({ resources = [] }: Deployment): StackOutputs | undefined {
  const current = resources.filter((resource) => resource.delete !== true);
  const change = current.find(({ urn }) => urn.endsWith("::balancer-installed"));
  const installed = change?.inputs;
  const url = installed?.environment?.["BALANCER_URL"];
  if (installed?.stdin === undefined || url === undefined) return undefined;
  const containers = current.flatMap(({ type, outputs }) => {
    if (type !== "docker:index/container:Container") return [];
    const label = (key: string) => outputs?.labels?.find((entry) => entry.label === key)?.value;
    return [
      { role: label(labels.role), alias: label(labels.alias), app: label(labels.app), name: outputs?.name ?? "" },
    ];
  });
  return {
    url,
    upstreamConfig: installed.stdin,
    backends: [...serverLines(installed.stdin).keys()].map((alias) => {
      const container = containers.find((candidate) => candidate.alias === alias);
      return { alias, app: container?.app ?? "", containerName: container?.name ?? "" };
    }),
    balancer: containers.find(({ role }) => role === "balancer")?.name ?? "",
    lastChange: JSON.parse(change?.outputs?.stdout ?? "{}") as LastChange,
    network: installed.environment?.["NETWORK"] ?? "",
  };
}
