import { readFileSync } from "node:fs";
import { join } from "node:path";
import { run, type Run } from "../lib/process";
import { SetupError } from "../scripts/setup/error";
import {
  imageSettings,
  isOwnChoice,
  knownBaseImages,
  presentImages,
  type BaseImage,
  type BaseImages,
} from "../scripts/setup/images";
import { projectRoot } from "../scripts/setup/project";

/**
 * The base images to use on this machine: the user's own choice in stack `dev`, else official ones, else stand-ins.
 * Throws when set-up has not run.
 */
export async function baseImages(ask: Run = run, root = projectRoot): Promise<BaseImages> {
  const [present, settings] = await Promise.all([presentImages(ask), imageSettings(root)]);
  const chosen = knownBaseImages.map((image: BaseImage) => {
    const configured = settings[image.setting];
    if (configured !== undefined && isOwnChoice(image, configured)) return [image.setting, configured];
    const name = [image.official, image.standIn].find((candidate) => present.has(candidate));
    if (name !== undefined) return [image.setting, name];
    throw new SetupError(`neither ${image.official} nor ${image.standIn} is on this machine`, "npm run setup");
  });
  return Object.fromEntries(chosen) as unknown as BaseImages;
}

/** The URL of a state of its own in a folder, with the options of the one in Pulumi.yaml. */
export function stateUrl(folder: string): string {
  const url = /^ +url: file:\/\/~(\S*)$/m.exec(readFileSync(join(projectRoot, "Pulumi.yaml"), "utf8"));
  if (url === null) throw new Error("Pulumi.yaml: backend.url is not in the home folder (file://~)");
  return `file://${folder}${url[1]}`;
}
