import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { deal } from "../model/deal";
import { doorsOf, isTakenBy, publicAddress, type Door } from "../model/entry";
import type { LiveRelease } from "../model/identity";
import { exportersOf } from "../model/metrics";
import type { Settings } from "../model/settings";
import { docker } from "./docker";
import { ailments } from "./drift";
import { balancerOf, listContainers } from "./containers";
import { assertHandsOver } from "./engine";
import { survey } from "./observe";
import type { ObservedContainer } from "./observed";
import { movedOf, pinImages } from "./pinned-images";
import { assertPortIsFree } from "./port";
import { subnetsOf } from "./subnets";
import { assertHas, assertHasMemory } from "./wants";

/** What a program knows of the host before it asks anything of the engine. */
export interface Host {
  /** All containers of the stack, newest first. */
  readonly containers: readonly ObservedContainer[];
  /** The addresses for clients, one for each entry. */
  readonly urls: readonly string[];
  /** The same as entries publish them. */
  readonly listens: readonly string[];
  /** Where a Prometheus is answered: the addresses that are published, and their URLs. */
  readonly exporters: readonly { readonly listen: string; readonly url: string }[];
  /** What the names of apps' images stand for. */
  readonly images: ReadonlyMap<string, string>;
  /** The addresses of the apps' networks, by app; none where Docker chooses. */
  readonly subnets: ReadonlyMap<string, string>;
  /** A sentence for each that stands for another image than it does to the containers that run. */
  readonly moved: readonly string[];
}

/**
 * Looks at the host that the stack is to run on.
 *
 * @param stack value of the stack's label
 * @throws Error when Docker doesn't answer, the port is taken, the engine can't hand a socket over, or apps or nginx need what it lacks
 */
export async function lookAtHost(
  stack: string,
  where: Pick<
    Settings,
    "bindAddress" | "port" | "tls" | "apps" | "backendCount" | "keepImages" | "subnets" | "balancerMemoryMb" | "metrics"
  >,
): Promise<Host> {
  const [containers, { here, remote }] = await Promise.all([listContainers(stack), dockerHost()]);
  const sources = [...new Set(where.apps.flatMap(({ image }) => image ?? []))].map((image) => ({
    image,
    last: containers.find(({ reference }) => reference === image)?.pinned,
  }));
  const doors = doorsOf(where);
  const { bindAddress, metrics } = where;
  const exporters = exportersOf(metrics).map(({ port }) => ({ name: "metrics" as const, port }));
  // Of no interest where there are none.
  const exportedAt = metrics?.bindAddress ?? "";
  if (here) {
    for (const door of doors) await assertPortIsFree(door, bindAddress, portsOf(containers));
    for (const door of exporters) await assertPortIsFree(door, exportedAt, portsOf(containers));
  }
  if (!containers.some(({ role }) => role === "entry")) await assertHandsOver();
  await assertHas(where.apps, here && remote === undefined);
  await assertHasMemory(where.balancerMemoryMb);
  const served = new Set(deal(where.apps, where.backendCount).map(({ app }) => app.name));
  const subnets = await subnetsOf(stack, [...served], where.subnets, containers, [
    "entry",
    ...(metrics === undefined ? [] : ["metrics"]),
  ]);
  const images = await pinImages(sources, where.keepImages);
  return {
    containers,
    urls: doors.map((door) => urlOf(bindAddress, door, remote)),
    listens: doors.map(({ port }) => publicAddress(bindAddress, port)),
    exporters: exporters.map((door) => ({
      listen: publicAddress(exportedAt, door.port),
      url: `${urlOf(exportedAt, door, remote)}/metrics`,
    })),
    images,
    subnets,
    moved: movedOf(sources, images),
  };
}

/** The addresses that a stack publishes now. */
function portsOf(containers: readonly ObservedContainer[]): string {
  return containers.map(({ ports }) => ports).join(", ");
}

/** What the stack's volume holds, and whether all that it names runs; undefined when there is no balancer. */
export async function readLiveRelease(
  stack: string,
  { containers, urls, listens, exporters }: Host,
): Promise<LiveRelease | undefined> {
  const balancer = balancerOf(containers);
  if (balancer === undefined) return undefined;
  // Another port than one of now is not asked: the change that gives it the port is under way.
  const published = urls.filter((_, index) => isTakenBy(listens[index] ?? "", portsOf(containers)));
  const overview = await survey(stack, containers, published);
  const { release } = overview.volume;
  return {
    id: release?.id,
    attempt: release?.attempt,
    isAiling:
      ailments(
        overview,
        balancer,
        listens,
        exporters.map(({ listen }) => listen),
      ).length > 0,
  };
}

/** What the engine's state knows of the stack. */
export interface OwnState {
  /** Identity of the stack; undefined before its first update, or where a version without identities made it. */
  readonly owner: string | undefined;
  /** Identity of the one that it has taken over; empty for none. */
  readonly adopted: string;
  /** Ids of its containers. */
  readonly containers: ReadonlySet<string>;
}

/**
 * Refuses to touch what another stack of the same name has made: one whose state is somewhere else.
 *
 * @param adopt identity whose containers are to be taken over, since its state was lost; empty for none
 * @throws Error that names the owner, the age of what runs, and the two ways out
 */
export function assertOwned(
  stack: string,
  containers: readonly ObservedContainer[],
  own: OwnState,
  adopt: string,
): void {
  // Containers of before there were identities are the stack's own where its state knows one that runs, be it their
  // successor: what the engine is about to remove, say after an update that failed, is not among what it tells.
  const unnamedAreOwn = containers.some(({ id }) => own.containers.has(id));
  const isOwn = (owner: string) => owner === own.owner || owner === adopt;
  const volumes = new Set(containers.flatMap((one) => (isOwn(one.owner) ? one.volumes : [])));
  // It was kept when the stack took over, or when the one did that it takes over now: that one's balancer has its volume.
  const isKept = (one: ObservedContainer) =>
    one.role === "entry" && (one.owner === own.adopted || one.volumes.some((volume) => volumes.has(volume)));
  const foreign = containers.find((one) => (one.owner === "" ? !unnamedAreOwn : !isOwn(one.owner) && !isKept(one)));
  if (foreign === undefined) return;
  const identity = foreign.owner === "" ? "no identity" : `identity ${foreign.owner}`;
  throw new Error(
    `Stack ${stack} runs on this Docker host already, from another state: ${foreign.name}, made ${foreign.age} ` +
      `${foreign.by === "" ? "" : `by ${foreign.by} `}(${identity}). Nothing has been changed.\n` +
      "Give this stack another name, or go on with the state that made it." +
      (foreign.owner === ""
        ? ""
        : ` Where that state is lost: npx pulumi config set adopt ${foreign.owner} takes over what runs.`),
  );
}

/** Where the engine's host is, seen from here. */
export interface DockerHost {
  /** Host that a remote engine was reached at; undefined for a socket of this machine's. */
  readonly remote: string | undefined;
  /** Whether ports that the engine publishes are this machine's. False in a container that has the host's socket. */
  readonly here: boolean;
}

async function dockerHost(): Promise<DockerHost> {
  const endpoint =
    process.env["DOCKER_HOST"] ?? (await docker("context", "inspect", "--format", "{{.Endpoints.docker.Host}}")).trim();
  // Elsewhere, a socket leads to an engine of this very machine.
  const inContainer = existsSync("/.dockerenv") || existsSync("/run/.containerenv");
  return dockerHostOf(endpoint, inContainer ? (await docker("info", "--format", "{{.Name}}")).trim() : undefined);
}

/**
 * Tells where the engine's host is.
 *
 * @param endpoint as DOCKER_HOST or a context names it
 * @param engineName name that the engine gives its host; undefined where it is not known
 */
export function dockerHostOf(
  endpoint: string,
  engineName: string | undefined,
  platform = process.platform,
): DockerHost {
  if (/^(tcp|ssh|https?):/.test(endpoint)) {
    const { hostname: remote } = new URL(endpoint);
    return { remote, here: ["localhost", "127.0.0.1", "[::1]"].includes(remote) };
  }
  // Docker Desktop's engine has a machine of its own, whose ports it hands on.
  return { remote: undefined, here: platform !== "linux" || engineName === undefined || engineName === hostname() };
}

/**
 * The address for clients.
 *
 * @param remote host of a remote engine
 */
export function urlOf(
  bindAddress: string,
  { name, port }: { readonly name: Door["name"] | "metrics"; readonly port: number },
  remote: string | undefined,
): string {
  const wildcards: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "[::1]" };
  const wildcard = wildcards[bindAddress];
  const scheme = name === "tls" ? "https" : "http";
  return `${scheme}://${wildcard === undefined ? publicAddress(bindAddress, port) : `${remote ?? wildcard}:${port}`}`;
}
