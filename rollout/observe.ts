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
import { tryDocker } from "./docker";
import { readLegacyText } from "./legacy/text";
import { emptyVolume, type ObservedContainer, type Volume } from "./observed";

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
