import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { Acme as AcmeTopology } from "../model/tls";
import { labelList, labels } from "../model/labels";
import { acmeFolder } from "../model/layout";
import { acmeImageName, acmeVolumeName } from "../model/names";
import { hardened, replaceOnChanges } from "./hardening";
import { packagePath } from "./package";
import type { StackImages } from "./stack-images";

export interface AcmeArgs {
  /** What the authority is asked for, and in which folder of the volume all of it lies. */
  readonly topology: AcmeTopology;
  /** Base image, the build argument LEGO_IMAGE of nginx/acme/Dockerfile. */
  readonly legoImage: string;
  readonly email: string;
  /** URL of the authority's directory. */
  readonly directory: string;
  /** Certificate in PEM by which the authority itself is known; empty: one that the image knows. */
  readonly authority: string;
  readonly images: StackImages;
  /** Network by which the authority is reached. */
  readonly networkName: pulumi.Input<string>;
  readonly stackLabel: string;
  /** Identity of the stack, for the labels of its containers. */
  readonly owner: pulumi.Input<string>;
  readonly by: pulumi.Input<string>;
}

/**
 * The container that gets certificates and renews them. Which ones, the step that installs tells it. Its volume, with accounts and
 * certificates, stays when the stack goes: authorities count how many they give.
 */
export class Acme extends pulumi.ComponentResource {
  public readonly containerId: pulumi.Output<string>;
  /** Name of the volume that nginx reads certificates from, and the authority's questions' answers. */
  public readonly volumeName: pulumi.Output<string>;

  constructor(name: string, args: AcmeArgs, opts?: pulumi.ComponentResourceOptions) {
    super("nginx-load-balancer:components:Acme", name, {}, opts);
    const { stackLabel } = args;
    const image = args.images.build({
      name: acmeImageName,
      context: packagePath("nginx/acme"),
      buildArgs: { LEGO_IMAGE: args.legoImage },
    });
    const volume = new docker.Volume(
      `${name}-volume`,
      { name: acmeVolumeName(stackLabel), labels: labelList({ [labels.kept]: stackLabel }) },
      { parent: this, retainOnDelete: true },
    );
    const { folder } = args.topology;
    const variables = { FOLDER: folder, EMAIL: args.email, DIRECTORY: args.directory, CA: args.authority };
    const container = new docker.Container(
      `${name}-lego`,
      {
        ...hardened(128),
        image: image.id,
        envs: Object.entries(variables).map(([key, value]) => `${key}=${value}`),
        tmpfs: { "/tmp": "rw,noexec,nosuid,nodev,size=16m,mode=1777" },
        networksAdvanced: [{ name: args.networkName }],
        volumes: [{ volumeName: volume.name, containerPath: "/acme" }],
        labels: labelList<pulumi.Input<string>>({
          [labels.stack]: stackLabel,
          [labels.role]: "acme",
          [labels.owner]: args.owner,
          [labels.by]: args.by,
        }),
      },
      // Two of them would ask for the same.
      { parent: this, deleteBeforeReplace: true, replaceOnChanges },
    );
    this.containerId = container.id;
    this.volumeName = volume.name;
    this.registerOutputs({ containerId: this.containerId, volumeName: this.volumeName });
  }
}

/** Where nginx finds what {@link Acme} has got. */
export const acmeMount = (volumeName: pulumi.Input<string>) => ({
  volumeName,
  containerPath: acmeFolder,
  readOnly: true,
});
