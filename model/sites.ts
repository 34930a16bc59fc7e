import { pathsWithPolicy, policyAt, type PolicySettings } from "./policies";
import { isBelow } from "./policies/scope";
import type { Group, Routed } from "./routes";
import type { Route, Site } from "./topology";

/** What routes depend on besides what apps answer. */
type Policies = PolicySettings & { readonly apps: readonly Routed[] };

/** Sites by their routes: names that lead to the same places are one site's. */
export function sitesOf(groups: readonly Omit<Group, "apps">[], policies: Policies): Site[] {
  const byHost = new Map<string, Route[]>();
  for (const { hosts, paths, upstream, stripPrefix } of groups)
    for (const host of hosts.length === 0 ? [""] : hosts)
      for (const path of paths) {
        const strip = stripPrefix && path !== "/" ? path : "";
        byHost.set(host, [...(byHost.get(host) ?? []), { path, upstream, strip }]);
      }
  const sites = new Map<string, { hosts: string[]; routes: Route[] }>();
  for (const [host, unsorted] of byHost) {
    const routes = withPolicies(unsorted, policies, host).sort((a, b) => (a.path < b.path ? -1 : 1));
    const key = `${host === ""} ${JSON.stringify(routes)}`;
    const site = sites.get(key) ?? { hosts: [], routes };
    if (host !== "") site.hosts.push(host);
    sites.set(key, site);
  }
  return [...sites.values()];
}

/** Routes with what holds for each, and more of them where that is otherwise below a path. */
function withPolicies(routes: readonly Route[], policies: Policies, host: string): Route[] {
  const more = pathsWithPolicy(policies, host).flatMap((path) => {
    const above = routeFor(routes, path);
    return above === undefined || above.path === path ? [] : { ...above, path };
  });
  return [...routes, ...more].map((route) => {
    const policy = policyAt(policies, host, route.path);
    return policy === undefined ? route : { ...route, policy };
  });
}

/** The route that a path takes: the longest one that it is, or is below. */
export function routeFor<R extends Route>(routes: readonly R[], path: string): R | undefined {
  return routes.filter((route) => isBelow(path, route.path)).sort((a, b) => b.path.length - a.path.length)[0];
}
