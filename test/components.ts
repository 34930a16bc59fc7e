import { BackendPool, type BackendPoolArgs } from "../components/backend-pool";
import { Balancer, type BalancerArgs } from "../components/balancer";
import { StackImages } from "../components/stack-images";
import { parseSettings } from "../model/settings";
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

export const poolArgs = (images: StackImages, more: Partial<BackendPoolArgs> = {}): BackendPoolArgs => ({
  ...settings,
  stackLabel,
  images,
  existing: [],
  ...more,
});

export const balancerArgs = (
  images: StackImages,
  pool: BackendPool,
  more: Partial<BalancerArgs> = {},
): BalancerArgs => ({
  ...settings,
  spec: { ...settings, servers: pool.servers },
  stackLabel,
  images,
  live: undefined,
  networkName: pool.networkName,
  containerIds: pool.containerIds,
  ...more,
});

/** A pool and its balancer on mocks. */
export async function build({
  preview = false,
  pool: poolMore = {} as Partial<BackendPoolArgs>,
  balancer: balancerMore = {} as Partial<BalancerArgs>,
} = {}) {
  const recording = await mockEngine(preview);
  const opts = { transformations: [recordOptions(recording)] };
  const images = new StackImages("img", { stackLabel }, opts);
  const pool = new BackendPool("pool", poolArgs(images, poolMore), opts);
  const balancer = new Balancer("lb", balancerArgs(images, pool, balancerMore), opts);
  await settle(pool, balancer);
  return { recording, images, pool, balancer };
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

/** The labels of a resource, in the order in which it has them. */
export function labelsOf(inputs: Readonly<Record<string, unknown>>): [label: string, value: string][] {
  return (inputs["labels"] as { label: string; value: string }[]).map(({ label, value }) => [label, value]);
}
