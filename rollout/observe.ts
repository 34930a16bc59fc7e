import {
  configurationPath,
  controlCommand,
  currentRelease,
  livePlace,
  mainFile,
  recordFile,
  servingFile,
  volumeFolder,
} from "../model/layout";
import { readRecord } from "../model/record";
import { balancerOf } from "./containers";
import { tryDocker } from "./docker";
import { leftImages } from "./images";
import { readLegacyText } from "./legacy/text";
import { emptyVolume, type ObservedContainer, type Overview, type Volume } from "./observed";
import { unreachableOf } from "./steps/public-address";

/** What a balancer's nginx serves, and what its volume holds. */
export interface Inside {
  readonly served: string | undefined;
  readonly serving: string;
  readonly volume: Volume;
}

/** A script whose output {@link parseInside} reads: first what nginx serves, and which balancer is to, then the files' hashes, last what may be anything. */
export const insideScript = `(${controlCommand(livePlace.folder, configurationPath).join(" ")}; echo; head -n 1 ${servingFile} 2>/dev/null || echo
cd ${volumeFolder} || exit 0
if [ -f ${currentRelease}/${recordFile} ]; then (cd ${currentRelease}/ && sha256sum * 2>/dev/null); echo; cat ${currentRelease}/${recordFile}
else echo; cat ${mainFile} 2>/dev/null; fi; true)`;

export function parseInside(output: string): Inside {
  const [served = "", serving = "", ...rest] = output.split("\n");
  const end = rest.indexOf("");
  const hashes = new Map(rest.slice(0, end).map((line) => [line.slice(66), line.slice(0, 64)]));
  const content = rest.slice(end + 1).join("\n");
  return { served: /^[0-9a-f]{16}$/.test(served) ? served : undefined, serving, volume: volumeOf(content, hashes) };
}

function volumeOf(content: string, hashes: ReadonlyMap<string, string>): Volume {
  const release = readRecord(content);
  if (release === undefined) return readLegacyText(content) ?? emptyVolume;
  return { release, intact: Object.entries(release.files).every(([name, hash]) => hashes.get(name) === hash) };
}

const nothingInside: Inside = { served: undefined, serving: "", volume: emptyVolume };

/**
 * Looks at a stack from outside of any update.
 *
 * @param stack value of its label
 * @param containers all of it
 * @param urls the addresses for clients that are asked for connections, where its balancer runs
 */
export async function survey(
  stack: string,
  containers: readonly ObservedContainer[],
  urls: readonly string[],
): Promise<Overview> {
  const balancer = balancerOf(containers);
  const [inside, unreachable, images] = await Promise.all([
    lookInside(balancer),
    balancer?.state === "running" ? unreachableOf(urls, balancer.id) : [],
    leftImages(stack, containers),
  ]);
  return { containers, ...inside, unreachable, images };
}

/** Looks into a balancer's container, whether it runs or not. */
export async function lookInside(balancer: ObservedContainer | undefined): Promise<Inside> {
  if (balancer === undefined) return nothingInside;
  if (balancer.state === "running") {
    const { code, stdout } = await tryDocker("exec", balancer.id, "sh", "-c", insideScript);
    if (code === 0) return parseInside(stdout);
  }
  // A tar archive, in which the text of the one file lies between blocks of other bytes.
  const { stdout } = await tryDocker("cp", `${balancer.id}:${currentRelease}/${recordFile}`, "-");
  const release = readRecord(stdout.slice(stdout.indexOf("{"), stdout.lastIndexOf("}") + 1));
  return { ...nothingInside, volume: { release, intact: undefined } };
}
