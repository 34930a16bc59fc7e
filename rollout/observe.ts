import { labels } from "../model/labels";
import {
  configurationPath,
  controlCommand,
  currentRelease,
  livePlace,
  mainFile,
  recordFile,
  volumeFolder,
} from "../model/layout";
import { readRecord } from "../model/release";
import { docker, tryDocker } from "./docker";
import { readLegacyText } from "./legacy/text";
import { emptyVolume, type ObservedContainer, type Volume } from "./observed";

const columns = {
  id: "{{.ID}}",
  name: "{{.Names}}",
  image: "{{.Image}}",
  state: "{{.State}}",
  status: "{{.Status}}",
  networks: "{{.Networks}}",
  ports: "{{.Ports}}",
  age: "{{.RunningFor}}",
  ...Object.fromEntries(
    (["role", "app", "slot", "hash", "alias", "owner", "by"] as const).map((key) => [
      key,
      `{{.Label "${labels[key]}"}}`,
    ]),
  ),
};

/**
 * Lists a stack's containers, ended ones included, newest first.
 *
 * @param stack value of the stack's label
 * @throws Error when Docker doesn't answer
 */
export async function listContainers(stack: string): Promise<ObservedContainer[]> {
  const filter = `label=${labels.stack}=${stack}`;
  const format = Object.values(columns).join("\t");
  return parseContainers(await docker("ps", "--all", "--no-trunc", "--filter", filter, "--format", format));
}

export function parseContainers(listing: string): ObservedContainer[] {
  return listing
    .split("\n")
    .filter(Boolean)
    .map((line) => {
      const cells = line.split("\t");
      const row = Object.fromEntries(Object.keys(columns).map((key, index) => [key, cells[index] ?? ""]));
      const { status, networks, ...rest } = row as Record<keyof ObservedContainer | "status", string>;
      return { ...rest, networks: networks.split(","), health: healthOf(status) };
    });
}

/** Docker's listing tells the health in words: `Up 2 minutes (healthy)`, `Up 1 second (health: starting)`. */
function healthOf(status: string): string {
  return /\((?:health: )?(healthy|unhealthy|starting)\)/.exec(status)?.[1] ?? "none";
}

/** What a balancer's nginx serves, and what its volume holds. */
export interface Inside {
  readonly served: string | undefined;
  readonly volume: Volume;
}

/** A script whose output {@link parseInside} reads: first what nginx serves, then the files' hashes, last what may be anything. */
export const insideScript = `(${controlCommand(livePlace.folder, configurationPath).join(" ")}; echo
cd ${volumeFolder} || exit 0
if [ -f ${currentRelease}/${recordFile} ]; then (cd ${currentRelease}/ && sha256sum * 2>/dev/null); echo; cat ${currentRelease}/${recordFile}
else echo; cat ${mainFile} 2>/dev/null; fi; true)`;

export function parseInside(output: string): Inside {
  const [served = "", ...rest] = output.split("\n");
  const end = rest.indexOf("");
  const hashes = new Map(rest.slice(0, end).map((line) => [line.slice(66), line.slice(0, 64)]));
  const content = rest.slice(end + 1).join("\n");
  return { served: /^[0-9a-f]{16}$/.test(served) ? served : undefined, volume: volumeOf(content, hashes) };
}

function volumeOf(content: string, hashes: ReadonlyMap<string, string>): Volume {
  const release = readRecord(content);
  if (release === undefined) return readLegacyText(content) ?? emptyVolume;
  return { release, intact: Object.entries(release.files).every(([name, hash]) => hashes.get(name) === hash) };
}

/** Looks into a balancer's container, whether it runs or not. */
export async function lookInside(balancer: ObservedContainer | undefined): Promise<Inside> {
  if (balancer === undefined) return { served: undefined, volume: emptyVolume };
  if (balancer.state === "running") {
    const { code, stdout } = await tryDocker("exec", balancer.id, "sh", "-c", insideScript);
    if (code === 0) return parseInside(stdout);
  }
  // A tar archive, in which the text of the one file lies between blocks of other bytes.
  const { stdout } = await tryDocker("cp", `${balancer.id}:${currentRelease}/${recordFile}`, "-");
  const release = readRecord(stdout.slice(stdout.indexOf("{"), stdout.lastIndexOf("}") + 1));
  return { served: undefined, volume: { release, intact: false } };
}

/**
 * The balancer that serves, if one of the stack's containers does; else the newest.
 *
 * @param preferred id of the one to choose where it runs, too
 */
export function balancerOf(
  containers: readonly ObservedContainer[],
  preferred?: string,
): ObservedContainer | undefined {
  const balancers = containers.filter(({ role }) => role === "balancer");
  const running = balancers.filter(({ state }) => state === "running");
  // A newer one may have been started, without having its predecessor's place yet.
  const serving = running.find(({ ports }) => ports.includes("->"));
  return running.find(({ id }) => id === preferred) ?? serving ?? running[0] ?? balancers[0];
}
