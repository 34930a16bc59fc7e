import type { ExistingBackend, LiveConfig } from "../model/identity";
import { labels } from "../model/labels";
import { serverLines } from "../nginx/render/config";
import { docker, tryDocker } from "./docker";
import { acceptsConnections } from "./public-address";
import { revivalOf } from "./revive";

/** A balancer's container, and the addresses that it publishes, as `docker ps` writes them. */
export interface LiveBalancer {
  readonly id: string;
  readonly name: string;
  readonly ports: string;
  readonly state: string;
}

/** What runs of a stack right now, as Docker tells it. Nothing of it is kept in the stack's state. */
export interface LiveStack {
  /** Newest first, ended ones included. */
  readonly backends: readonly (ExistingBackend & { readonly app: string; readonly state: string })[];
  readonly balancer: LiveBalancer | undefined;
}

const columns = [
  "{{.ID}}",
  "{{.Names}}",
  "{{.Ports}}",
  "{{.State}}",
  ...[labels.role, labels.app, labels.slot, labels.hash, labels.alias].map((key) => `{{.Label "${key}"}}`),
];

/**
 * Looks at a stack's containers.
 *
 * @param stack value of the stack's label
 * @throws Error when Docker doesn't answer
 */
export async function observeStack(stack: string): Promise<LiveStack> {
  const listing = await docker(
    "ps",
    "--all",
    "--no-trunc",
    "--filter",
    `label=${labels.stack}=${stack}`,
    "--format",
    columns.join("\t"),
  );
  const rows = listing
    .split("\n")
    .filter(Boolean)
    .map((line) => {
      const [id = "", name = "", ports = "", state = "", role = "", app = "", slot = "", hash = "", alias = ""] =
        line.split("\t");
      return { id, name, ports, state, role, app, slot, hash, alias };
    });
  const balancers = rows.filter(({ role }) => role === "balancer");
  return {
    backends: rows.filter(({ role }) => role === "backend"),
    balancer: balancers.find(({ state }) => state === "running") ?? balancers[0],
  };
}

/** Reads what a stack's volume holds, and looks whether all that it names runs; undefined when there is no balancer. */
export async function readLive(stack: LiveStack, url: string): Promise<LiveConfig | undefined> {
  const { balancer } = stack;
  const config = await readLiveConfig(balancer);
  if (balancer === undefined || config === undefined) return undefined;
  const named = serverLines(config.text);
  const ailing =
    balancer.state !== "running" ||
    stack.backends.some(({ alias, state }) => named.has(alias) && revivalOf(state) !== undefined) ||
    !(await acceptsConnections(url, balancer.id));
  return { ...config, ailing };
}

/** Reads what a balancer's volume holds; undefined when that can't be told, as before the first install. */
export async function readLiveConfig(
  balancer: LiveBalancer | undefined,
): Promise<Omit<LiveConfig, "ailing"> | undefined> {
  if (balancer === undefined) return undefined;
  // Either file may be anything: nothing of what lies there is taken for granted.
  const script =
    "cd /etc/nginx/live && { head -c 20 generation 2>/dev/null | tr -dc 0-9; echo; cat nginx.conf 2>/dev/null; true; }";
  const { code, stdout } = await tryDocker("exec", balancer.id, "sh", "-c", script);
  if (code !== 0) return readStopped(balancer.id);
  const end = stdout.indexOf("\n");
  return { generation: stdout.slice(0, end), text: stdout.slice(end + 1) };
}

/** Of a balancer that doesn't run, the generation alone: it runs no configuration. */
async function readStopped(balancer: string): Promise<Omit<LiveConfig, "ailing"> | undefined> {
  const { code, stdout } = await tryDocker("cp", `${balancer}:/etc/nginx/live/generation`, "-");
  // A tar archive of one file, whose content follows a header of 512 bytes.
  return code === 0 ? { generation: /\d+/.exec(stdout.slice(512, 532))?.[0] ?? "", text: "" } : undefined;
}
