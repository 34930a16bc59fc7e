import { randomBytes } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { Acme } from "./components/acme";
import { BackendPool } from "./components/backend-pool";
import { Balancer } from "./components/balancer";
import { Entry } from "./components/entry";
import { LogVolume } from "./components/log-volume";
import { Metrics } from "./components/metrics";
import { StackIdentity, valueOf } from "./components/stack-identity";
import { StackImages } from "./components/stack-images";
import { loadSettings, ownContainers, prepare } from "./config";
import { endingSoon } from "./model/certificates";
import { seal } from "./lib/seal";
import { keyedHash } from "./lib/tree-hash";
import { writeKept } from "./model/kept-settings";
import { doorsOf } from "./model/entry";
import { usersFiles, withUsers } from "./model/policies/users";
import { askedElsewhere } from "./model/tls";
import { repeated, topologyOf, withNonce } from "./model/topology";
import { certificateContext } from "./rollout/certificates";
import { assertOwned, lookAtHost, readLiveRelease } from "./rollout/preflight";

export = async () => {
  const stackLabel = `${pulumi.getProject()}/${pulumi.getStack()}`;
  const { settings, raw, secretKeys, certificates, authority, host } = await prepare(async () => {
    const loaded = loadSettings();
    return { ...loaded, host: await lookAtHost(stackLabel, loaded.settings) };
  });

  const warnings = [...endingSoon(certificates, new Date()), ...askedElsewhere(settings)];
  for (const sentence of warnings) await pulumi.log.warn(sentence);

  const { owner, by, adopted, key } = new StackIdentity("identity", settings);
  const knownOwner = await valueOf(owner);
  // The preview of a first update doesn't know it yet.
  const knownKey = (await valueOf(key)) ?? randomBytes(32).toString("hex");
  await prepare(async () => {
    const own = {
      owner: knownOwner,
      adopted: (await valueOf(adopted)) ?? "",
      containers: await ownContainers(host.containers),
    };
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
    appSubnets: host.subnets,
    existing: host.containers.filter(({ role }) => role === "backend"),
  });

  const entry = new Entry("entry", {
    ...settings,
    doors: doorsOf(settings),
    images,
    stackLabel,
    owner,
    by,
    knownOwner,
    existing: host.containers,
  });
  for (const sentence of entry.gaps) await pulumi.log.warn(sentence);

  const isSecret = repeated.some((key) => secretKeys.has(key));
  // What the step that installs is told of the key must not be what else is hashed with it.
  const users = { paths: usersFiles(settings), key: keyedHash("users", knownKey) };
  const named = withUsers(settings, users.key, (path) => certificateContext.readFile(path));
  const topology = topologyOf(isSecret ? withNonce(named, knownKey) : named, pool.servers, certificates);
  const acme =
    settings.tls?.acme &&
    topology.tls?.acme &&
    new Acme("acme", {
      ...settings,
      ...settings.tls.acme,
      authority,
      topology: topology.tls.acme,
      images,
      networkName: entry.networkName,
      stackLabel,
      owner,
      by,
    });
  // Without it, a configuration with logs could be neither reached nor left by a reload.
  const log = new LogVolume("log", { stackLabel, images });
  const urls = host.exporters.map(({ url }) => url);
  const { metrics } = settings;
  const exporters =
    metrics && new Metrics("metrics", { ...settings, metrics, urls, log, images, stackLabel, owner, by });
  const plain = Object.fromEntries(Object.entries(raw).filter(([key]) => !secretKeys.has(key)));
  const kept = writeKept({ settings: plain, secret: [...secretKeys], images: pool.images });
  const balancer = new Balancer("balancer", {
    ...settings,
    topology,
    isSecret,
    entry,
    acme,
    log,
    exporters,
    urls: host.urls,
    certificateFiles: settings.tls?.certificates ?? [],
    users,
    // nginx has them on its volume, and is not to know what apps are told.
    settings: kept === undefined ? undefined : seal(kept, knownKey),
    stackLabel,
    owner,
    by,
    adopted,
    images,
    // It takes Docker a moment, in which the engine is at work.
    live: readLiveRelease(stackLabel, host),
    containerIds: pool.containerIds,
    preparedIds: pool.preparedIds,
    sharedCount: pool.sharedCount,
  });

  return {
    url: host.urls[0],
    urls: host.urls,
    backends: pool.backends,
    upstreamConfig: balancer.upstreamConfig,
    balancer: balancer.containerName,
    networks: pool.networks,
    ...(metrics && { metrics: urls }),
    lastChange: balancer.lastChange,
  };
};
