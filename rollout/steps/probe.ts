import { quote } from "../../lib/quote";
import { routeOf } from "../../model/names";
import { stickyToken } from "../../model/policies/sticky";
import type { UpstreamServer } from "../../model/topology";
import type { BalancerShell } from "../runtime/shell";

/** Why servers have not answered yet, by name; no entry for those that have. */
export type Unanswered = Map<string, string>;

/** How many probes are under way at once: quick for hundreds of servers, without a burst of processes on small hosts. */
const parallelProbes = 30;

/**
 * Asks servers through nginx, each by itself and for what its health check asks, all at once and in one process.
 *
 * @param folder the runtime folder of the nginx to ask: the live one's or the candidate's
 * @returns the servers that did not answer 200 themselves
 */
export async function ask(
  shell: BalancerShell,
  folder: string,
  servers: readonly UpstreamServer[],
): Promise<Unanswered> {
  if (servers.length === 0) return new Map();
  const transfers = servers.map(({ name, upstream, health, cookie }) =>
    [
      ["url", "http://balancer/"],
      // curl writes some paths its own way, with --path-as-is, too.
      ["request-target", health.path],
      ["output", "/dev/null"],
      ["header", `Host: ${health.host}`],
      ["header", `X-Probe-Pool: ${upstream}`],
      ["header", `X-Probe-Upstream: ${routeOf(name)}`],
      ...(cookie === undefined ? [] : [["header", `Cookie: ${cookie}=${stickyToken(name)}`]]),
      ["write-out", `\\nprobe ${name} %{http_code} %header{x-upstream}\\n`],
      ["unix-socket", `${folder}/probe.sock`],
    ]
      .map(([key, value = ""]) => `${key} = ${JSON.stringify(value)}`)
      .join("\n"),
  );
  const names = servers.map(({ name, address = name }) => `${name}=${address}`);
  const config = `parallel\nparallel-max = ${parallelProbes}\nmax-time = 6\nsilent\n${transfers.join("\nnext\n")}\n`;
  const output = await shell.read(
    `echo ${Buffer.from(config).toString("base64")} | base64 -d | curl --config - || true
for server in ${names.map(quote).join(" ")}; do
  getent ahostsv4 "\${server#*=}" | while read -r address rest; do echo "address \${server%%=*} $address"; done
done`,
    60,
  );
  return unanswered(
    servers.map(({ name }) => name),
    output,
  );
}

/** Reads what {@link ask} printed. nginx answers from another server when it can't reach the one asked for: no answer. */
export function unanswered(names: readonly string[], output: string): Unanswered {
  const addresses = new Map<string, Set<string>>();
  for (const [, name = "", address = ""] of output.matchAll(/^address (\S+) (\S+)$/gm))
    addresses.set(name, (addresses.get(name) ?? new Set()).add(address));
  const answers = new Map<string, { status: string; from: string }>();
  for (const [, name = "", status = "", from = ""] of output.matchAll(/^probe (\S+) (\d+) ?(.*)$/gm))
    answers.set(name, { status, from });
  const missing: Unanswered = new Map();
  for (const name of names) {
    const answer = answers.get(name);
    const own = addresses.get(name);
    if (own === undefined) missing.set(name, "its name has no address");
    else if (answer === undefined || answer.status === "000") missing.set(name, "no answer");
    else if (!own.has(answer.from.replace(/:\d+$/, ""))) missing.set(name, "not reachable through the balancer");
    else if (answer.status !== "200") missing.set(name, `answered ${answer.status} instead of 200`);
  }
  return missing;
}
