import type { BalancerShell } from "./balancer-shell";

/** One question that is to be asked through the balancer, to one server and no other. */
export interface Probe {
  readonly host: string;
  readonly path: string;
}

/** Why a server has not answered yet, by host; no entry for those that have. */
export type Unanswered = Map<string, string>;

/** How many probes are under way at once: quick for hundreds of servers, without a burst of processes on small hosts. */
const parallelProbes = 30;

/**
 * Asks servers through nginx, all at once and in one process.
 *
 * @param folder the runtime folder of the nginx to ask: the live one's or the candidate's
 * @returns the servers that did not answer 200 themselves
 */
export async function ask(shell: BalancerShell, folder: string, probes: readonly Probe[]): Promise<Unanswered> {
  if (probes.length === 0) return new Map();
  const transfers = probes.map(
    ({ host, path }) => `url = "http://balancer/probe/${host}${path}"\noutput = "/dev/null"`,
  );
  const output = await shell.read(
    `curl --silent --parallel --parallel-max ${parallelProbes} --max-time 6 --unix-socket ${folder}/control.sock \\
  --write-out '\\nprobe %{url_effective} %{http_code} %header{x-upstream}\\n' --config - <<'probes' || true
${transfers.join("\n")}
probes
for host in ${probes.map(({ host }) => host).join(" ")}; do
  getent ahostsv4 $host | while read -r address rest; do echo "address $host $address"; done
done`,
    60,
  );
  return unanswered(
    probes.map(({ host }) => host),
    output,
  );
}

/** Reads what {@link ask} printed. nginx answers from another server when it can't reach the one asked for: no answer. */
export function unanswered(hosts: readonly string[], output: string): Unanswered {
  const addresses = new Map<string, Set<string>>();
  for (const [, host = "", address = ""] of output.matchAll(/^address (\S+) (\S+)$/gm)) {
    addresses.set(host, (addresses.get(host) ?? new Set()).add(address));
  }
  const answers = new Map<string, { status: string; from: string }>();
  for (const [, host = "", status = "", from = ""] of output.matchAll(
    /^probe \S+\/probe\/([^/]+)\/\S* (\d+) ?(.*)$/gm,
  )) {
    answers.set(host, { status, from });
  }
  const missing: Unanswered = new Map();
  for (const host of hosts) {
    const answer = answers.get(host);
    const own = addresses.get(host);
    if (own === undefined) missing.set(host, "its name has no address");
    else if (answer === undefined || answer.status === "000") missing.set(host, "no answer");
    else if (!own.has(answer.from.replace(/:\d+$/, ""))) missing.set(host, "not reachable through the balancer");
    else if (answer.status !== "200") missing.set(host, `answered ${answer.status} instead of 200`);
  }
  return missing;
}
