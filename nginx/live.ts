import type { ExistingBackend, LiveConfig } from "../components/identity";
import { labels } from "../components/labels";
import { docker, tryDocker } from "./docker";

/** What runs of a stack right now, as Docker tells it. Nothing of it is kept in the stack's state. */
export interface LiveStack {
  /** Newest first, ended ones included. */
  readonly backends: readonly (ExistingBackend & { readonly app: string })[];
  /** The balancer's container, and the addresses that it publishes, as `docker ps` writes them. */
  readonly balancer: { readonly id: string; readonly name: string; readonly ports: string } | undefined;
  readonly config: LiveConfig | undefined;
}

const columns = [
  "{{.ID}}",
  "{{.Names}}",
  "{{.Ports}}",
  ...[labels.role, labels.app, labels.slot, labels.hash, labels.alias].map((key) => `{{.Label "${key}"}}`),
];

/**
 * Looks at a stack's containers and at the configuration on its balancer's volume.
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
      const [id = "", name = "", ports = "", role = "", app = "", slot = "", hash = "", alias = ""] = line.split("\t");
      return { id, name, ports, role, app, slot, hash, alias };
    });
  const balancer = rows.find(({ role }) => role === "balancer");
  return {
    backends: rows.filter(({ role }) => role === "backend"),
    balancer,
    config: balancer && (await readConfig(balancer.id)),
  };
}

async function readConfig(balancer: string): Promise<LiveConfig | undefined> {
  const script = "cd /etc/nginx/live && { cat generation 2>/dev/null || echo; } && cat nginx.conf";
  const { code, stdout } = await tryDocker("exec", balancer, "sh", "-c", script);
  if (code !== 0) return undefined;
  const end = stdout.indexOf("\n");
  return { generation: stdout.slice(0, end), text: stdout.slice(end + 1) };
}
