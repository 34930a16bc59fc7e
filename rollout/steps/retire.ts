import { labels } from "../../model/labels";
import { listContainers } from "../containers";
import { docker, tryDocker } from "../docker";
import { imagesOf, unusedOf } from "../images";

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

/** Removes the networks and volumes of a stack that none of its containers is on, running or not. */
export async function removeUnused(stack: string): Promise<void> {
  const own = ["--filter", `label=${labels.stack}=${stack}`];
  const [containers, networks, volumes] = await Promise.all([
    listContainers(stack),
    docker("network", "ls", "--format", "{{.Name}}", ...own),
    docker("volume", "ls", "--quiet", "--filter", "dangling=true", ...own),
  ]);
  // Docker's listing takes every network for a dangling one.
  const used = new Set(containers.flatMap((container) => container.networks));
  const unused = networks.split("\n").filter((name) => name !== "" && !used.has(name));
  // What is left, say because another container is on it, goes with the stack.
  for (const network of unused) await tryDocker("network", "rm", network);
  for (const volume of volumes.split("\n").filter(Boolean)) await tryDocker("volume", "rm", volume);
}

/** Removes the images of a stack that none of these containers uses. */
export async function removeUnusedImages(imagePrefix: string, containers: readonly string[]): Promise<void> {
  const unused = await unusedOf(await imagesOf(imagePrefix), containers);
  if (unused.length > 0) await docker("rmi", ...unused);
}
