import { Deadline, until } from "../../lib/until";
import { acmeFolder } from "../../model/layout";
import type { Acme } from "../../model/tls";
import { tryDocker } from "../docker";
import type { BalancerShell } from "../runtime/shell";
import type { Context } from "./context";

/** How long an authority may take for the next certificate, in seconds. */
const certificateSeconds = 180;

/** How the certificate of a host is. */
export interface AcmeState {
  /** In PEM; undefined before there is one. */
  readonly certificate: string | undefined;
  /** Failed attempts in a row; 0 for none. */
  readonly failures: number;
  /** When the next one is, in seconds since 1970, and what the last one has failed for. */
  readonly next: number;
  readonly words: string;
}

/** Has the container of `tls.acme` get certificates for hosts, those alone, at once. */
async function ask(container: string, { folder, hosts }: Acme): Promise<void> {
  const script = `cd /acme/${folder} && rm -f status/* && printf '%s\\n' "$@" >.hosts && mv .hosts hosts && kill -HUP 1`;
  const { code, stderr } = await tryDocker("exec", container, "sh", "-c", script, "sh", ...hosts);
  if (code !== 0) throw new Error(`The container that gets certificates takes no order: ${stderr.trim()}`);
}

/** A script for the balancer's container whose output {@link parseStates} reads. */
export function statesScript({ folder, hosts }: Acme): string {
  return `cd ${acmeFolder}/${folder} 2>/dev/null || exit 0
for host in ${hosts.join(" ")}; do
  echo "host $host $(cat status/$host 2>/dev/null)"
  cat live/$host.crt 2>/dev/null
done; true`;
}

export function parseStates({ hosts }: Acme, output: string): Map<string, AcmeState> {
  const parts = output.split(/^host /m).slice(1);
  const found = new Map(
    parts.map((part) => {
      const [, host = "", failures = "0", next = "0", words = "", certificate = ""] =
        /^(\S+) ?(\d*) ?(\d*) ?(.*)\n([^]*)$/.exec(part) ?? [];
      return [
        host,
        { certificate: certificate || undefined, failures: Number(failures), next: Number(next), words: words.trim() },
      ] as const;
    }),
  );
  const nothing = { certificate: undefined, failures: 0, next: 0, words: "" };
  return new Map(hosts.map((host) => [host, found.get(host) ?? nothing]));
}

async function readStates(shell: BalancerShell, acme: Acme): Promise<Map<string, AcmeState>> {
  return parseStates(acme, await shell.read(statesScript(acme)));
}

/**
 * Has certificates got for all hosts that have none, and waits for them.
 *
 * @throws Error with the words of the authority for each host that it refuses, when all have been asked for
 */
export async function untilCertified({ shell, log }: Context, container: string, acme: Acme): Promise<void> {
  await ask(container, acme);
  const deadline = new Deadline(certificateSeconds);
  let waiting = acme.hosts;
  let refused: string[] = [];
  let said = performance.now();
  const giveUp = () => new Error(`${waiting.join(", ")}: no certificate within ${deadline.seconds} s`);
  await until(giveUp, { within: deadline }, async () => {
    const states = await readStates(shell, acme);
    const missing = [...states].filter(([, { certificate }]) => certificate === undefined);
    refused = missing.flatMap(([host, { failures, words }]) => (failures > 0 ? `${host}: ${words}` : []));
    const left = missing.flatMap(([host, { failures }]) => (failures === 0 ? host : []));
    if (left.length < waiting.length) deadline.renew();
    waiting = left;
    if (waiting.length > 0 && performance.now() - said >= 5000) {
      said = performance.now();
      log(`waiting for ${waiting.length} of ${acme.hosts.length} certificates: ${waiting[0]} next`);
    }
    return waiting.length === 0;
  });
  if (refused.length > 0)
    throw new Error(
      `No certificate for ${refused.length} of ${acme.hosts.length} hosts:\n${refused.map((line) => `  ${line}`).join("\n")}\n` +
        "All else is done, and they are served without TLS; it is tried again, by and by, and at once by `pulumi up`.",
    );
}
