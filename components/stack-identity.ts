import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { rolloutCommand } from "./package";

export interface StackIdentityArgs {
  /** Identity of a stack whose state was lost, whose containers this one takes over; empty for none. */
  readonly adopt: string;
}

/**
 * What tells a stack from another one of the same name, whose state is somewhere else: made at random by the first update,
 * kept in the state, and on the labels of all containers.
 */
export class StackIdentity extends pulumi.ComponentResource {
  public readonly owner: pulumi.Output<string>;
  /** USER@HOST of who made it. */
  public readonly by: pulumi.Output<string>;
  /** Identity of the stack that it has taken over; empty for none. */
  public readonly adopted: pulumi.Output<string>;
  /** Secret: what else anyone sees of a secret value is hashed with it. */
  public readonly key: pulumi.Output<string>;

  constructor(name: string, { adopt }: StackIdentityArgs, opts?: pulumi.ComponentResourceOptions) {
    super("nginx-load-balancer:components:StackIdentity", name, {}, opts);
    const made = new command.local.Command(
      `${name}-made`,
      { create: rolloutCommand("identity"), environment: { ADOPT: adopt }, logging: command.local.Logging.None },
      // Once taken over, it stays, also when the setting has gone.
      { parent: this, ignoreChanges: ["create", ...(adopt === "" ? ["environment"] : [])] },
    );
    const word = (index: number) => made.stdout.apply((text) => text.split(" ")[index] ?? "");
    [this.owner, this.by, this.adopted] = [word(0), word(1), word(2)];
    const key = new command.local.Command(
      `${name}-key`,
      { create: rolloutCommand("key"), logging: command.local.Logging.None },
      { parent: this, ignoreChanges: ["create"], additionalSecretOutputs: ["stdout"] },
    );
    this.key = key.stdout;
    this.registerOutputs({ owner: this.owner, by: this.by, adopted: this.adopted });
  }
}

/** The value of an output; undefined where a preview can't tell it. */
export async function valueOf<T>(output: pulumi.Output<T>): Promise<T | undefined> {
  const { isKnown, promise } = output as pulumi.Output<T> & { isKnown: Promise<boolean>; promise: () => Promise<T> };
  return (await isKnown) ? promise.call(output) : undefined;
}
