import * as command from "@pulumi/command";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { hardened, replaceOnChanges } from "./hardening";
import { chooseGeneration, type LiveConfig } from "../model/identity";
import { labelList, labels } from "../model/labels";
import { balancerImageName, imagePrefix } from "../model/names";
import { urlOf } from "../model/url";
import { listenPort, renderNginxConfig, type BalancerSpec } from "../nginx/render/config";
import type { StackImages } from "./stack-images";

export interface BalancerArgs {
  /** What the configuration is rendered from. */
  readonly spec: BalancerSpec;
  /** Where the balancer is published: an address of the host and a TCP port. */
  readonly bindAddress: string;
  readonly port: number;
  /** Builds the balancer's image. */
  readonly images: StackImages;
  /** Base image, the build argument NGINX_IMAGE of nginx/image/Dockerfile; nginx 1.30 or newer. */
  readonly nginxImage: string;
  /**
   * Memory limit of the balancer in MiB. nginx has a worker for each of the host's cores, and twice as many during a
   * reload; each takes 4 MiB, and up to 0.2 MiB for each request that it has in flight.
   */
  readonly balancerMemoryMb: number;
  /** How long a new backend may take to answer, in seconds. */
  readonly healthTimeoutSeconds: number;
  /**
   * Value of the label by which the containers of one pool and its balancer are found. A second pool in the program needs
   * another one: a change of the balancer removes containers that carry its label and don't serve.
   */
  readonly stackLabel: string;
  /** What the balancer's volume holds now; undefined when there is none. */
  readonly live: pulumi.Input<LiveConfig | undefined>;
  /** Name of the network that the servers are reached through. */
  readonly networkName: pulumi.Input<string>;
  /** Container ids of the servers by host; none for servers that are no containers of this stack. */
  readonly containerIds: pulumi.Input<Record<string, string>>;
}

/**
 * nginx in a container that stays, its configuration on a volume, and the step that brings a new one in: tested in a
 * second nginx, then reloaded in the order that loses no request.
 */
export class Balancer extends pulumi.ComponentResource {
  /** The address that clients use. */
  public readonly url: string;
  /** The rendered configuration: what is previewed is what is installed. */
  public readonly upstreamConfig: string;
  public readonly containerName: pulumi.Output<string>;
  /** What the last install did, see LastChange in rollout/report.ts. */
  public readonly lastChange: pulumi.Output<unknown>;

  constructor(name: string, args: BalancerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("nginx-load-balancer:components:Balancer", name, {}, opts);

    this.upstreamConfig = renderNginxConfig(args.spec);
    this.url = urlOf(args.bindAddress, args.port);

    const image = args.images.build({
      name: balancerImageName,
      context: "nginx/image",
      buildArgs: { NGINX_IMAGE: args.nginxImage },
    });

    const volume = new docker.Volume(
      `${name}-config`,
      { labels: labelList({ [labels.stack]: args.stackLabel }) },
      { parent: this, deletedWith: args.images.removal },
    );

    // Docker publishes no port on an internal network: the balancer can start there while its predecessor still has the port.
    const startingPlace = new docker.Network(
      `${name}-start`,
      { driver: "bridge", internal: true, labels: labelList({ [labels.stack]: args.stackLabel }) },
      { parent: this, deletedWith: args.images.removal },
    );

    const container = new docker.Container(
      `${name}-nginx`,
      {
        ...hardened(args.balancerMemoryMb),
        // Two containers can't publish one port: the step below puts this one in its predecessor's place.
        start: false,
        mustRun: false,
        image: image.id,
        tmpfs: { "/tmp": "rw,noexec,nosuid,nodev,size=64m,mode=1777" },
        healthcheck: {
          tests: [
            "CMD",
            "curl",
            "--fail",
            "--silent",
            "--output",
            "/dev/null",
            "--unix-socket",
            "/tmp/nginx/control.sock",
            "http://balancer/configuration",
          ],
          interval: "3s",
          timeout: "5s",
          retries: 3,
        },
        ports: [{ internal: listenPort, external: args.port, ip: args.bindAddress }],
        networksAdvanced: [{ name: startingPlace.name }],
        volumes: [{ volumeName: volume.name, containerPath: "/etc/nginx/live" }],
        labels: labelList({ [labels.stack]: args.stackLabel, [labels.role]: "balancer" }),
      },
      { parent: this, deleteBeforeReplace: false, replaceOnChanges },
    );

    const installed = new command.local.Command(
      `${name}-installed`,
      {
        create: "node -r ./scripts/typescript.cjs rollout/install.ts",
        delete: "node -r ./scripts/typescript.cjs rollout/remove.ts",
        stdin: this.upstreamConfig,
        environment: {
          BALANCER: container.id,
          NETWORK: args.networkName,
          BALANCER_URL: this.url,
          BACKENDS: pulumi.jsonStringify(args.containerIds),
          IMAGE_PREFIX: imagePrefix(args.stackLabel),
          STACK_LABEL: `${labels.stack}=${args.stackLabel}`,
          HEALTH_TIMEOUT_SECONDS: String(args.healthTimeoutSeconds),
          DRAIN_SECONDS: String(args.spec.drainSeconds),
          GENERATION: pulumi.output(args.live).apply((live) => chooseGeneration(this.upstreamConfig, live)),
        },
        logging: command.local.Logging.Stderr,
      },
      { parent: this },
    );

    this.containerName = container.name;
    this.lastChange = installed.stdout.apply((text) => JSON.parse(text) as unknown);
    this.registerOutputs({
      url: this.url,
      upstreamConfig: this.upstreamConfig,
      containerName: this.containerName,
      lastChange: this.lastChange,
    });
  }
}
