import * as command from "@pulumi/command";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { pack } from "../lib/pack";
import type { CertificateFiles } from "../model/certificates";
import { chooseAttempt, type LiveRelease } from "../model/identity";
import { labelList, labels } from "../model/labels";
import { configurationPath, controlCommand, doorFolder, livePlace, volumeFolder } from "../model/layout";
import { balancerImageName } from "../model/names";
import type { Canary } from "../model/policies/canary";
import { schemaVersion, type Change } from "../model/release";
import type { Topology } from "../model/topology";
import { releaseOf, showFiles } from "../nginx/render/config";
import { acmeMount, type Acme } from "./acme";
import type { Entry } from "./entry";
import type { LogVolume } from "./log-volume";
import type { Metrics } from "./metrics";
import { hardened, replaceOnChanges } from "./hardening";
import { packagePath, rolloutCommand } from "./package";
import type { StackImages } from "./stack-images";

export interface BalancerArgs {
  /** What the configuration is rendered from. */
  readonly topology: Topology;
  /** Whether the configuration holds secrets: then no preview shows it, and the state keeps it encrypted. */
  readonly isSecret: boolean;
  /** What has the published port, and hands its socket to nginx. */
  readonly entry: Entry;
  /** What gets certificates; default: nothing does. */
  readonly acme?: Acme | undefined;
  /** Where it writes its logs. */
  readonly log: LogVolume;
  /** What a Prometheus asks; default: nothing. */
  readonly exporters?: Metrics | undefined;
  /** The addresses that clients use, one for each entry. */
  readonly urls: readonly string[];
  /** Where the certificates of the topology, and their keys, are read from. */
  readonly certificateFiles: readonly CertificateFiles[];
  /** Where files of users are read from, and what makes their names; default: there are none. */
  readonly users?: { readonly paths: readonly string[]; readonly key: string };
  /** The stack's settings, sealed, for the history; default: they are not kept. Other ones take the step again. */
  readonly settings?: string | undefined;
  /** Builds the balancer's image. */
  readonly images: StackImages;
  /** Base image, the build argument NGINX_IMAGE of nginx/image/Dockerfile; nginx 1.30 or newer. */
  readonly nginxImage: string;
  /**
   * Memory limit of the balancer in MiB. nginx has a worker for each of the host's cores, and twice as many during a
   * reload; each takes 4 MiB, and 0.1 MiB for each request that it has in flight.
   */
  readonly balancerMemoryMb: number;
  /** How long a new backend may take to answer, in seconds. */
  readonly healthTimeoutSeconds: number;
  /** How new backends of an app are judged before they get all requests; default: they are not. */
  readonly canary?: Canary | undefined;
  /** Backends that apps without a number of their own share; 0 where none does. */
  readonly sharedCount: number;
  /**
   * Value of the label by which the containers of one pool and its balancer are found. A second pool in the program needs
   * another one: a change of the balancer removes containers that carry its label and don't serve.
   */
  readonly stackLabel: string;
  /** Identity of the stack, for the labels of its containers. */
  readonly owner: pulumi.Input<string>;
  readonly by: pulumi.Input<string>;
  /** Identity of the stack that this one has taken over, whose containers are its own; empty for none. */
  readonly adopted: pulumi.Input<string>;
  /** What the balancer's volume holds now; undefined when there is none. */
  readonly live: pulumi.Input<LiveRelease | undefined>;
  /** Ids of containers that have run what was to be run before the backends came. */
  readonly preparedIds: pulumi.Input<readonly string[]>;
  /** Container ids by server name; none for servers that are no containers of this stack. */
  readonly containerIds: pulumi.Input<Record<string, string>>;
}

/**
 * nginx in a container that stays, its configuration on a volume, and the step that brings a new one in: tested in a
 * second nginx, then reloaded in the order that loses no request.
 */
export class Balancer extends pulumi.ComponentResource {
  /** The rendered configuration: what is previewed is what is installed. */
  public readonly upstreamConfig: pulumi.Output<string>;
  public readonly containerName: pulumi.Output<string>;
  /** What the last install did, see LastChange in rollout/report.ts. */
  public readonly lastChange: pulumi.Output<unknown>;

  constructor(name: string, args: BalancerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("nginx-load-balancer:components:Balancer", name, {}, opts);

    const release = releaseOf(args.topology);
    const guarded = (value: pulumi.Input<string>): pulumi.Output<string> =>
      args.isSecret ? pulumi.secret(value) : pulumi.output(value);
    this.upstreamConfig = guarded(showFiles(release.files));

    const image = args.images.build({
      name: balancerImageName,
      context: packagePath("nginx/image"),
      buildArgs: { NGINX_IMAGE: args.nginxImage },
    });

    const volume = new docker.Volume(
      `${name}-config`,
      { labels: labelList({ [labels.stack]: args.stackLabel }) },
      { parent: this, deletedWith: args.images.removal },
    );

    const container = new docker.Container(
      `${name}-nginx`,
      {
        ...hardened(args.balancerMemoryMb, args.stackLabel),
        // Twice those of any other: backends that take all of the processors must not keep nginx from answering.
        cpuShares: 2048,
        image: image.id,
        // It serves from when the step below has named it on the volume.
        wait: false,
        destroyGraceSeconds: args.topology.proxy.drainSeconds,
        envs: [`ENTRIES=${args.entry.sockets}`],
        tmpfs: { "/tmp": "rw,noexec,nosuid,nodev,size=64m,mode=1777" },
        healthcheck: {
          tests: ["CMD", ...controlCommand(livePlace.folder, configurationPath), "--fail", "--output", "/dev/null"],
          interval: "3s",
          timeout: "5s",
          retries: 3,
        },
        // Those of its servers' apps it joins when they are there, and leaves when they have gone, without another container.
        networksAdvanced: [{ name: args.entry.networkName }],
        volumes: [
          { volumeName: volume.name, containerPath: volumeFolder },
          { volumeName: args.entry.volumeName, containerPath: doorFolder },
          ...(args.acme === undefined ? [] : [acmeMount(args.acme.volumeName)]),
          args.log.mount(),
        ],
        labels: labelList<pulumi.Input<string>>({
          [labels.stack]: args.stackLabel,
          [labels.role]: "balancer",
          [labels.owner]: args.owner,
          [labels.by]: args.by,
        }),
      },
      // The other way round, an entry would end before what is in flight through it.
      { parent: this, deleteBeforeReplace: false, replaceOnChanges, dependsOn: args.entry },
    );

    const hasUsers = (args.users?.paths ?? []).length > 0;
    const change = pulumi
      .all([
        container.id,
        pulumi.all([args.entry.containerIds, args.entry.networkName]),
        pulumi.all([args.containerIds, args.preparedIds]),
        args.owner,
        args.adopted,
        args.live,
        pulumi.all([args.acme?.containerId, args.exporters?.exporters]),
      ])
      .apply(
        ([balancer, [entries, front], [containers, prepared], owner, adopted, live, [acme, exporters = []]]): Readonly<
          Record<Exclude<keyof Change, "canary" | "usersFiles">, unknown>
        > => ({
          schema: schemaVersion,
          id: release.id,
          attempt: chooseAttempt(release.id, live),
          policy: { drainSeconds: args.topology.proxy.drainSeconds, healthTimeoutSeconds: args.healthTimeoutSeconds },
          destination: {
            balancer,
            entries: entries.map((id, index) => ({ id, url: args.urls[index] ?? "", network: front })),
            containers,
            url: args.urls[0] ?? "",
            stack: args.stackLabel,
            owners: [owner, adopted],
            ...(acme !== undefined && { acme }),
            ...(exporters.length > 0 && { exporters }),
            ...(prepared.length > 0 && { prepared }),
          },
          topology: args.topology,
          isSecret: args.isSecret,
          certificateFiles: args.certificateFiles,
          ...(hasUsers && { usersFiles: args.users?.paths }),
          backendCount: args.sharedCount,
          ...(args.canary && { canary: args.canary }),
        }),
      );
    const installed = new command.local.Command(
      `${name}-installed`,
      {
        create: rolloutCommand("install"),
        delete: rolloutCommand("remove"),
        stdin: this.upstreamConfig,
        environment: {
          RELEASE: guarded(pulumi.jsonStringify(change).apply(pack)),
          ...(args.settings !== undefined && { SETTINGS: pulumi.secret(args.settings) }),
          ...(hasUsers && { USERS_KEY: pulumi.secret(args.users?.key ?? "") }),
        },
        logging: command.local.Logging.Stderr,
      },
      { parent: this },
    );

    this.containerName = container.name;
    this.lastChange = installed.stdout.apply((text) => JSON.parse(text) as unknown);
    this.registerOutputs({
      upstreamConfig: this.upstreamConfig,
      containerName: this.containerName,
      lastChange: this.lastChange,
    });
  }
}
