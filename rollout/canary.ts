import { isServerOf, versionOf } from "../model/identity";
import { withShare } from "../model/policies/canary";
import type { Topology } from "../model/topology";
import type { ObservedContainer } from "./observed";
import type { Operation, Wanted } from "./plan";

/**
 * The steps in which new backends of an app get more and more of its requests, and are judged; none where no canary is asked for, or the
 * new ones run what the old ones do.
 *
 * @param together all servers of before and after
 * @param containers the stack's own
 */
export function canaryOperations(
  together: Topology,
  { canary, destination }: Wanted,
  containers: readonly ObservedContainer[],
  { added, removed }: { readonly added: readonly string[]; readonly removed: readonly string[] },
): Operation[] {
  if (canary === undefined) return [];
  const { app, steps } = canary;
  const isOwn = (names: readonly string[]) => (server: { readonly name: string }) =>
    names.includes(server.name) && isServerOf(app, server);
  const upstream = together.upstreams.find(({ servers }) => servers.some(isOwn(added)));
  if (upstream === undefined) return [];
  const fresh = upstream.servers.filter(isOwn(added));
  const older = upstream.servers.filter(isOwn(removed));
  if (older.length === 0 || versionOf(fresh) === versionOf(older)) return [];
  const names = (servers: readonly { readonly name: string }[]) => new Set(servers.map(({ name }) => name));
  const idOf = (name: string) => containers.find(({ alias }) => alias === name)?.id ?? "";
  const ids = (servers: readonly { readonly name: string }[]) =>
    Object.fromEntries(servers.map(({ name }) => [name, destination.containers[name] ?? idOf(name)]));
  return steps.map((share) => ({
    op: "canary",
    app,
    share,
    topology: {
      ...together,
      canary: { app, upstream: upstream.name, share },
      upstreams: together.upstreams.map((one) =>
        one === upstream ? { ...one, servers: withShare(one.servers, names(fresh), names(older), share) } : one,
      ),
    },
    probe: added,
    fresh: ids(fresh),
    older: ids(older),
    policy: canary,
    cause: `new backends of ${app} are judged at ${share} % of its requests`,
  }));
}
