import { keyedHash } from "../lib/tree-hash";
import type { AccessLog, BalancingMethod, Settings } from "./settings";

/** One server of an upstream: a backend, whatever runs behind its name. */
export interface Server {
  /** Its name in the configuration, in probes and in reports: the backend's network alias. Unique in its upstream. */
  readonly name: string;
  /** DNS name that nginx resolves again and again. Default: `name`; another one while two containers share that name. */
  readonly address?: string;
  /** TCP port, 1 to 65535. */
  readonly port: number;
  /** Share of the requests relative to the other servers, 0 to 100; 0 sends none. */
  readonly weight: number;
  /** What is asked of it to know that it serves. */
  readonly health: HealthCheck;
}

/** A GET that a server answers with 200 when it can take requests. */
export interface HealthCheck {
  /** Request target, sent byte for byte. */
  readonly path: string;
  /** Host header. */
  readonly host: string;
}

/** Servers that share requests. */
export interface Upstream {
  readonly name: string;
  readonly method: BalancingMethod;
  /** At least one, of different names. */
  readonly servers: readonly Server[];
}

/** What answers requests of clients. */
export interface Site {
  /** Name of the upstream that its requests go to. */
  readonly upstream: string;
  /** nginx directives of the user's for its server block, as they were written; empty for none. */
  readonly directives: string;
}

/** All that nginx's configuration depends on: one document, which the renderer turns into text and a release carries. */
export interface Topology {
  readonly sites: readonly Site[];
  readonly upstreams: readonly Upstream[];
  readonly proxy: ProxyPolicy;
  readonly accessLog: AccessLog;
}

/** How requests are handed on. Meaning, range and default of each are those of the setting of its name. */
export interface ProxyPolicy {
  readonly drainSeconds: number;
  readonly requestTimeoutSeconds: number;
  readonly maxBodyMb: number;
  readonly spoolMb: number;
  readonly behindProxy: boolean;
}

/** The one upstream of today's settings. Its name is part of what survives a reload: peers are kept by it. */
export const poolName = "backends";

/** The topology that a stack's settings ask for. */
export function topologyOf(
  settings: Pick<Settings, keyof ProxyPolicy | "method" | "accessLog" | "serverConfig">,
  servers: readonly Server[],
): Topology {
  const { drainSeconds, requestTimeoutSeconds, maxBodyMb, spoolMb, behindProxy } = settings;
  return {
    sites: [{ upstream: poolName, directives: settings.serverConfig }],
    upstreams: [{ name: poolName, method: settings.method, servers: sorted(servers) }],
    proxy: { drainSeconds, requestTimeoutSeconds, maxBodyMb, spoolMb, behindProxy },
    accessLog: settings.accessLog,
  };
}

/** Settings whose directives nobody can guess by the id of their release, which anyone may see. */
export function withNonce<T extends Pick<Settings, "serverConfig">>(settings: T, key: string): T {
  const { serverConfig } = settings;
  return { ...settings, serverConfig: `${serverConfig.trimEnd()}\n# ${keyedHash(serverConfig, key)}\n` };
}

/** All servers of a topology, in the order of its text. */
export function serversOf({ upstreams }: Pick<Topology, "upstreams">): readonly Server[] {
  return upstreams.flatMap(({ servers }) => servers);
}

/**
 * A topology with the servers of an older one besides its own, upstream by upstream: what runs between the two. An upstream
 * that only the older one has is not asked for any more.
 */
export function merge(wanted: Topology, older: Pick<Topology, "upstreams">): Topology {
  const upstreams = wanted.upstreams.map((upstream) => {
    const own = new Set(upstream.servers.map(({ name }) => name));
    const before = older.upstreams.find(({ name }) => name === upstream.name)?.servers ?? [];
    return { ...upstream, servers: sorted([...upstream.servers, ...before.filter(({ name }) => !own.has(name))]) };
  });
  return { ...wanted, upstreams };
}

/**
 * Servers in one order, the same on every machine: app-2 before app-10.
 *
 * @throws RangeError for no servers, or two of one name
 */
function sorted(servers: readonly Server[]): Server[] {
  if (servers.length === 0) throw new RangeError("servers: got none, expected at least one");
  const result = [...servers].sort((a, b) => natural.compare(a.name, b.name) || (a.name < b.name ? -1 : 1));
  const repeated = result.find(({ name }, index) => result[index + 1]?.name === name);
  if (repeated !== undefined) throw new RangeError(`servers: got ${repeated.name} twice, expected different names`);
  return result;
}

const natural = new Intl.Collator("en", { numeric: true });
