import { lastWords, type Run } from "../../../lib/process";
import { buildStandIns } from "../../../offline/build/stand-ins";
import { imageSettings, isOwnChoice, knownBaseImages, presentImages } from "../images";
import type { BaseImage } from "../images";
import type { Step } from "../step";

const pullTimeoutSeconds = 600;

/** Base images: pulled, else built from Debian packages under a name of their own. */
export function baseImagesStep(run: Run): Step {
  const missing = async (): Promise<BaseImage[]> => {
    const [present, settings] = await Promise.all([presentImages(run), imageSettings()]);
    const isThere = (image: BaseImage) =>
      present.has(image.official) || present.has(image.standIn) || isOwnChoice(image, settings[image.setting]);
    return knownBaseImages.filter((image) => !isThere(image));
  };

  return {
    name: "base images",

    async isDone() {
      return (await missing()).length === 0;
    },

    async run(context) {
      const toBuild: BaseImage[] = [];
      for (const image of await missing()) {
        context.note(`docker pull ${image.official}`);
        const options = { timeoutSeconds: pullTimeoutSeconds, signal: context.signal, onLine: context.status };
        const pull = await run("docker", ["pull", image.official], options);
        if (pull.outcome === "succeeded") continue;
        context.note(`the pull ${pull.outcome}: ${lastWords(pull)}`);
        // One may take the place of two.
        if (!toBuild.some(({ standIn }) => standIn === image.standIn)) toBuild.push(image);
      }
      if (toBuild.length > 0) await buildStandIns(toBuild, run, context);
    },
  };
}
