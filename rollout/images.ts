import { docker } from "./docker";

/** The tags of all images whose names begin with a prefix, with the ids of the images. */
export async function imagesOf(prefix: string): Promise<{ readonly tag: string; readonly id: string }[]> {
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
