import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { deal, type Slot } from "../model/deal";
import { hardened, replaceOnChanges } from "./hardening";
import { duration, healthCommand, healthIntervalSeconds, startSeconds } from "../model/health-command";
import { chooseAlias, type ExistingBackend } from "../model/identity";
import { labelList, labels } from "../model/labels";
import type { Kept } from "../model/kept-settings";
import { appImageName } from "../model/names";
import type { AppServer, HealthCheck } from "../model/topology";
import type { AppSettings } from "../model/settings";
import { hashValue, keyedHash } from "../lib/tree-hash";
import type { BeforeSwitch as BeforeSwitchSettings } from "../model/policies/before-switch";
import { BeforeSwitch } from "./before-switch";
import type { StackImage, StackImages } from "./stack-images";

export interface BackendPoolArgs {
  /** What runs; at least one. */
  readonly apps: readonly AppSettings[];
  /** Backends that apps without a number of their own share, at least 1. */
  readonly backendCount: number;
  /** What is run once for each release of an app, before its new backends are made. */
  readonly beforeSwitch: readonly BeforeSwitchSettings[];
  /** Builds the apps' images. */
  readonly images: StackImages;
  /** Base image of the apps, their Dockerfiles' build argument PYTHON_IMAGE. */
  readonly pythonImage: string;
  /** Any text; another one replaces every backend. */
  readonly revision: string;
  /** How long a new backend may take to answer, in seconds: for as long, Docker doesn't call it unhealthy. */
  readonly healthTimeoutSeconds: number;
  /** How long a backend may take to finish its requests after SIGTERM, in seconds. */
  readonly drainSeconds: number;
  /**
   * Value of the label by which the containers of one pool and its balancer are found. A second pool in the program needs
   * another one: a change of the balancer removes containers that carry its label and don't serve.
   */
  readonly stackLabel: string;
  /** Identity of the stack, for the labels of its containers. */
  readonly owner: pulumi.Input<string>;
  readonly by: pulumi.Input<string>;
  /** What the names of apps' images stand for, see rollout/pinned-images.ts. */
  readonly pinnedImages: ReadonlyMap<string, string>;
  /** The addresses of the apps' networks, by app; an app without is given some by Docker. */
  readonly appSubnets: ReadonlyMap<string, string>;
  /** The stack's backend containers of now, newest first: their aliases are not given to others. */
  readonly existing: readonly ExistingBackend[];
  /** What keeps the hashes of environments from telling what is in them: secret, the same for as long as the stack is there. */
  readonly key: string;
  /** The identity as far as it is known now: a preview of a first update doesn't know it. */
  readonly knownOwner: string | undefined;
}

/** A backend as the stack's output shows it. */
export interface Backend {
  readonly alias: string;
  readonly app: string;
  readonly containerName: pulumi.Output<string>;
}

/**
 * For each app a network and an image, and the containers that serve them: replaced one for one, new ones first. Docker gives an
 * address that is free to whoever comes next: on a network of its own, that is the same app.
 */
export class BackendPool extends pulumi.ComponentResource {
  /** The backends as upstream servers, known before any of them exists. */
  public readonly servers: readonly AppServer[];
  public readonly backends: readonly Backend[];
  /** Names of the networks on which the balancer reaches them, by app. */
  public readonly networks: Readonly<Record<string, pulumi.Output<string>>>;
  /** How many of them the apps share that ask for no number; 0 where none does. */
  public readonly sharedCount: number;
  /** What each app runs, for the history. */
  public readonly images: Kept["images"];
  /** Container ids by alias. */
  public readonly containerIds: pulumi.Output<Record<string, string>>;
  /** Ids of the containers of what is run before them. */
  public readonly preparedIds: pulumi.Output<string[]>;

  constructor(name: string, args: BackendPoolArgs, opts?: pulumi.ComponentResourceOptions) {
    super("nginx-load-balancer:components:BackendPool", name, {}, opts);

    const slots = deal(args.apps, args.backendCount);
    this.sharedCount = slots.filter(({ app }) => app.count === undefined).length;
    const apps = [...new Set(slots.map(({ app }) => app))];
    const images = new Map(apps.map((app) => [app.name, imageOf(app, args)]));
    this.images = apps.map(({ name: app, path = "", image }) => {
      const { tag, source = "" } = images.get(app) as StackImage;
      return image === undefined ? { app, path, source } : { app, image, pinned: tag };
    });
    this.networks = Object.fromEntries(
      apps.map(({ name: app }) => {
        const subnet = args.appSubnets.get(app);
        const network = new docker.Network(
          `${name}-${app}-network`,
          {
            driver: "bridge",
            ...(subnet !== undefined && { ipamConfigs: [{ subnet }] }),
            labels: labelList({ [labels.stack]: args.stackLabel, [labels.app]: app }),
          },
          { parent: this, deletedWith: args.images.removal },
        );
        return [app, network.name];
      }),
    );

    const prepared = args.beforeSwitch.flatMap(({ app: asked, command }) => {
      const app = apps.find(({ name }) => name === asked);
      const image = images.get(asked);
      // An app that no backend is dealt to has no image.
      return app === undefined || image === undefined
        ? []
        : this.prepare(`${name}-${asked}-before-switch`, app, image, command, args);
    });
    this.preparedIds = pulumi.all(prepared.map(({ containerId }) => containerId));

    const made = slots.map((slot) => {
      const image = images.get(slot.app.name) as StackImage;
      const healthcheck = healthcheckOf(slot.app);
      const hash = hashValue({
        image: image.tag,
        container: { ...containerSettings(slot.app), healthcheck },
        networks: [args.appSubnets.get(slot.app.name) ?? "its app's own", ...slot.app.networks],
        env: environmentHash(slot.app, args.key),
        revision: args.revision,
      });
      const network = this.networks[slot.app.name] ?? "";
      const alias = chooseAlias(slot.name, hash, args.existing, args.knownOwner);
      // When Docker looks is not the backend's own: it is set for a new one, and kept by one that is there.
      const isThere = args.existing.some((other) => other.slot === slot.name && other.hash === hash);
      const container = new docker.Container(
        `${name}-${slot.name}`,
        {
          ...containerSettings(slot.app),
          image: image.id,
          healthcheck: {
            ...healthcheck,
            interval: duration(healthIntervalSeconds(slot.turn)),
            startPeriod: duration(startSeconds(args.healthTimeoutSeconds)),
          },
          // Environments hold passwords: encrypted in the state, and not shown. A change shows in the hash.
          envs: pulumi.secret(environmentOf(slot.app)),
          destroyGraceSeconds: args.drainSeconds,
          networksAdvanced: [
            { name: network, aliases: [alias] },
            ...slot.app.networks.map((other) => ({ name: other })),
          ],
          labels: labelList({
            ...slotLabels(slot, args),
            [labels.hash]: hash,
            [labels.alias]: alias,
            [labels.network]: network,
          }),
        },
        {
          parent: this,
          deleteBeforeReplace: false,
          replaceOnChanges,
          ignoreChanges: isThere ? ["healthcheck.interval", "healthcheck.startPeriod"] : [],
          // Those of all apps: where one fails, nothing moves.
          dependsOn: prepared,
        },
      );
      return { slot, alias, container };
    });

    this.servers = made.map(({ slot, alias }) => ({
      app: slot.app.name,
      name: alias,
      port: slot.app.port,
      weight: slot.app.weight,
      health: healthOf(slot.app),
    }));
    this.backends = made.map(({ slot, alias, container }) => ({
      alias,
      app: slot.app.name,
      containerName: container.name,
    }));
    this.containerIds = pulumi.output(Object.fromEntries(made.map(({ alias, container }) => [alias, container.id])));
    this.registerOutputs({
      servers: this.servers,
      backends: this.backends,
      networks: this.networks,
      containerIds: this.containerIds,
    });
  }

  /** What runs a command in a container as the app's backends have, but for a name on its network. */
  private prepare(
    name: string,
    app: AppSettings,
    { tag, id }: StackImage,
    command: readonly string[],
    args: BackendPoolArgs,
  ) {
    const { networks } = app;
    const names = [this.networks[app.name] ?? "", ...networks];
    return new BeforeSwitch(
      name,
      {
        ...args,
        app: app.name,
        command,
        hash: hashValue({ image: tag, command, networks, env: environmentHash(app, args.key) }),
        container: {
          ...containerSettings(app),
          image: id,
          envs: pulumi.secret(environmentOf(app)),
          networksAdvanced: names.map((network) => ({ name: network })),
        },
      },
      { parent: this },
    );
  }
}

function imageOf(app: AppSettings, args: BackendPoolArgs): StackImage {
  const name = appImageName(app.name);
  return app.image === undefined
    ? args.images.build({ name, context: app.path ?? "", buildArgs: { PYTHON_IMAGE: args.pythonImage } })
    : args.images.pull(name, pinnedOf(app.image, args));
}

function pinnedOf(image: string, { pinnedImages }: BackendPoolArgs): string {
  return pinnedImages.get(image) ?? image;
}

function containerSettings(app: AppSettings) {
  const { cpus, command, user } = app;
  return {
    ...hardened(app.memoryMb),
    tmpfs: Object.fromEntries(["/tmp", ...app.writable].map((folder) => [folder, "rw,noexec,nosuid,nodev,size=16m"])),
    ...(app.volumes.length > 0 && { volumes: app.volumes.map(volumeOf) }),
    ...(cpus !== undefined && { cpus: String(cpus) }),
    ...(command !== undefined && { command: [...command] }),
    ...(user !== undefined && { user }),
    // The probe through the balancer decides whether a change goes on; Docker's own check is for what comes after.
    wait: false,
  } satisfies Partial<docker.ContainerArgs>;
}

/** A volume by its name, or a folder of Docker's host, as `source:folder` or `source:folder:rw`. */
function volumeOf(text: string) {
  const [source = "", containerPath = "", mode] = text.split(":");
  const place = source.startsWith("/") ? { hostPath: source } : { volumeName: source };
  return { ...place, containerPath, readOnly: mode !== "rw" };
}

function healthcheckOf(app: AppSettings) {
  return { tests: ["CMD-SHELL", healthCommand(app.port, healthOf(app))], timeout: "5s", retries: 3 };
}

function healthOf({ healthPath, healthHost }: AppSettings): HealthCheck {
  return { path: healthPath, host: healthHost };
}

function variablesOf({ env, secretEnv }: AppSettings): Readonly<Record<string, string>> {
  return { ...env, ...secretEnv };
}

/** Stands for the environment of an app. */
function environmentHash(app: AppSettings, key: string): unknown {
  const variables = variablesOf(app);
  return Object.keys(variables).length === 0 ? {} : keyedHash(variables, key);
}

function environmentOf(app: AppSettings): string[] {
  return Object.entries(variablesOf(app))
    .map(([key, value]) => `${key}=${value}`)
    .sort();
}

function slotLabels(slot: Slot<AppSettings>, args: BackendPoolArgs): Record<string, pulumi.Input<string>> {
  return {
    [labels.owner]: args.owner,
    [labels.by]: args.by,
    [labels.stack]: args.stackLabel,
    [labels.role]: "backend",
    [labels.app]: slot.app.name,
    [labels.slot]: slot.name,
    ...(slot.app.image !== undefined && {
      [labels.image]: slot.app.image,
      [labels.pinned]: pinnedOf(slot.app.image, args),
    }),
    ...(args.revision === "" ? {} : { [labels.revision]: args.revision }),
  };
}
