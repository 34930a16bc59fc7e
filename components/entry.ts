import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { hashValue } from "../lib/tree-hash";
import { gapOf, keptEntries, publicAddress, type Door, type ExistingEntry } from "../model/entry";
import { labelList, labels } from "../model/labels";
import { doorFolder } from "../model/layout";
import { entryImageName } from "../model/names";
import { hardened, replaceOnChanges } from "./hardening";
import { packagePath } from "./package";
import type { StackImages } from "./stack-images";

export interface EntryArgs {
  /** An address of the host, and what is published there. */
  readonly bindAddress: string;
  readonly doors: readonly Door[];
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
  readonly existing: readonly ExistingEntry[];
}

/**
 * The containers that have the published ports, one each: it listens there, and hands the socket to nginx over a volume. What
 * it is depends on the address and its own image alone, so that the balancer can be replaced without anybody's being refused.
 */
export class Entry extends pulumi.ComponentResource {
  /** `HASH:PORT HASH:PORT`: what nginx finds the sockets by, and the ports that they listen on. */
  public readonly sockets: string;
  /** Why the update that makes them refuses connections for a moment; empty where it doesn't. */
  public readonly gaps: readonly string[];
  public readonly containerIds: pulumi.Output<string[]>;
  /** Name of the volume on which they hand the sockets out. */
  public readonly volumeName: pulumi.Output<string>;
  /** Name of the network that leads out. */
  public readonly networkName: pulumi.Output<string>;

  constructor(name: string, args: EntryArgs, opts?: pulumi.ComponentResourceOptions) {
    super("nginx-load-balancer:components:Entry", name, {}, opts);
    const { bindAddress, stackLabel } = args;
    const { tag, build } = args.images.plan({
      name: entryImageName,
      context: packagePath("nginx/entry"),
      buildArgs: { ENTRY_IMAGE: args.entryImage },
    });
    const doors = args.doors.map((door) => {
      const address = publicAddress(bindAddress, door.port);
      // All that makes it what it is.
      const hash = hashValue({ image: tag, address, listenPort: door.listenPort });
      return { ...door, address, hash };
    });
    this.sockets = doors.map((door) => `${door.hash}:${door.listenPort}`).join(" ");
    // They stay what no state knows, with their network and volume, until they are replaced or the stack is destroyed.
    const kept = keptEntries(
      doors.map(({ hash }) => hash),
      args.existing,
      args.knownOwner,
    );
    const made = doors.filter(({ hash }) => !kept.some((one) => one.hash === hash));
    this.gaps = made.flatMap((door) => gapOf({ ...door, owner: args.knownOwner }, args.existing) ?? []);

    const stack = labelList({ [labels.stack]: stackLabel });
    const own = { parent: this, deletedWith: args.images.removal };
    const [place] = kept;
    this.networkName = pulumi.output(
      place?.networks[0] ?? new docker.Network(`${name}-network`, { driver: "bridge", labels: stack }, own).name,
    );
    this.volumeName = pulumi.output(
      place?.volumes[0] ?? new docker.Volume(`${name}-door`, { labels: stack }, own).name,
    );
    const image = made.length > 0 ? build() : undefined;
    const containers = doors.map(({ name: door, port, listenPort, address, hash }) => {
      const id = kept.find((one) => one.hash === hash)?.id;
      if (id !== undefined || image === undefined) return { id: pulumi.output(id ?? "") };
      return new docker.Container(
        `${name}-${door}`,
        {
          ...hardened(32, stackLabel),
          // Another container may have the port: the step that installs takes it over, and starts this one.
          start: false,
          mustRun: false,
          image: image.id,
          envs: [`ENTRY_ID=${hash}`, `LISTEN_PORT=${listenPort}`],
          ports: [{ internal: listenPort, external: port, ip: bindAddress }],
          networksAdvanced: [{ name: this.networkName }],
          volumes: [{ volumeName: this.volumeName, containerPath: doorFolder }],
          labels: labelList<pulumi.Input<string>>({
            [labels.stack]: stackLabel,
            [labels.role]: "entry",
            [labels.owner]: args.owner,
            [labels.by]: args.by,
            [labels.hash]: hash,
            [labels.listen]: address,
          }),
        },
        { parent: this, deleteBeforeReplace: false, replaceOnChanges },
      );
    });
    this.containerIds = pulumi.all(containers.map(({ id }) => id));
    this.registerOutputs({ containerIds: this.containerIds, volumeName: this.volumeName });
  }
}
