import * as command from "@pulumi/command";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { labelList, labels } from "../model/labels";
import { rolloutCommand } from "./package";

export interface BeforeSwitchArgs {
  readonly app: string;
  /** What is run. */
  readonly command: readonly string[];
  /** The release that it is run for: of what may be run once alone, the same text. */
  readonly hash: string;
  /** The container of the app's backends: image, environment, networks, and all that bounds them. */
  readonly container: docker.ContainerArgs;
  readonly stackLabel: string;
  /** Identity of the stack, for the labels of its containers. */
  readonly owner: pulumi.Input<string>;
  readonly by: pulumi.Input<string>;
}

/**
 * A command that is run once for each release of an app, in a container as its backends have. The container tells whether it was run when
 * an update was killed before the engine's state could: rollout/before-switch.ts.
 */
export class BeforeSwitch extends pulumi.ComponentResource {
  public readonly containerId: pulumi.Output<string>;

  constructor(name: string, args: BeforeSwitchArgs, opts?: pulumi.ComponentResourceOptions) {
    super("nginx-load-balancer:components:BeforeSwitch", name, {}, opts);
    const container = new docker.Container(
      name,
      {
        ...args.container,
        command: [...args.command],
        // The step below starts it, and nobody does so again.
        start: false,
        mustRun: false,
        restart: "no",
        labels: labelList<pulumi.Input<string>>({
          [labels.owner]: args.owner,
          [labels.by]: args.by,
          [labels.stack]: args.stackLabel,
          [labels.role]: "before-switch",
          [labels.app]: args.app,
          [labels.hash]: args.hash,
        }),
      },
      // One of an update that was killed may still run: the step waits for it.
      { parent: this, deleteBeforeReplace: false },
    );
    this.containerId = container.id;
    new command.local.Command(
      `${name}-run`,
      {
        create: rolloutCommand("before-switch"),
        environment: { APP: args.app, HASH: args.hash, CONTAINER: container.id, STACK: args.stackLabel },
        logging: command.local.Logging.Stderr,
      },
      { parent: this },
    );
    this.registerOutputs({ containerId: this.containerId });
  }
}
