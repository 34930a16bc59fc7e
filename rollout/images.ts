import { imagePrefix } from "../model/names";
import { docker } from "./docker";
import type { ObservedContainer } from "./observed";

/** An image, by one of its tags. */
export interface Image {
  readonly tag: string;
  readonly id: string;
}

/** The tags of all images whose names begin with a prefix, with the ids of the images. */
export async function imagesOf(prefix: string): Promise<Image[]> {
  const listing = await docker(
    "images",
    "--no-trunc",
    "--filter",
    `reference=${prefix}/*`,
    "--format",
    "{{.Repository}}:{{.Tag}}\t{{.ID}}",
  );
  return listing
    .split("\n")
    .filter(Boolean)
    .map((line) => {
      const [tag = "", id = ""] = line.split("\t");
      return { tag, id };
    });
}

/**
 * The tags of a stack's images that none of its containers, running or not, was made of: an update that was killed has left
 * what it had built.
 *
 * @param stack value of the stack's label
 */
export async function leftImages(
  stack: string,
  containers: readonly Pick<ObservedContainer, "id" | "image">[],
): Promise<string[]> {
  const named = new Set(containers.map(({ image }) => image));
  const others = (await imagesOf(imagePrefix(stack))).filter(({ tag }) => !named.has(tag));
  return unusedOf(
    others,
    containers.map(({ id }) => id),
  );
}

/** Those of some images that none of these containers was made of, by whatever tag. */
export async function unusedOf(images: readonly Image[], containers: readonly string[]): Promise<string[]> {
  if (images.length === 0 || containers.length === 0) return images.map(({ tag }) => tag);
  const used = new Set((await docker("container", "inspect", "--format", "{{.Image}}", ...containers)).split("\n"));
  return images.flatMap(({ tag, id }) => (used.has(id) ? [] : tag));
}
