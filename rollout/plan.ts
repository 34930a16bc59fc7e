import type { Canary } from "../model/policies/canary";
import type { Acme } from "../model/tls";
import type { Destination, Policy, Release, ReleaseFile } from "../model/release";
import { serversOf, type Topology } from "../model/topology";
import { balancerOperations } from "./handover";
import type { Observed, ObservedContainer } from "./observed";
import { containersApart, networksLeft, networksToJoin } from "./memberships";
import { isAdopted, ownOf } from "./ownership";
import { reloadOperations, twinsOf, type Twin } from "./reloads";
import { exporterOperations } from "./exporters";
import { reviveOperations } from "./revive";
import type { Watched } from "./steps/canary";

/** What a change is for: the release, where it goes, and how long its steps may take. */
export interface Wanted {
  readonly release: Release;
  /** What nginx reads beside the release's own files, for its eyes only. */
  readonly attachments: readonly ReleaseFile[];
  /** Whether the release holds secrets: then no message repeats anything of its directives. */
  readonly isSecret: boolean;
  readonly destination: Destination;
  readonly policy: Policy;
  readonly attempt: number;
  /** How new backends of an app are judged before they get all requests. */
  readonly canary?: Canary;
}

/** One thing that is done to the host, with why it is needed. Containers are named by id. */
export type Operation = { readonly cause: string } & (
  | { readonly op: "revive"; readonly container: string; readonly how: "start" | "unpause" | "restart" }
  /** Puts a container on networks, under the alias if it is a backend. */
  | { readonly op: "join"; readonly container: string; readonly networks: readonly string[]; readonly alias: string }
  /** Takes the balancer off networks. */
  | { readonly op: "leave"; readonly networks: readonly string[] }
  /** Has a new balancer judge what its predecessor runs. */
  | { readonly op: "try" }
  /** Has the balancer take connections as soon as there are its entries, beside its predecessor. */
  | { readonly op: "serve" }
  /** Starts an entry, and publishes its port on the network; predecessors have to let go of it. */
  | {
      readonly op: "open";
      readonly entry: string;
      readonly network: string;
      readonly predecessors: readonly string[];
    }
  /** Lays the release where nginx finds it when it starts. */
  | { readonly op: "install" }
  /** Waits until the balancer answers, and servers of `probe` do through it. */
  | { readonly op: "await"; readonly probe: readonly string[] }
  /** Publishes an entry's port anew. */
  | { readonly op: "publish"; readonly entry: string }
  /** Has nginx run what lies on the volume. */
  | { readonly op: "resume" }
  /** Runs the release in a second nginx; servers of `must` have to answer, others only where they do through the live one. */
  | { readonly op: "candidate"; readonly must: readonly string[] }
  /** Installs a topology; servers of `probe` have to answer through it. */
  | { readonly op: "reload"; readonly step: ReloadStep; readonly topology: Topology; readonly probe: readonly string[] }
  /** Has fresh backends beside older ones get a share of their app's requests, and watches them; containers by server name. */
  | ({
      readonly op: "canary";
      readonly topology: Topology;
      readonly probe: readonly string[];
      readonly policy: Canary;
    } & Watched)
  /** Has nginx run again what it ran before a canary that was not brought to its end. */
  | { readonly op: "take back" }
  /** Waits until no nginx worker of an older configuration is left. */
  | { readonly op: "drain"; readonly seconds: number }
  /** Has balancers take no more connections; they finish what they have. */
  | { readonly op: "quit"; readonly containers: readonly string[] }
  /** Asks the public address. */
  | { readonly op: "check" }
  /** Has entries refuse connections from when nginx lets go of their sockets, too. */
  | { readonly op: "close"; readonly entries: readonly string[] }
  /** Waits for the certificates of an authority. */
  | { readonly op: "certificates"; readonly container: string; readonly acme: Acme }
  /** Notes on the volume which containers serve. */
  | { readonly op: "record" }
  /** Waits until Docker finds the containers healthy, too. */
  | { readonly op: "health"; readonly containers: readonly string[] }
  /** Stops containers that the engine takes for there: the next update starts them again, or has them removed. */
  | { readonly op: "halt"; readonly containers: readonly string[]; readonly seconds: number }
  | { readonly op: "stop"; readonly containers: readonly string[]; readonly seconds: number }
  /** Sets the limit of containers' processes. */
  | { readonly op: "limit"; readonly containers: readonly string[] }
  /** Removes networks and volumes of the stack that no container uses: a state that was lost knew them. */
  | { readonly op: "remove unused" }
  /** Removes images that no container of the stack uses, and releases that no nginx does. */
  | { readonly op: "clean up" }
);

/** What a reload is for: old and new servers together, the new ones alone, servers by their own names again, or settings. */
export type ReloadStep = "together" | "switch" | "settle" | "reload";

/** The way from what was observed to what is wanted. */
export interface Plan {
  /** Names of servers that the wanted topology has and the live one lacks, and the reverse. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly operations: readonly Operation[];
}

/**
 * Plans a change that loses no request: new backends have answered through nginx before it sends them requests alone, old ones
 * end after the last nginx worker that knows them, and nothing is touched before the candidate has passed.
 *
 * Workers know no address of a new server for some milliseconds after a reload. So a set that changes on both sides goes
 * through a configuration with old and new servers together.
 */
export function plan(observed: Observed, wanted: Wanted): Plan {
  const { release, destination, policy } = wanted;
  const live = observed.volume.release;
  const liveServers = serversOf({ upstreams: live?.upstreams ?? [] });
  const wantedServers = serversOf(release.topology);
  const liveNames = new Set(liveServers.map(({ name }) => name));
  const wantedNames = new Set(wantedServers.map(({ name }) => name));
  const added = [...wantedNames].filter((name) => !liveNames.has(name));
  const removed = [...liveNames].filter((name) => !wantedNames.has(name));
  const own = ownOf(observed.containers, destination);
  assertAllThere(own, destination);
  const twins = twinsOf(own, destination.containers, liveNames);
  const renewed = Object.entries(destination.containers).flatMap(([name, id]) =>
    live?.containers[name] === id ? [] : name,
  );

  const revived = reviveOperations(own, wanted, added);
  const begun = revived.flatMap(({ name, operation }) => (operation.how === "restart" ? [] : name));
  const apart = containersApart(own, destination);
  const must = [...new Set([...added, ...renewed, ...begun, ...apart.map(({ alias }) => alias)])];
  const isBare = hasNothingToServe(observed) && twins.length === 0;
  const { prepare, start, quit, end } = balancerOperations(observed, own, wanted, isBare ? added : undefined);
  // One that starts to serve reads what is on the volume.
  const starts = start.some(({ op }) => op === "await");
  const served = starts ? live?.id : observed.served;
  const reloads = isBare
    ? []
    : reloadOperations({ ...observed, served, containers: own }, wanted, { added, removed, twins });
  const { acme } = release.topology.tls ?? {};
  const draining = reloads.some(({ op }) => op === "drain");
  const fresh = added.flatMap((name) => destination.containers[name] ?? []);
  const strays = strayContainers(own, wanted, twins, liveNames);
  const exporters = exporterOperations(own, destination);
  const stopped = [...exporters, ...start, ...end].flatMap((operation) =>
    operation.op === "stop" ? operation.containers : [],
  );
  const gone = new Set([...strays, ...stopped, ...twins.map(({ older }) => older)]);
  const serving = servingContainers(destination);
  const retired = retiredContainers(own, serving).filter((id) => !gone.has(id));
  const joined = networksToJoin(own, destination);
  const left = networksLeft(own, destination, joined);

  return {
    added,
    removed,
    operations: [
      ...(joined.length > 0
        ? [
            {
              op: "join",
              container: destination.balancer,
              networks: joined,
              alias: "",
              cause: "backends are there",
            } as const,
          ]
        : []),
      ...apart.map(({ id: container, network, alias }) => {
        return { op: "join", container, networks: [network], alias, cause: `${alias} is off its network` } as const;
      }),
      ...exporters,
      ...prepare,
      ...(isBare ? [] : start),
      ...(strays.length > 0
        ? [
            {
              op: "stop",
              containers: strays,
              seconds: 0,
              cause: "left by an update that did not finish, under a name that is about to serve",
            } as const,
          ]
        : []),
      ...revived.map(({ operation }) => operation),
      ...limitOperations(observed, serving),
      { op: "candidate", must, cause: `release ${release.id} is tried beside the live one` },
      ...(isBare ? start : reloads),
      ...quit,
      { op: "check", cause: "the last word has the address that clients use" },
      ...end,
      ...(!isBare &&
      reloads.every(({ op }) => op === "resume") &&
      (renewed.length > 0 || live?.attempt !== wanted.attempt)
        ? [{ op: "record", cause: "for the next look at the host" } as const]
        : []),
      ...(draining && fresh.length > 0
        ? [{ op: "health", containers: fresh, cause: "Docker is to show as many healthy backends as before" } as const]
        : []),
      ...(retired.length > 0
        ? [
            {
              op: "stop",
              containers: retired,
              seconds: policy.drainSeconds,
              cause: "no request can reach them any more",
            } as const,
          ]
        : []),
      ...(left.length > 0 ? [{ op: "leave", networks: left, cause: "no backend is on them any more" } as const] : []),
      ...(acme !== undefined && destination.acme !== undefined
        ? [{ op: "certificates", container: destination.acme, acme, cause: "hosts are to have them" } as const]
        : []),
      ...(own.some((one) => isAdopted(one, destination) && !serving.has(one.id))
        ? [{ op: "remove unused", cause: "no state knows what the adopted containers were on" } as const]
        : []),
      { op: "clean up", cause: "images and releases that nothing uses" },
    ],
  };
}

/**
 * Whether no nginx runs that the balancer could go on from, nor could one start with what is on the volume: the release is tried
 * and laid there before any takes a connection.
 */
function hasNothingToServe({ served, volume: { release, intact } }: Observed): boolean {
  return served === undefined && (release === undefined || intact === false);
}

/** What the engine takes for there: only it can make another one. */
function assertAllThere(
  own: readonly ObservedContainer[],
  { balancer, entries, acme, exporters = [], containers }: Destination,
): void {
  const found = new Set(own.map(({ id }) => id));
  const doors = Object.fromEntries(entries.map(({ id, url }) => [`the entry of ${url}`, id]));
  const lego = acme === undefined ? {} : { "the container that gets certificates": acme };
  const figures = Object.fromEntries(exporters.map(({ id, url }) => [`what answers at ${url}`, id]));
  const gone = Object.entries({ "the balancer": balancer, ...doors, ...lego, ...figures, ...containers }).filter(
    ([, id]) => !found.has(id),
  );
  if (gone.length > 0)
    throw new Error(
      `${gone.map(([name]) => name).join(", ")}: the container was removed by hand. \`pulumi up --refresh\` makes a new one.`,
    );
}

/** Containers that an update made without the engine's knowing: by their names, requests would reach them before their time. */
function strayContainers(
  own: readonly ObservedContainer[],
  { destination }: Wanted,
  twins: readonly Twin[],
  liveNames: ReadonlySet<string>,
): string[] {
  const known = new Set([...Object.values(destination.containers), ...twins.map(({ older }) => older)]);
  return own
    .filter(({ id, alias }) => alias in destination.containers && !known.has(id) && !liveNames.has(alias))
    .map(({ id }) => id);
}

function retiredContainers(own: readonly ObservedContainer[], serving: ReadonlySet<string>): string[] {
  return own.map(({ id }) => id).filter((id) => !serving.has(id));
}

/** Ids of all containers that are to be there when the change is over. */
function servingContainers({
  balancer,
  entries,
  acme = "",
  exporters = [],
  containers,
  prepared = [],
}: Destination): ReadonlySet<string> {
  const others = [...entries, ...exporters].map(({ id }) => id);
  return new Set([balancer, acme, ...others, ...Object.values(containers), ...prepared]);
}

function limitOperations({ unlimited }: Observed, serving: ReadonlySet<string>): Operation[] {
  const containers = unlimited.filter((id) => serving.has(id));
  const cause = "one that starts processes without end is to stop at some";
  return containers.length > 0 ? [{ op: "limit", containers, cause }] : [];
}
