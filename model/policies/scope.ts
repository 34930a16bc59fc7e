import type { Problem } from "../app";
import { hostList } from "../hosts";
import { pathList } from "../paths";
import type { Routed } from "../routes";

/** Which requests a policy is for. */
export interface Scope {
  /** Hosts as apps have them; none: all. */
  readonly hosts: readonly string[];
  /** Paths, each with all that is below it. */
  readonly paths: readonly string[];
}

/** The keys of a policy's entry that say which requests it is for. */
export const scopeShape = {
  hosts: hostList.default([]).meta({ description: "the hosts of apps that it is for; none: all", change: "reloads" }),
  paths: pathList
    .default(["/"])
    .meta({ description: "the paths that it is for, each with all that is below it", change: "reloads" }),
};

/** Whether a path is another one, or below it. */
export function isBelow(path: string, head: string): boolean {
  return head === "/" || `${path}/`.startsWith(`${head}/`);
}

/**
 * Entries that are for a path of a host, the narrowest last: the one of the longest path, and of two with the same one that which
 * names hosts.
 *
 * @param host as an app has it; empty: every name that no app has
 */
export function covering<T extends Scope>(entries: readonly T[], host: string, path: string): T[] {
  return entries
    .filter(({ hosts }) => hosts.length === 0 || hosts.includes(host))
    .flatMap((entry) => {
      const lengths = entry.paths.filter((head) => isBelow(path, head)).map((head) => head.length);
      return lengths.length === 0 ? [] : { entry, length: Math.max(...lengths) };
    })
    .sort((a, b) => a.length - b.length || a.entry.hosts.length - b.entry.hosts.length)
    .map(({ entry }) => entry);
}

/** Hosts that no app has, and paths that none answers there. */
export function problemsOfScopes(
  key: readonly PropertyKey[],
  entries: readonly Scope[],
  apps: readonly Routed[],
): Problem[] {
  const known = [...new Set(apps.flatMap(({ hosts }) => hosts))];
  return entries.flatMap(({ hosts, paths }, index): Problem[] => {
    const expected = known.length === 0 ? "no hosts, since no app has any" : `a host of an app: ${known.join(", ")}`;
    const unknown = hosts.flatMap((host, at) =>
      known.includes(host) ? [] : { path: [...key, index, "hosts", at], expected },
    );
    const own = apps.filter((app) => hosts.length === 0 || app.hosts.some((host) => hosts.includes(host)));
    const answered = [...new Set(own.flatMap((app) => app.paths))];
    const isAnswered = (path: string) => answered.some((head) => isBelow(path, head) || isBelow(head, path));
    const idle = paths.flatMap((path, at) =>
      unknown.length > 0 || isAnswered(path)
        ? []
        : { path: [...key, index, "paths", at], expected: `a path that apps answer there: ${answered.join(", ")}` },
    );
    return [...unknown, ...idle];
  });
}

/** Hosts that no app has, of a policy that names nothing but hosts. */
export function problemsOfSites(policy: string, sites: readonly string[], apps: readonly Routed[]): Problem[] {
  const problems = problemsOfScopes([], [{ hosts: sites, paths: ["/"] }], apps);
  return problems.map(({ path, expected }) => ({ path: [policy, "sites", ...path.slice(-1)], expected }));
}

/** Entries of which two are for the same path of the same hosts, where only one can be. */
export function problemsOfOverlaps(key: string, entries: readonly Scope[]): Problem[] {
  return entries.flatMap(({ hosts, paths }, index) => {
    const first = entries.findIndex(
      (other) =>
        other.hosts.length > 0 === hosts.length > 0 &&
        (hosts.length === 0 || other.hosts.some((host) => hosts.includes(host))) &&
        other.paths.some((path) => paths.includes(path)),
    );
    return first < index
      ? [{ path: [key, index, "paths"], expected: `other hosts or paths than those of ${key}[${first}]` }]
      : [];
  });
}
