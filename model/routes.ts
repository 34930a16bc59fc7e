import type { Problem } from "./app";

/** What of an app says which requests it gets. */
export interface Routed {
  readonly name: string;
  readonly hosts: readonly string[];
  readonly paths: readonly string[];
  readonly stripPrefix: boolean;
}

/** Apps that share their requests: those of the same hosts and paths. */
export interface Group<A extends Routed = Routed> {
  /** Name of their upstream. It is part of what survives a reload: peers are kept by it. */
  readonly upstream: string;
  readonly hosts: readonly string[];
  readonly paths: readonly string[];
  readonly stripPrefix: boolean;
  readonly apps: readonly A[];
}

/** Name of the upstream of the apps that answer any name and path. */
export const poolName = "backends";

/** Apps by what they answer, in the order of the first app of each. */
export function groupsOf<A extends Routed>(apps: readonly A[]): Group<A>[] {
  const claims = [...new Set(apps.map(claimOf))];
  return claims.map((claim) => {
    const members = apps.filter((app) => claimOf(app) === claim);
    const [{ name, hosts, paths, stripPrefix }] = members as [A, ...A[]];
    const isPool = hosts.length === 0 && paths.length === 1 && paths[0] === "/";
    // No app's name has an underscore.
    const upstream = isPool ? poolName : name === poolName ? `${name}_app` : name;
    return { upstream, hosts, paths, stripPrefix, apps: members };
  });
}

/** What an app answers, as a text that is the same for apps that share it. */
function claimOf({ hosts, paths }: Routed): string {
  return `${[...hosts].sort().join()} ${[...paths].sort().join()}`;
}

/**
 * Routes that several apps claim without being of one group, groups that differ in how they are asked, and such that would
 * have no backend, or none that gets requests.
 *
 * @param backendCount backends that apps share which ask for no number
 */
export function problemsOfRoutes(
  apps: readonly (Routed & { readonly count?: number | undefined; readonly weight?: number })[],
  backendCount: number,
): Problem[] {
  const sharing = apps.filter(({ count }) => count === undefined);
  const groups = groupsOf(apps).map((group) => ({ ...group, asked: group.apps.filter(({ weight }) => weight !== 0) }));
  const turns = groups.map(({ asked }) =>
    asked.some(({ count }) => count !== undefined) ? 0 : sharing.findIndex((app) => app === asked[0]),
  );
  const needed = Math.max(...turns) + 1;
  const missing =
    backendCount < needed
      ? [{ path: ["backendCount"], expected: `at least ${needed}, so that all that is answered has a backend` }]
      : [];
  const drained = groups.flatMap(
    ({ apps: [first], asked }) =>
    first === undefined || asked.length > 0
      ? []
      : [{ path: ["apps", apps.indexOf(first), "weight"], expected: `at least 1: no other app answers ${routeOf(first.hosts[0], first.paths[0])}` }], // prettier-ignore
  );
  return [...missing, ...drained, ...problemsOfClaims(apps)];
}

function routeOf(host = "any host", path = "/"): string {
  return `${host}${path}`;
}

/** Names that browsers are sent away from, although something answers them, or that they are sent in circles to. */
export function problemsOfRedirects(
  redirects: readonly { readonly from: string; readonly to: string }[],
  apps: readonly Routed[],
): Problem[] {
  return redirects.flatMap(({ from, to }, index): Problem[] => {
    const at = (key: string, expected: string) => [{ path: ["redirects", index, key], expected }];
    const owner = apps.findIndex(({ hosts }) => hosts.includes(from));
    if (owner >= 0) return at("from", `a name that no app has, other than apps[${owner}]`);
    const first = redirects.findIndex((other) => other.from === from);
    if (first < index) return at("from", `a name other than that of redirects[${first}]`);
    if (from === to) return at("to", "another name than that of from");
    const next = redirects.findIndex((other) => other.from === to);
    return next >= 0 ? at("to", `a name that is not sent on by redirects[${next}]`) : [];
  });
}

function problemsOfClaims(apps: readonly Routed[]): Problem[] {
  const claims = new Map<string, number>();
  return apps.flatMap((app, index): Problem[] => {
    for (const host of app.hosts.length === 0 ? [undefined] : app.hosts)
      for (const path of app.paths) {
        const route = routeOf(host, path);
        const first = claims.get(route);
        if (first === undefined) {
          claims.set(route, index);
          continue;
        }
        const other = apps[first] as Routed;
        const key = claimOf(app).split(" ")[0] === claimOf(other).split(" ")[0] ? "paths" : "hosts";
        if (claimOf(app) !== claimOf(other))
          return [
            {
              path: ["apps", index, key],
              expected: `the same hosts and paths as apps[${first}], with which it would share ${route}, or others`,
            },
          ];
        if (app.stripPrefix !== other.stripPrefix)
          return [{ path: ["apps", index, "stripPrefix"], expected: `${other.stripPrefix}, as apps[${first}], with which it shares ${route}` }]; // prettier-ignore
      }
    return [];
  });
}
