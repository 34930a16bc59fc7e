import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { publicAddress } from "../model/entry";
import { labelList, labels } from "../model/labels";
import { exportersOf } from "../model/metrics";
import { connectionsImageName, metricsImageName } from "../model/names";
import type { ExporterDestination } from "../model/release";
import { hardened, replaceOnChanges } from "./hardening";
import type { LogVolume } from "./log-volume";
import { packagePath } from "./package";
import type { StackImages } from "./stack-images";

export interface MetricsArgs {
  /** Where they are published: a port of an address of the host, and the one after it. */
  readonly metrics: { readonly port: number; readonly bindAddress: string };
  /** The addresses of both for a Prometheus. */
  readonly urls: readonly string[];
  /** Base images, the build arguments MTAIL_IMAGE of nginx/metrics/Dockerfile and EXPORTER_IMAGE of nginx/connections/Dockerfile. */
  readonly mtailImage: string;
  readonly exporterImage: string;
  readonly images: StackImages;
  /** Where the balancer writes what is to be counted, and has the socket that tells of its connections. */
  readonly log: LogVolume;
  readonly stackLabel: string;
  /** Identity of the stack, for the labels of its containers. */
  readonly owner: pulumi.Input<string>;
  readonly by: pulumi.Input<string>;
}

/** What the exporters may have, MiB: mtail uses half of it with 200 backends. */
const memoryMb = { metrics: 64, connections: 32 };

/**
 * The containers at which a Prometheus asks: one counts what nginx has logged, the other one asks nginx for its connections. They
 * only read, and nothing waits for them.
 */
export class Metrics extends pulumi.ComponentResource {
  public readonly exporters: pulumi.Output<ExporterDestination[]>;

  constructor(name: string, args: MetricsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("nginx-load-balancer:components:Metrics", name, {}, opts);
    const { bindAddress } = args.metrics;
    const images = {
      metrics: args.images.build({
        name: metricsImageName,
        context: packagePath("nginx/metrics"),
        buildArgs: { MTAIL_IMAGE: args.mtailImage },
      }),
      connections: args.images.build({
        name: connectionsImageName,
        context: packagePath("nginx/connections"),
        buildArgs: { EXPORTER_IMAGE: args.exporterImage },
      }),
    };
    // No backend and no balancer is on it.
    const network = new docker.Network(
      `${name}-network`,
      { driver: "bridge", labels: labelList({ [labels.stack]: args.stackLabel }) },
      { parent: this, deletedWith: args.images.removal },
    );
    const containers = exportersOf(args.metrics).map(
      ({ role, port, listenPort }) =>
        new docker.Container(
          `${name}-${role}`,
          {
            ...hardened(memoryMb[role], args.stackLabel),
            // What they do can wait.
            cpuShares: 128,
            // A predecessor may have the port: the step that installs ends that one, and starts this one.
            start: false,
            mustRun: false,
            image: images[role].id,
            ports: [{ internal: listenPort, external: port, ip: bindAddress }],
            networksAdvanced: [{ name: network.name }],
            volumes: [args.log.mount({ readOnly: true })],
            labels: labelList<pulumi.Input<string>>({
              [labels.stack]: args.stackLabel,
              [labels.role]: role,
              [labels.owner]: args.owner,
              [labels.by]: args.by,
              [labels.listen]: publicAddress(bindAddress, port),
            }),
          },
          { parent: this, deleteBeforeReplace: false, replaceOnChanges },
        ),
    );
    this.exporters = pulumi
      .all(containers.map(({ id }) => id))
      .apply((ids) => ids.map((id, index) => ({ id, url: args.urls[index] ?? "" })));
    this.registerOutputs({ exporters: this.exporters });
  }
}
