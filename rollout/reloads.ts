import { begins } from "../model/policies/pause";
import { merge, type Server, type Topology } from "../model/topology";
import { canaryOperations } from "./canary";
import type { Observed, ObservedContainer } from "./observed";
import type { Operation, Wanted } from "./plan";

/** Two containers under one name, of which the older one still gets requests: what `pulumi up --replace` makes. */
export interface Twin {
  readonly name: string;
  readonly older: string;
  readonly newer: string;
}

export function twinsOf(
  own: readonly ObservedContainer[],
  containers: Readonly<Record<string, string>>,
  liveNames: ReadonlySet<string>,
): Twin[] {
  return own.flatMap(({ id, alias, state }) => {
    const newer = containers[alias];
    const serves = newer !== undefined && newer !== id && state === "running" && liveNames.has(alias);
    return serves ? [{ name: alias, older: id, newer }] : [];
  });
}

/** The reloads between the live release and the wanted one, with what each is for. */
export function reloadOperations(
  { volume, served, containers }: Observed,
  wanted: Wanted,
  { added, removed, twins }: { added: readonly string[]; removed: readonly string[]; twins: readonly Twin[] },
): Operation[] {
  const { release, policy } = wanted;
  const live = volume.release;
  const stale = live !== undefined && volume.intact && served !== live.id;
  const resume: Operation[] = stale
    ? [{ op: "resume", cause: `nginx serves ${served ?? "nothing"}, the volume holds ${live.id}` }]
    : [];
  if (live?.id === release.id && volume.intact && twins.length === 0) return resume;

  const upstreams = live?.upstreams ?? [];
  const drain = (cause: string): Operation => ({ op: "drain", seconds: policy.drainSeconds, cause });
  const apart = (topology: Topology) =>
    withAddresses(topology, new Map(twins.map(({ name, newer }) => [name, shortId(newer)])));
  const copies = (suffix: string, from: Topology["upstreams"], idOf: (twin: Twin) => string) => ({
    upstreams: from.map((upstream) => ({
      ...upstream,
      servers: upstream.servers.flatMap((server): Server | [] => {
        const twin = twins.find(({ name }) => name === server.name);
        return twin === undefined ? [] : { ...server, name: `${server.name}-${suffix}`, address: shortId(idOf(twin)) };
      }),
    })),
  });
  const twinNames = twins.map(({ name }) => name);
  const leaving = [...removed, ...twinNames];
  const fresh = [...added, ...twinNames];
  const steps: Operation[] = [];
  if (fresh.length > 0 && leaving.length > 0) {
    const olderOnes = copies("old", upstreams, ({ older }) => older);
    const topology = apart(merge(merge(release.topology, { upstreams }), olderOnes));
    const judged = twins.length > 0 ? [] : canaryOperations(topology, wanted, containers, { added, removed });
    steps.push(
      ...(judged.length > 0
        ? judged
        : [
            {
              op: "reload",
              step: "together",
              topology,
              probe: fresh,
              cause: "new servers answer before old ones go",
            } as const,
          ]),
    );
  }
  steps.push({
    op: "reload",
    step: fresh.length + leaving.length > 0 ? "switch" : "reload",
    topology: apart(release.topology),
    probe: leaving.length > 0 ? [] : fresh,
    cause:
      live === undefined
        ? "the volume has no record of what is live"
        : volume.intact === false
          ? "the files on the volume were edited"
          : `${live.id} is live`,
  });
  if (leaving.length > 0 || stale || (!volume.intact && served !== undefined))
    steps.push(drain("older workers know servers that go"));
  else if (begins(release.topology.pause, live?.pause))
    steps.push(drain("backends have requests that came before the pause"));
  if (twins.length > 0) {
    const older = twins.map((twin) => twin.older);
    steps.push(
      {
        op: "stop",
        containers: older,
        seconds: policy.drainSeconds,
        cause: "their names are those of containers that serve",
      },
      {
        op: "reload",
        step: "settle",
        topology: merge(
          release.topology,
          copies("new", release.topology.upstreams, ({ newer }) => newer),
        ),
        probe: twinNames,
        cause: "names lead to one container again",
      },
      {
        op: "reload",
        step: "settle",
        topology: release.topology,
        probe: [],
        cause: "all answer by their names",
      },
    );
  }
  return [...resume, ...steps];
}

/** Docker's DNS knows a container by the first 12 digits of its id, too. */
function shortId(id: string): string {
  return id.slice(0, 12);
}

function withAddresses(topology: Topology, addresses: ReadonlyMap<string, string>): Topology {
  if (addresses.size === 0) return topology;
  const addressed = (server: Server): Server => {
    const address = addresses.get(server.name);
    return address === undefined ? server : { ...server, address };
  };
  return {
    ...topology,
    upstreams: topology.upstreams.map((upstream) => ({ ...upstream, servers: upstream.servers.map(addressed) })),
  };
}
