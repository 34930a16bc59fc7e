import { listenPort, tlsListenPort } from "./layout";
import type { Settings } from "./settings";

/** A container of the stack, as far as its published port goes. */
export interface Publisher {
  /** entry, balancer or backend: balancers of before there were entries publish the port themselves. */
  readonly role: string;
  readonly hash: string;
  readonly owner: string;
  readonly state: string;
  /** The addresses that it publishes now, as `docker ps` writes them. */
  readonly ports: string;
}

/** An entry of the stack that exists: the only volume that it has is the one on which it hands its socket out. */
export interface ExistingEntry extends Publisher {
  readonly id: string;
  readonly networks: readonly string[];
  readonly volumes: readonly string[];
}

/** What an entry has: a published address, and a port that it listens on in its container. */
export interface Door {
  /** Part of the names of its resources. */
  readonly name: "socket" | "tls";
  readonly port: number;
  readonly listenPort: number;
}

/** The entries that a stack's settings ask for, that of its address first. */
export function doorsOf({ port, tls }: Pick<Settings, "port" | "tls">): Door[] {
  const plain = { name: "socket", port, listenPort } as const;
  return tls === undefined ? [plain] : [plain, { name: "tls", port: tls.port, listenPort: tlsListenPort }];
}

/** An address and a port as one text: 127.0.0.1:8080, [::1]:8080. */
export function publicAddress(bindAddress: string, port: number): string {
  return `${bindAddress.includes(":") ? `[${bindAddress}]` : bindAddress}:${port}`;
}

/**
 * Whether Docker can't publish an address as long as others are published: the same one, or one of a wildcard and the same port.
 *
 * @param ports as `docker ps` writes them: `127.0.0.1:8080->8080/tcp, :::81->81/tcp`
 */
export function isTakenBy(address: string, ports: string): boolean {
  const wanted = split(address);
  return [...ports.matchAll(/([^\s,]+)->/g)]
    .map(([, published = ""]) => split(published))
    .some(({ host, port }) => port === wanted.port && (host === wanted.host || [host, wanted.host].some(isWildcard)));
}

/** Docker writes an IPv6 address without brackets, too. */
function split(address: string): { host: string; port: string } {
  const colon = address.lastIndexOf(":");
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ""), port: address.slice(colon + 1) };
}

/**
 * The entries that a stack which takes another state's over keeps, since nobody can have their ports without refusing some: those
 * that are what it wants, all of one volume. What its own state knows, or a version without identities made, is none of them.
 *
 * @param hashes of the wanted entries
 * @param owner the stack's own identity; undefined before it has one
 */
export function keptEntries<Found extends ExistingEntry>(
  hashes: readonly string[],
  existing: readonly Found[],
  owner: string | undefined,
): Found[] {
  const found = hashes.flatMap((hash) => {
    const alike = existing.filter((one) => one.role === "entry" && one.hash === hash);
    if (alike.some((one) => one.owner === "" || one.owner === owner)) return [];
    const whole = alike.filter(({ networks, volumes }) => networks.length > 0 && volumes.length === 1);
    return whole.find(({ state }) => state === "running") ?? whole[0] ?? [];
  });
  return found.filter(({ volumes }) => volumes[0] === found[0]?.volumes[0]);
}

function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}

/**
 * Why an update refuses connections for a moment: what has the port has to let go of it before the wanted entry gets it.
 *
 * @returns a sentence for the preview; undefined where nobody is refused
 */
export function gapOf(
  entry: { readonly hash: string; readonly address: string; readonly owner: string | undefined },
  existing: readonly Publisher[],
): string | undefined {
  const inTheWay = existing.find(
    ({ role, hash, owner, state, ports }) =>
      state === "running" &&
      !(role === "entry" && hash === entry.hash && owner === entry.owner) &&
      isTakenBy(entry.address, ports),
  );
  if (inTheWay === undefined) return undefined;
  const cause =
    inTheWay.role === "balancer"
      ? "a balancer that an older version made publishes the port itself"
      : inTheWay.owner !== entry.owner
        ? "the entry that has the port is another state's"
        : inTheWay.ports.startsWith(`${entry.address}->`)
          ? "the entry that has the port is replaced by another image"
          : `Docker can't publish ${entry.address} beside ${inTheWay.ports.replaceAll(/->[^\s,]+/g, "")}`;
  return `This update has a gap of about half a second, in which connections are refused and requests in flight are cut: ${cause}.`;
}
