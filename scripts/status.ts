import { configurationHash, isIntact, serverLines } from "../nginx/render/config";
import { observeStack, readLiveConfig } from "../rollout/live";
import { docker, tryDocker } from "../rollout/docker";
import { acceptsConnections } from "../rollout/public-address";
import { parseOptions, runMain } from "./cli";
import { readOutputs, type StackOutputs } from "./pulumi";
import { formatTable } from "./table";

const help = `Usage: npm run status [-- --stack NAME] [--json]

Shows a stack as it is right now: its backends, what the balancer sends to, and whether what runs differs from what the
last update installed (drift). Changes nothing.

  --stack NAME   the stack, default dev
  --json         the same for machines, on standard output: npm run --silent status -- --json

Exit code 0 without drift, 3 with drift, 1 when the status can't be told.
`;

/** A backend as it is now. */
export interface BackendStatus {
  readonly alias: string;
  readonly app: string;
  /** The container's name; undefined when it is gone. */
  readonly container: string | undefined;
  /** Docker's word: healthy, unhealthy, starting, exited, ... ; "gone" when there is no container. */
  readonly health: string;
  /** Its address on the stack's network, empty when it doesn't run. */
  readonly address: string;
  /** Its share as the balancer's configuration states it: a weight, "drain", or "no" when it is not in it. */
  readonly receives: string;
}

export interface StackStatus {
  readonly url: string;
  readonly balancer: { readonly container: string; readonly health: string; readonly configuration: string };
  readonly backends: readonly BackendStatus[];
  /** What differs from what the last update left, a sentence each; empty when nothing does. */
  readonly drift: readonly string[];
}

/** Looks at a stack. */
export async function readStatus(stackLabel: string, outputs: StackOutputs): Promise<StackStatus> {
  const live = await observeStack(stackLabel);
  const config = await readLiveConfig(live.balancer);
  const ids = [...live.backends.map(({ id }) => id), ...(live.balancer ? [live.balancer.id] : [])];
  const containers = await inspect(ids, outputs.network);
  const text = config?.text ?? "";
  const lines = serverLines(text);
  const running = new Map(live.backends.map((backend) => [backend.alias, backend]));

  const aliases = new Set([...outputs.backends.map(({ alias }) => alias), ...running.keys(), ...lines.keys()]);
  const apps = new Map(outputs.backends.map(({ alias, app }) => [alias, app]));
  const backends = [...aliases].map((alias) => {
    const container = containers.get(running.get(alias)?.id ?? "");
    return {
      alias,
      app: running.get(alias)?.app ?? apps.get(alias) ?? "",
      container: container?.name,
      health: container?.health ?? "gone",
      address: container?.address ?? "",
      receives: /resolve (?:weight=)?(\S+)/.exec(lines.get(alias) ?? "")?.[1] ?? "no",
    };
  });
  const balancer = containers.get(live.balancer?.id ?? "");
  const served = live.balancer && (await servedHash(live.balancer.id));
  return {
    url: outputs.url,
    balancer: { container: balancer?.name ?? "", health: balancer?.health ?? "gone", configuration: served ?? "none" },
    backends,
    drift: [
      ...describeDrift(outputs, live.balancer?.state === "running" ? text : undefined, served, backends),
      ...(live.balancer?.state === "running" && !(await acceptsConnections(outputs.url, live.balancer.id))
        ? [`Nothing accepts connections at ${outputs.url}.`]
        : []),
    ],
  };
}

/** What differs from what the last update left. */
export function describeDrift(
  outputs: Pick<StackOutputs, "upstreamConfig" | "backends">,
  onVolume: string | undefined,
  served: string | undefined,
  backends: readonly BackendStatus[],
): string[] {
  const wanted = configurationHash(outputs.upstreamConfig);
  const known = new Set(outputs.backends.map(({ alias }) => alias));
  const drift: string[] = [];
  if (onVolume === undefined) drift.push("The balancer is not running.");
  else if (!isIntact(onVolume)) drift.push("The configuration on the volume was edited.");
  else if (onVolume !== outputs.upstreamConfig)
    drift.push(`The volume holds configuration ${configurationHash(onVolume)} instead of ${wanted}.`);
  if (served !== undefined && served !== wanted)
    drift.push(`nginx serves configuration ${served} instead of ${wanted}.`);
  for (const { alias, health } of backends) {
    if (!known.has(alias))
      drift.push(`${alias} (${health}) was made by an update that did not finish: the next one removes it.`);
    else if (health !== "healthy" && health !== "starting") drift.push(`${alias} is ${health}.`);
  }
  return drift;
}

interface Inspected {
  readonly name: string;
  readonly health: string;
  readonly address: string;
}

async function inspect(ids: readonly string[], network: string): Promise<Map<string, Inspected>> {
  if (ids.length === 0) return new Map();
  const format =
    "{{.ID}}\t{{.Name}}\t{{if .State.Paused}}paused{{else if .State.Running}}{{with .State.Health}}{{.Status}}{{else}}running{{end}}{{else}}{{.State.Status}}{{end}}" +
    `\t{{with index .NetworkSettings.Networks "${network}"}}{{.IPAddress}}{{end}}`;
  const rows = (await docker("container", "inspect", "--format", format, ...ids)).split("\n").filter(Boolean);
  return new Map(
    rows.map((row) => {
      const [id = "", name = "", health = "", address = ""] = row.split("\t");
      return [id, { name: name.replace(/^\//, ""), health, address }];
    }),
  );
}

async function servedHash(balancer: string): Promise<string | undefined> {
  const ask = [
    "curl",
    "--silent",
    "--max-time",
    "2",
    "--unix-socket",
    "/tmp/nginx/control.sock",
    "http://balancer/configuration",
  ];
  const { code, stdout } = await tryDocker("exec", balancer, ...ask);
  return code === 0 ? stdout.trim() : undefined;
}

/** The status as a table and sentences. */
export function formatStatus(status: StackStatus): string {
  const rows = status.backends.map(({ alias, app, container, health, address, receives }) => [
    alias,
    app,
    container ?? "-",
    health,
    address || "-",
    receives === "no" || receives === "drain" ? receives : `weight ${receives}`,
  ]);
  const { balancer } = status;
  return [
    `${status.url}  ${balancer.container || "no balancer"} (${balancer.health}), configuration ${balancer.configuration}`,
    formatTable(["backend", "app", "container", "health", "address", "receives"], rows),
    ...(status.drift.length === 0
      ? ["No drift."]
      : ["Drift, which `npm run up -- --refresh` repairs:", ...status.drift.map((line) => `  ${line}`)]),
  ].join("\n");
}

async function main(args: string[]): Promise<void> {
  const { stack = "dev", json = false } = parseOptions(
    args,
    { stack: { type: "string" }, json: { type: "boolean" } },
    help,
  );
  const status = await readStatus(stackLabelOf(stack), await readOutputs(stack));
  process.stdout.write(`${json ? JSON.stringify(status, undefined, 2) : formatStatus(status)}\n`);
  if (status.drift.length > 0) process.exitCode = 3;
}

/** The value of the label that a stack's containers carry. */
export function stackLabelOf(stack: string): string {
  return `nginx-load-balancer/${stack}`;
}

if (require.main === module) runMain(main);
