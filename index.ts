import { randomBytes } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { BackendPool } from "./components/backend-pool";
import { Balancer } from "./components/balancer";
import { Entry } from "./components/entry";
import { StackIdentity, valueOf } from "./components/stack-identity";
import { StackImages } from "./components/stack-images";
import { loadSettings, ownContainers, prepare } from "./config";
import { topologyOf, withNonce } from "./model/topology";
import { assertOwned, lookAtHost, readLiveRelease } from "./rollout/preflight";

export = async () => {
  const stackLabel = `${pulumi.getProject()}/${pulumi.getStack()}`;
  const { settings, secretKeys, host } = await prepare(async () => {
    const loaded = loadSettings();
    return { ...loaded, host: await lookAtHost(stackLabel, loaded.settings) };
  });

  const { owner, by, adopted, key } = new StackIdentity("identity", settings);
  const knownOwner = await valueOf(owner);
  // The preview of a first update doesn't know it yet.
  const knownKey = (await valueOf(key)) ?? randomBytes(32).toString("hex");
  await prepare(async () => {
    const own = { owner: knownOwner, containers: await ownContainers(host.containers) };
    assertOwned(stackLabel, host.containers, own, settings.adopt);
  });

  for (const sentence of host.moved) await pulumi.log.info(sentence);
  const images = new StackImages("images", { stackLabel });

  const pool = new BackendPool("backends", {
    ...settings,
    stackLabel,
    owner,
    by,
    knownOwner,
    key: knownKey,
    images,
    pinnedImages: host.images,
    existing: host.containers.filter(({ role }) => role === "backend"),
  });

  const entry = new Entry("entry", {
    ...settings,
    images,
    stackLabel,
    owner,
    by,
    knownOwner,
    existing: host.containers,
  });
  if (entry.gap !== undefined) await pulumi.log.warn(entry.gap);

  const isSecret = secretKeys.has("serverConfig");
  const balancer = new Balancer("balancer", {
    ...settings,
    topology: topologyOf(isSecret ? withNonce(settings, knownKey) : settings, pool.servers),
    isSecret,
    entry,
    url: host.url,
    stackLabel,
    owner,
    by,
    adopted,
    images,
    // It takes Docker a moment, in which the engine is at work.
    live: readLiveRelease(host),
    networkName: pool.networkName,
    containerIds: pool.containerIds,
    sharedCount: pool.sharedCount,
  });

  return {
    url: host.url,
    backends: pool.backends,
    upstreamConfig: balancer.upstreamConfig,
    balancer: balancer.containerName,
    network: pool.networkName,
    lastChange: balancer.lastChange,
  };
};
