import * as pulumi from "@pulumi/pulumi";
import { BackendPool } from "./components/backend-pool";
import { Balancer } from "./components/balancer";
import { StackImages } from "./components/stack-images";
import { loadSettings, prepare } from "./config";
import { assertPortIsFree } from "./rollout/port";
import { observeStack, readLive } from "./rollout/live";
import { urlOf } from "./model/url";

export = async () => {
  const stackLabel = `${pulumi.getProject()}/${pulumi.getStack()}`;
  const { settings, live } = await prepare(async () => {
    const settings = loadSettings();
    const live = await observeStack(stackLabel);
    await assertPortIsFree(settings, live.balancer?.ports);
    return { settings, live };
  });

  const images = new StackImages("images", { stackLabel });

  const pool = new BackendPool("backends", {
    ...settings,
    stackLabel,
    images,
    existing: live.backends,
  });

  const balancer = new Balancer("balancer", {
    ...settings,
    spec: { ...settings, servers: pool.servers },
    stackLabel,
    images,
    // It takes Docker a moment, in which the engine is at work.
    live: readLive(live, urlOf(settings.bindAddress, settings.port)),
    networkName: pool.networkName,
    containerIds: pool.containerIds,
  });

  return {
    url: balancer.url,
    backends: pool.backends,
    upstreamConfig: balancer.upstreamConfig,
    balancer: balancer.containerName,
    network: pool.networkName,
    lastChange: balancer.lastChange,
  };
};
