import { keyedHash } from "../lib/tree-hash";
import type { Certificate } from "./certificates";
import type { PolicySettings, RoutePolicy } from "./policies";
import type { Maintenance } from "./policies/maintenance";
import type { Pause } from "./policies/pause";
import type { Pages } from "./policies/pages";
import { groupsOf } from "./routes";
import type { AccessLog, BalancingMethod, Settings } from "./settings";
import { stickyOf, type Sticky } from "./policies/sticky";
import { sitesOf } from "./sites";
import { tlsOf, type Tls } from "./tls";

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
  /** Default: each request is balanced. */
  readonly sticky?: Sticky;
  /** At least one, of different names. */
  readonly servers: readonly Server[];
}

/** What answers requests of clients for some names. */
export interface Site {
  /** Host names, each with a leading `*.` or without; none: every name that no other site has. */
  readonly hosts: readonly string[];
  /** At least one, of different paths; the longest one that a request's path begins with wins. */
  readonly routes: readonly Route[];
}

/** Which requests of a site go where. */
export interface Route {
  /** `/`, or one or more segments: the request's path is this one, or goes on after it with a slash. */
  readonly path: string;
  /** Name of the upstream. */
  readonly upstream: string;
  /** What the upstream gets the path without: the path of the route, or the begin of it; empty: nothing is taken off. */
  readonly strip: string;
  /** Default: what holds everywhere. */
  readonly policy?: RoutePolicy;
}

export interface Redirect {
  readonly from: string;
  readonly to: string;
}

/** All that nginx's configuration depends on: one document, which the renderer turns into text and a release carries. */
export interface Topology {
  /** Of different host names; at most one has none. */
  readonly sites: readonly Site[];
  /** Names that are answered with a redirect to another one; of different `from`. */
  readonly redirects: readonly Redirect[];
  /** nginx directives of the user's for each site's server block, as they were written; empty for none. */
  readonly directives: string;
  /** The same for the http block. Default: none. */
  readonly httpDirectives?: string;
  readonly upstreams: readonly Upstream[];
  readonly proxy: ProxyPolicy;
  readonly accessLog: AccessLog;
  /** MiB that a log with all fields may have; only of interest where there is one. */
  readonly logMb?: number;
  /** Whether requests are counted for others to see. Default: they aren't. */
  readonly metrics?: true;
  /** Pages of nginx's own answers, by the names of their files; default: nginx's own. */
  readonly pages?: Pages;
  /** Who is served as ever where a route is in maintenance, and when others are told to come back. */
  readonly maintenance?: Pick<Maintenance, "allow" | "retryAfterSeconds">;
  /** How long requests wait where a route is paused. */
  readonly pause?: Pause;
  /** On the way to the wanted topology alone: whose backends are judged. */
  readonly canary?: { readonly app: string; readonly upstream: string; readonly share: number };
  /** Default: everything is served in plain alone. */
  readonly tls?: Tls;
}

/** How requests are handed on. Meaning, range and default of each are those of the setting of its name. */
export interface ProxyPolicy {
  readonly drainSeconds: number;
  readonly requestTimeoutSeconds: number;
  readonly maxBodyMb: number;
  readonly balancerMemoryMb: number;
  readonly spoolMb: number;
  readonly behindProxy: boolean;
  readonly trustedProxies: readonly string[];
  readonly proxyProtocol: boolean;
  /** Only of interest where answers are kept. */
  readonly cacheMb: number;
  /** Whether each request has an id, which backends and clients are told. Default: it has none. */
  readonly requestIds?: true;
}

/** A server, and the app whose it is; default: the first one. */
export interface AppServer extends Server {
  readonly app?: string;
}

/**
 * The topology that a stack's settings ask for.
 *
 * @param certificates those that the settings name
 */
export function topologyOf(
  settings: Pick<
    Settings,
    | Exclude<keyof ProxyPolicy, "requestIds">
    | keyof PolicySettings
    | "apps"
    | "redirects"
    | "method"
    | "accessLog"
    | "logMb"
    | "metrics"
    | "serverConfig"
    | "httpConfig"
    | "tls"
  >,
  servers: readonly AppServer[],
  certificates: readonly Certificate[] = [],
): Topology {
  const {
    tls,
    method,
    pages,
    maintenance,
    pause,
    drainSeconds,
    requestTimeoutSeconds,
    maxBodyMb,
    balancerMemoryMb,
    spoolMb,
    behindProxy,
    trustedProxies,
    proxyProtocol,
    cacheMb,
  } = settings;
  const [first] = settings.apps;
  const hasAllFields = settings.accessLog === "json";
  const groups = groupsOf(settings.apps).map(({ apps, ...group }) => {
    const names = new Set(apps.map(({ name }) => name));
    const own = servers.flatMap(({ app = first?.name ?? "", ...server }) => (names.has(app) ? server : []));
    const sticky = stickyOf(apps);
    return { ...group, servers: sorted(own), ...(sticky && { sticky }) };
  });
  return {
    sites: sitesOf(groups, settings),
    redirects: settings.redirects,
    directives: settings.serverConfig,
    ...(settings.httpConfig !== "" && { httpDirectives: settings.httpConfig }),
    upstreams: groups.map(({ upstream: name, servers: own, sticky }) => ({
      name,
      method,
      servers: own,
      ...(sticky && { sticky }),
    })),
    proxy: {
      drainSeconds,
      requestTimeoutSeconds,
      maxBodyMb,
      balancerMemoryMb,
      spoolMb,
      behindProxy,
      trustedProxies,
      proxyProtocol,
      cacheMb,
      ...(hasAllFields && { requestIds: true as const }),
    },
    accessLog: settings.accessLog,
    ...(hasAllFields && { logMb: settings.logMb }),
    ...(settings.metrics && { metrics: true as const }),
    ...(Object.keys(pages).length > 0 && { pages }),
    ...(maintenance && { maintenance: { allow: maintenance.allow, retryAfterSeconds: maintenance.retryAfterSeconds } }),
    ...(pause && { pause }),
    ...(tls !== undefined && { tls: tlsOf(tls, settings, certificates) }),
  };
}

/** The settings whose texts nginx's configuration repeats: where one of them is secret, so is that. */
export const repeated = ["serverConfig", "httpConfig", "headers", "locations"] as const;

/** Settings whose texts nobody can guess by the id of their release, which anyone may see. */
export function withNonce<T extends Pick<Settings, (typeof repeated)[number]>>(settings: T, key: string): T {
  const nonce = keyedHash(JSON.stringify(repeated.map((name) => settings[name])), key);
  return { ...settings, serverConfig: `${settings.serverConfig.trimEnd()}\n# ${nonce}\n` };
}

/** All texts of users that nginx's configuration repeats, one a line. */
export function repeatedTexts({ directives, httpDirectives = "", sites }: Topology): string {
  const policies = routesOf({ sites }).flatMap(({ policy: { headers, location } = {} }) => [
    ...Object.values(headers?.requests ?? {}),
    ...Object.values(headers?.answers ?? {}),
    location?.locationConfig ?? "",
  ]);
  return [directives, httpDirectives, ...policies].join("\n");
}

/** Whether requests are told to anybody but the reader of what the balancer's container prints. */
export function isWatched({ accessLog, metrics }: Pick<Topology, "accessLog" | "metrics">): boolean {
  return accessLog === "json" || metrics === true;
}

/** A server, and the upstream that it is one of. */
export interface UpstreamServer extends Server {
  readonly upstream: string;
  /** Name of the cookie by which clients come back to it; default: they don't. */
  readonly cookie?: string;
}

/** All servers of a topology, in the order of its text. */
export function serversOf({ upstreams }: Pick<Topology, "upstreams">): readonly UpstreamServer[] {
  return upstreams.flatMap(({ name: upstream, servers, sticky }) =>
    servers.map((server) => ({ ...server, upstream, ...(sticky && { cookie: sticky.cookie }) })),
  );
}

/** The servers of one of a topology's upstreams; none where it has no such. */
export function serversIn({ upstreams }: Pick<Topology, "upstreams">, upstream: string): readonly Server[] {
  return upstreams.find(({ name }) => name === upstream)?.servers ?? [];
}

/** A route with the names of its site; none: every name that no other site has. */
export interface NamedRoute extends Route {
  readonly hosts: readonly string[];
}

/** What is answered; states of before there were sites tell nothing of them. */
export type Answered = Pick<Topology, "upstreams"> & Partial<Pick<Topology, "sites" | "redirects" | "tls" | "proxy">>;

/** All routes, those of the names which no app has first. */
export function routesOf({ sites = [] }: Pick<Answered, "sites">): readonly NamedRoute[] {
  const routes = sites.flatMap(({ hosts = [], routes: own = [] }: Partial<Site>) =>
    own.map((route) => ({ ...route, hosts })),
  );
  return [...routes.filter(({ hosts }) => hosts.length === 0), ...routes.filter(({ hosts }) => hosts.length > 0)];
}

/**
 * A topology with the servers of an older one besides its own, upstream by upstream: what runs between the two. An upstream
 * that only the older one has is not asked for any more.
 */
export function merge(wanted: Topology, older: Pick<Topology, "upstreams">): Topology {
  const upstreams = wanted.upstreams.map((upstream) => {
    const own = new Set(upstream.servers.map(({ name }) => name));
    const before = serversIn(older, upstream.name);
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
