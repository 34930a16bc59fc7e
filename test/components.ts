import { BackendPool, type BackendPoolArgs } from "../components/backend-pool";
import { Balancer, type BalancerArgs } from "../components/balancer";
import { Entry, type EntryArgs } from "../components/entry";
import { LogVolume } from "../components/log-volume";
import { StackImages } from "../components/stack-images";
import { doorsOf } from "../model/entry";
import type { Change } from "../model/release";
import { parseSettings } from "../model/settings";
import { topologyOf } from "../model/topology";
import { mockEngine, recordOptions, valueOf, type Recording } from "./mocks";

/** Type tokens of what the components register. */
export const types = {
  image: "docker:index/remoteImage:RemoteImage",
  container: "docker:index/container:Container",
  network: "docker:index/network:Network",
  volume: "docker:index/volume:Volume",
  command: "command:local:Command",
  pool: "nginx-load-balancer:components:BackendPool",
  balancer: "nginx-load-balancer:components:Balancer",
};

/** Three backends, and defaults for all else. */
export const settings = parseSettings({ backendCount: "3" }, { isApp: () => true });

export const stackLabel = "nginx-load-balancer/unit";

/** The stack's identity, and who has given it. */
export const identity = { owner: "11111111-2222-4333-8444-555555555555", by: "someone@somewhere" };

export const poolArgs = (images: StackImages, more: Partial<BackendPoolArgs> = {}): BackendPoolArgs => ({
  ...settings,
  ...identity,
  stackLabel,
  images,
  pinnedImages: new Map(),
  appSubnets: new Map(),
  existing: [],
  knownOwner: identity.owner,
  key: "key",
  ...more,
});

export const entryArgs = (images: StackImages, more: Partial<EntryArgs> = {}): EntryArgs => ({
  ...settings,
  ...identity,
  doors: doorsOf(settings),
  stackLabel,
  images,
  knownOwner: identity.owner,
  existing: [],
  ...more,
});

export const balancerArgs = (
  images: StackImages,
  pool: BackendPool,
  entry: Entry,
  more: Partial<BalancerArgs> & Pick<BalancerArgs, "log">,
): BalancerArgs => ({
  ...settings,
  ...identity,
  topology: more.topology ?? topologyOf(settings, pool.servers),
  adopted: "",
  isSecret: false,
  urls: ["http://127.0.0.1:8080"],
  certificateFiles: [],
  stackLabel,
  images,
  entry,
  live: undefined,
  containerIds: pool.containerIds,
  preparedIds: pool.preparedIds,
  sharedCount: pool.sharedCount,
  ...more,
});

/** A pool and its balancer on mocks. */
export async function build({
  preview = false,
  pool: poolMore = {} as Partial<BackendPoolArgs>,
  entry: entryMore = {} as Partial<EntryArgs>,
  balancer: balancerMore = {} as Partial<BalancerArgs>,
} = {}) {
  const recording = await mockEngine(preview);
  const opts = { transformations: [recordOptions(recording)] };
  const images = new StackImages("img", { stackLabel }, opts);
  const pool = new BackendPool("pool", poolArgs(images, poolMore), opts);
  const entry = new Entry("front", entryArgs(images, entryMore), opts);
  const topology = topologyOf({ ...settings, ...poolMore }, pool.servers);
  const log = new LogVolume("log", { stackLabel, images }, opts);
  const balancer = new Balancer("lb", balancerArgs(images, pool, entry, { topology, log, ...balancerMore }), opts);
  await Promise.all([settle(pool, balancer), valueOf(log.urn)]);
  return { recording, images, pool, entry, log, balancer };
}

/** Waits until everything has been registered. */
export async function settle(pool: BackendPool, balancer: Balancer): Promise<void> {
  await Promise.all([
    valueOf(pool.containerIds),
    valueOf(balancer.containerName),
    valueOf(balancer.lastChange),
    valueOf(balancer.urn),
    valueOf(pool.urn),
  ]);
}

/** What a container was asked for with. */
export function container(recording: Recording, name: string): Record<string, unknown> {
  return recording.one(types.container, name).inputs as Record<string, unknown>;
}

/** What the step that installs is told. */
export function changeOf(recording: Recording): Change {
  const { RELEASE } = recording.one(types.command, "lb-installed").inputs["environment"] as Record<string, string>;
  return JSON.parse(RELEASE ?? "") as Change;
}

/** The labels of a resource, in the order in which it has them. */
export function labelsOf(inputs: Readonly<Record<string, unknown>>): [label: string, value: string][] {
  return (inputs["labels"] as { label: string; value: string }[]).map(({ label, value }) => [label, value]);
}
