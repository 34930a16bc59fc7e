import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { hashValue } from "../lib/tree-hash";
import { gapOf, publicAddress, type Publisher } from "../model/entry";
import { labelList, labels } from "../model/labels";
import { doorFolder, listenPort } from "../model/layout";
import { entryImageName } from "../model/names";
import { hardened, replaceOnChanges } from "./hardening";
import { packagePath } from "./package";
import type { StackImages } from "./stack-images";

export interface EntryArgs {
  /** What is published: an address of the host and a TCP port. */
  readonly bindAddress: string;
  readonly port: number;
  /** Base image, the build argument ENTRY_IMAGE of nginx/entry/Dockerfile; Debian 12 or newer. */
  readonly entryImage: string;
  readonly images: StackImages;
  readonly stackLabel: string;
  /** Identity of the stack, for the labels of its containers. */
  readonly owner: pulumi.Input<string>;
  readonly by: pulumi.Input<string>;
  /** The identity as far as it is known now: a preview of a first update doesn't know it. */
  readonly knownOwner: string | undefined;
  /** The stack's containers of now. */
  readonly existing: readonly Publisher[];
}

/**
 * The container that has the published port: it listens there, and hands the socket to nginx over a volume. What it is
 * depends on the address and its own image alone, so that the balancer can be replaced without anybody's being refused.
 */
export class Entry extends pulumi.ComponentResource {
  /** Hash of all that makes the entry what it is; part of its socket's name. */
  public readonly hash: string;
  /** Why the update that makes it refuses connections for a moment; undefined where it doesn't. */
  public readonly gap: string | undefined;
  public readonly containerId: pulumi.Output<string>;
  /** Name of the volume on which it hands the socket out. */
  public readonly volumeName: pulumi.Output<string>;

  constructor(name: string, args: EntryArgs, opts?: pulumi.ComponentResourceOptions) {
    super("nginx-load-balancer:components:Entry", name, {}, opts);
    const { bindAddress, port, stackLabel } = args;
    const image = args.images.build({
      name: entryImageName,
      context: packagePath("nginx/entry"),
      buildArgs: { ENTRY_IMAGE: args.entryImage },
    });
    const address = publicAddress(bindAddress, port);
    this.hash = hashValue({ image: image.tag, address });
    this.gap = gapOf({ hash: this.hash, address, owner: args.knownOwner }, args.existing);

    const stack = labelList({ [labels.stack]: stackLabel });
    const own = { parent: this, deletedWith: args.images.removal };
    const network = new docker.Network(`${name}-network`, { driver: "bridge", labels: stack }, own);
    const volume = new docker.Volume(`${name}-door`, { labels: stack }, own);
    const container = new docker.Container(
      `${name}-socket`,
      {
        ...hardened(32, stackLabel),
        // Another container may have the port: the step that installs takes it over, and starts this one.
        start: false,
        mustRun: false,
        image: image.id,
        envs: [`ENTRY_ID=${this.hash}`],
        ports: [{ internal: listenPort, external: port, ip: bindAddress }],
        networksAdvanced: [{ name: network.name }],
        volumes: [{ volumeName: volume.name, containerPath: doorFolder }],
        labels: labelList<pulumi.Input<string>>({
          [labels.stack]: stackLabel,
          [labels.role]: "entry",
          [labels.owner]: args.owner,
          [labels.by]: args.by,
          [labels.hash]: this.hash,
          [labels.listen]: address,
        }),
      },
      { parent: this, deleteBeforeReplace: false, replaceOnChanges },
    );
    this.containerId = container.id;
    this.volumeName = volume.name;
    this.registerOutputs({ containerId: this.containerId, volumeName: this.volumeName });
  }
}
