import { docker, tryDocker } from "./docker";

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

/** The last step of a destroy: by now no container of the stack uses an image. */
async function main(): Promise<void> {
  const prefix = process.env["IMAGE_PREFIX"];
  if (prefix === undefined) throw new Error("IMAGE_PREFIX is not set: this script is run by the program, not by hand.");
  const tags = (await imagesOf(prefix)).map(({ tag }) => tag);
  if (tags.length === 0) return;
  const { code, stderr } = await tryDocker("rmi", ...tags);
  if (code !== 0) throw new Error(`Images of the stack are left: ${stderr.trim()}`);
}

if (require.main === module) {
  main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
}
