import { labels } from "../model/labels";
import { serverLines } from "../nginx/render/config";
import { docker } from "./docker";
import { imagesOf } from "./images";
import type { Target } from "./target";

/**
 * Removes containers that an interrupted update made without the engine's knowing, where they have the name of one that is
 * about to serve: requests would reach them by that name until they are ended. None of them serves yet.
 */
export async function removeStrays(target: Target, liveText: string): Promise<void> {
  const serving = new Set(Object.values(target.backends));
  const strays = (await stackContainers(target)).filter(
    ({ id, alias }) => alias in target.backends && !serving.has(id) && !serverLines(liveText).has(alias),
  );
  if (strays.length > 0) await removeContainers(strays.map(({ id }) => id));
}

/**
 * Ends the containers that no request can reach any more, all at once, and removes their images: what the engine removes
 * next (it takes a missing container for a removed one), and what an interrupted update left without the engine's knowing.
 */
export async function removeRetired(target: Target): Promise<void> {
  const serving = new Set([target.balancer, ...Object.values(target.backends)]);
  const retired = (await stackContainers(target)).map(({ id }) => id).filter((id) => !serving.has(id));
  if (retired.length > 0) {
    await docker("stop", "--time", String(target.drainSeconds), ...retired);
    await removeContainers(retired);
  }
  const used = await imagesInUse([...serving]);
  const unused = (await imagesOf(target.imagePrefix)).filter(({ id }) => !used.has(id));
  if (unused.length > 0) await docker("rmi", ...unused.map(({ tag }) => tag));
}

/** With the nameless volumes that their images ask for: nobody would remove those later. */
async function removeContainers(ids: readonly string[]): Promise<void> {
  await docker("rm", "--force", "--volumes", ...ids);
}

async function imagesInUse(containers: readonly string[]): Promise<Set<string>> {
  return new Set((await docker("container", "inspect", "--format", "{{.Image}}", ...containers)).split("\n"));
}

async function stackContainers(target: Target): Promise<{ readonly id: string; readonly alias: string }[]> {
  const filters = ["--filter", `label=${target.stackLabel}`];
  const format = `{{.ID}}\t{{.Label "${labels.alias}"}}`;
  const rows = (await docker("ps", "--all", "--no-trunc", ...filters, "--format", format)).split("\n").filter(Boolean);
  return rows.map((row) => {
    const [id = "", alias = ""] = row.split("\t");
    return { id, alias };
  });
}
