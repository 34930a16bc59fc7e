import { labels } from "../../model/labels";
import { docker } from "../docker";
import { imagesOf } from "../images";

/**
 * Ends containers that no request can reach any more, all at once: what the engine removes next (it takes a missing container
 * for a removed one), and what an interrupted update left without the engine's knowing.
 *
 * @param seconds what they get to finish
 */
export async function stopContainers(ids: readonly string[], seconds: number): Promise<void> {
  // One that is paused takes no signal, and would be killed only after its time.
  if (seconds > 0) await docker("stop", "--time", String(seconds), ...ids);
  // With the nameless volumes that their images ask for: nobody would remove those later.
  await docker("rm", "--force", "--volumes", ...ids);
}

/** Removes the networks and volumes of a stack that no container is on. */
export async function removeUnused(stack: string): Promise<void> {
  const filters = ["--filter", `label=${labels.stack}=${stack}`, "--filter", "dangling=true"];
  for (const kind of ["network", "volume"]) {
    const unused = (await docker(kind, "ls", "--quiet", ...filters)).split("\n").filter(Boolean);
    if (unused.length > 0) await docker(kind, "rm", ...unused);
  }
}

/** Removes the images of a stack that none of these containers uses. */
export async function removeUnusedImages(imagePrefix: string, containers: readonly string[]): Promise<void> {
  const [inUse, images] = await Promise.all([
    docker("container", "inspect", "--format", "{{.Image}}", ...containers),
    imagesOf(imagePrefix),
  ]);
  const used = new Set(inUse.split("\n"));
  const unused = images.filter(({ id }) => !used.has(id));
  if (unused.length > 0) await docker("rmi", ...unused.map(({ tag }) => tag));
}
