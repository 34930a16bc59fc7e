import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { BackendPool } from "./components/backend-pool";
import { Balancer } from "./components/balancer";
import { labelList, labels } from "./components/labels";
import { StackImages } from "./components/stack-images";
import { loadSettings, prepare } from "./config";
import { assertPortIsFree } from "./nginx/port";
import { observeStack } from "./nginx/live";

export = async () => {
  const stackLabel = `${pulumi.getProject()}/${pulumi.getStack()}`;
  const { settings, live } = await prepare(async () => {
    const settings = loadSettings();
    const live = await observeStack(stackLabel);
    await assertPortIsFree(settings, live.balancer?.ports);
    return { settings, live };
  });

  const network = new docker.Network("network", {
    driver: "bridge",
    labels: labelList({ [labels.stack]: stackLabel }),
  });

  const images = new StackImages("images", { stackLabel });

  const pool = new BackendPool("backends", {
    ...settings,
    stackLabel,
    images,
    existing: live.backends,
    networkName: network.name,
  });

  const balancer = new Balancer("balancer", {
    ...settings,
    spec: { ...settings, servers: pool.servers },
    stackLabel,
    images,
    live: live.config,
    networkName: network.name,
    containerIds: pool.containerIds,
  });

  return {
    url: balancer.url,
    backends: pool.backends,
    upstreamConfig: balancer.upstreamConfig,
    balancer: balancer.containerName,
    network: network.name,
    lastChange: balancer.lastChange,
  };
};
