import { docker, tryDocker } from "./docker";
import { imagesOf } from "./images";

/** The last step of a destroy: the containers are gone, and with them whatever used networks, volumes and images. */
async function main(): Promise<void> {
  const { STACK_LABEL: stackLabel, IMAGE_PREFIX: imagePrefix } = process.env;
  if (stackLabel === undefined || imagePrefix === undefined)
    throw new Error("STACK_LABEL and IMAGE_PREFIX are not set: this script is run by the program, not by hand.");
  const [networks, volumes, images] = await Promise.all([
    labelled("network", stackLabel),
    labelled("volume", stackLabel),
    imagesOf(imagePrefix),
  ]);
  await Promise.all([
    remove("networks", ["network", "rm"], networks),
    remove("volumes", ["volume", "rm"], volumes),
    remove(
      "images",
      ["rmi"],
      images.map(({ tag }) => tag),
    ),
  ]);
}

async function labelled(kind: "network" | "volume", label: string): Promise<string[]> {
  const listing = await docker(kind, "ls", "--quiet", "--filter", `label=${label}`);
  return listing.split("\n").filter(Boolean);
}

async function remove(what: string, command: readonly string[], names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  const { code, stderr } = await tryDocker(...command, ...names);
  if (code !== 0) throw new Error(`${what} of the stack are left: ${stderr.trim()}`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
