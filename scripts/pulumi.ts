import { unpack } from "../lib/pack";
import { run, runInForeground } from "../lib/process";
import { labels } from "../model/labels";
import type { Change, Destination, ExporterDestination, Release } from "../model/release";
import { isExporter } from "../model/metrics";
import { serversOf, type Answered } from "../model/topology";
import { readLegacyStep } from "../rollout/legacy/text";
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

/** What a stack runs, as the last change of its balancer that worked has left it. */
export interface StackOutputs {
  readonly url: string;
  /** All addresses for clients, and as entries publish them. */
  readonly urls: readonly string[];
  readonly listens: readonly string[];
  /** What a Prometheus asks, and the addresses that are published for it. */
  readonly exporters: readonly ExporterDestination[];
  readonly exporterListens: readonly string[];
  readonly backends: readonly { readonly alias: string; readonly app: string; readonly containerName: string }[];
  readonly upstreamConfig: string;
  readonly balancer: string;
  readonly lastChange: LastChange;
  /** Id of the release that was installed, and the topology that it was rendered from. */
  readonly release: Pick<Release, "id"> & { readonly topology: Answered } & Partial<Pick<Change, "backendCount">>;
}

/** The parts of the engine's state that are read here. */
interface Deployment {
  readonly resources?: readonly {
    readonly type: string;
    readonly urn: string;
    readonly delete?: boolean;
    readonly inputs?: { readonly stdin?: unknown; readonly environment?: unknown };
    readonly outputs?: {
      readonly name?: string;
      readonly stdout?: unknown;
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
  const outputs = outputsOf(await readState(stack));
  if (outputs === undefined) throw new UserError(`Stack ${stack} has nothing running: npm run up starts it.`);
  return outputs;
}

/** What keeps a stack's secrets from being guessed, and what its history keeps from being read; undefined where there is none yet. */
export async function readKey(stack: string): Promise<string | undefined> {
  const { resources = [] } = await readState(stack);
  const step = resources.find(({ urn, delete: isOld }) => isOld !== true && urn.endsWith("::identity-key"));
  const key = plain(step?.outputs?.stdout);
  return typeof key === "string" ? key : undefined;
}

async function readState(stack: string): Promise<Deployment> {
  const exported = await askEngine(["stack", "export", "--show-secrets", "--stack", stack]);
  return (JSON.parse(exported) as { deployment?: Deployment }).deployment ?? {};
}

/**
 * Runs the engine, and gives what it prints.
 *
 * @param env added to its environment
 * @throws UserError with its own words when it fails
 */
export async function askEngine(args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const options = { cwd: projectRoot, env: { ...pulumiEnv(), ...env } };
  const { outcome, stdout, stderr } = await run(pulumiBinary(), args, options);
  if (outcome === "not found") throw new UserError("The Pulumi engine is not installed: npm run setup does it.");
  if (outcome !== "succeeded") throw new UserError(`pulumi ${args.join(" ")} failed: ${stderr.trim()}`);
  return stdout;
}

/** What the keys of a stack's config begin with. */
export const namespace = "nginx-load-balancer:";

/** The stack's own keys without their namespace, as the config has them; without `--show-secrets`, secret ones have no value. */
export async function configOf(
  stack: string,
  ...options: readonly string[]
): Promise<[key: string, value: { readonly value?: string; readonly secret: boolean }][]> {
  const text = await askEngine(["config", "--json", "--stack", stack, ...options]);
  const all = Object.entries(JSON.parse(text) as Record<string, { value?: string; secret: boolean }>);
  return all.flatMap(([key, value]) => (key.startsWith(namespace) ? [[key.slice(namespace.length), value]] : []));
}

/** The outputs as they follow from the engine's state; undefined when no change of the balancer has worked yet. */
export function outputsOf({ resources = [] }: Deployment): StackOutputs | undefined {
  const current = resources.filter((resource) => resource.delete !== true);
  const step = current.find(({ urn }) => urn.endsWith("::balancer-installed"));
  const upstreamConfig = plain(step?.inputs?.stdin);
  const environment = plain(step?.inputs?.environment) as Readonly<Record<string, unknown>> | undefined;
  if (typeof upstreamConfig !== "string" || environment === undefined) return undefined;
  const variables = Object.fromEntries(Object.entries(environment).map(([key, value]) => [key, String(plain(value))]));
  const { RELEASE } = variables;
  const release =
    RELEASE === undefined ? readLegacyStep(upstreamConfig, variables) : (JSON.parse(unpack(RELEASE)) as Change);
  if (release === undefined) return undefined;
  const containers = current.flatMap(({ type, outputs }) => {
    if (type !== "docker:index/container:Container") return [];
    const label = (key: string) => outputs?.labels?.find((entry) => entry.label === key)?.value;
    const [role, alias, app, listen] = [labels.role, labels.alias, labels.app, labels.listen].map(label);
    return [{ role, alias, app, listen, name: outputs?.name ?? "" }];
  });
  const {
    url,
    entries = [{ url }],
    exporters = [],
  }: Pick<Destination, "url" | "exporters"> & { entries?: readonly { url: string }[] } = release.destination;
  const listensOf = (isOf: (one: { readonly role: string }) => boolean) =>
    containers.flatMap(({ role = "", listen }) => (isOf({ role }) ? (listen ?? []) : []));
  return {
    url,
    urls: entries.map((entry) => entry.url),
    listens: listensOf((one) => !isExporter(one)),
    exporters,
    exporterListens: listensOf(isExporter),
    release,
    upstreamConfig,
    backends: serversOf(release.topology).map(({ name: alias }) => {
      const container = containers.find((candidate) => candidate.alias === alias);
      return { alias, app: container?.app ?? "", containerName: container?.name ?? "" };
    }),
    balancer: containers.find(({ role }) => role === "balancer")?.name ?? "",
    lastChange: JSON.parse((plain(step?.outputs?.stdout) as string | undefined) ?? "{}") as LastChange,
  };
}

/** A value of the state, also one that is marked as secret: then it is JSON in an object of the engine's. */
function plain(value: unknown): unknown {
  const isSecret = typeof value === "object" && value !== null && "plaintext" in value;
  return isSecret ? (JSON.parse(String(value.plaintext)) as unknown) : value;
}
