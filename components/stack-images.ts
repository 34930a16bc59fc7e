import * as command from "@pulumi/command";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { relative } from "node:path";
import { imagePrefix } from "../model/names";
import { hashTree, hashValue } from "../lib/tree-hash";
import { rolloutCommand } from "./package";

export interface StackImagesArgs {
  /**
   * `<project>/<stack>`: the first part of every image's name is made of it, so that two stacks never remove each other's
   * images. Pool and balancer that use the images need the same one: their networks and volume are removed along with them.
   */
  readonly stackLabel: string;
}

/** What an image is built from. */
export interface ImageSource {
  /** Last part of the image's name. */
  readonly name: string;
  /** Folder of the build context, relative to the program's folder. */
  readonly context: string;
  readonly buildArgs: Readonly<Record<string, string>>;
}

/** An image that is built on the Docker host. */
export interface StackImage {
  /** Known before the image is there: `<project>/<stack>/<name>:<hash of all that it is built from>`, or a registry's name. */
  readonly tag: string;
  /** Docker's id of the image. */
  readonly id: pulumi.Output<string>;
  /** Hash of the folder that it is built from; none for one that is made elsewhere. */
  readonly source?: string;
}

/**
 * The stack's images. They are built as resources but removed together: the provider removes an image by its tag, and
 * going back to an earlier source after a failed update gives the old image and the new one the same.
 */
export class StackImages extends pulumi.ComponentResource {
  /**
   * The last step of a destroy, which removes the stack's images, networks and volumes at once. Networks and volumes are
   * deleted with it: the provider would wait for two seconds after each.
   */
  public readonly removal: command.local.Command;

  constructor(
    private readonly name: string,
    private readonly args: StackImagesArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("nginx-load-balancer:components:StackImages", name, {}, opts);
    // Made before the first image, so that the engine deletes it after the last container.
    this.removal = new command.local.Command(
      `${name}-removal`,
      {
        create: "exit 0",
        delete: rolloutCommand("remove-rest"),
        environment: { STACK: args.stackLabel },
      },
      { parent: this },
    );
    this.registerOutputs({});
  }

  /** Builds an image; another source gives another image, made before anything that uses the old one is touched. */
  build(source: ImageSource): StackImage {
    return this.plan(source).build();
  }

  /** An image that is built only if that is asked for: the tag that it has then, and what builds it. */
  plan({ name, buildArgs, ...source }: ImageSource): { readonly tag: string; readonly build: () => StackImage } {
    // One spelling for ./app, app/ and app: another context would be another image to the provider.
    const context = relative("", source.context) || ".";
    const tree = hashTree(context);
    const hash = hashValue({ source: tree, buildArgs });
    const tag = `${imagePrefix(this.args.stackLabel)}/${name}:${hash}`;
    const build = () => {
      const image = new docker.RemoteImage(
        `${this.name}-${name}`,
        { name: tag, build: { context, buildArgs }, triggers: { source: hash }, keepLocally: true },
        { parent: this, deleteBeforeReplace: false, dependsOn: this.removal },
      );
      return { tag, id: image.imageId, source: tree };
    };
    return { tag, build };
  }

  /** Takes an image that is made elsewhere, by its digest or its id. It stays on the host when the stack goes. */
  pull(name: string, pinned: string): StackImage {
    const pulled = new command.local.Command(
      `${this.name}-${name}`,
      { create: rolloutCommand("pull"), environment: { PINNED: pinned }, logging: command.local.Logging.Stderr },
      { parent: this, dependsOn: this.removal },
    );
    return { tag: pinned, id: pulled.stdout };
  }
}
