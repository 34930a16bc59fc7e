import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { labelList, labels } from "../model/labels";
import { logFolder } from "../model/layout";
import type { StackImages } from "./stack-images";

export interface LogVolumeArgs {
  readonly stackLabel: string;
  readonly images: StackImages;
}

/** The volume on which the balancer writes its logs. It goes with the stack. */
export class LogVolume extends pulumi.ComponentResource {
  public readonly volumeName: pulumi.Output<string>;

  constructor(name: string, args: LogVolumeArgs, opts?: pulumi.ComponentResourceOptions) {
    super("nginx-load-balancer:components:LogVolume", name, {}, opts);
    const volume = new docker.Volume(
      `${name}-volume`,
      { labels: labelList({ [labels.stack]: args.stackLabel }) },
      { parent: this, deletedWith: args.images.removal },
    );
    this.volumeName = volume.name;
    this.registerOutputs({ volumeName: this.volumeName });
  }

  /** Where a container has it. */
  mount(more: { readonly readOnly?: boolean } = {}) {
    return { volumeName: this.volumeName, containerPath: logFolder, ...more };
  }
}
