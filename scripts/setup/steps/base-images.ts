import { join } from "node:path";
import { canInstallPackages, installPackages } from "../apt";
import { lastWords, type Run } from "../../../lib/process";
import { SetupError } from "../error";
import { imageSettings, isOwnChoice, knownBaseImages, namespace, presentImages } from "../images";
import type { BaseImage } from "../images";
import { offlineFolder } from "../project";
import type { Step, StepContext } from "../step";

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
        toBuild.push(image);
      }
      if (toBuild.length > 0) await buildStandIns(toBuild, run, context);
    },
  };
}

async function buildStandIns(images: readonly BaseImage[], run: Run, context: StepContext): Promise<void> {
  const ownImages = `name images of your own: npx pulumi config set ${namespace}:pythonImage (nginxImage) NAME`;
  if (process.getuid?.() !== 0) {
    const names = images.map(({ official }) => official).join(" and ");
    throw new SetupError(
      `${names} can't be pulled, and building stand-ins needs root`,
      `run this as root, or load the images (docker load), or ${ownImages}`,
    );
  }
  if ((await run("debootstrap", ["--version"])).outcome === "not found") {
    if (!(await canInstallPackages(run))) {
      const cause = "the base images can't be pulled, and building stand-ins needs debootstrap, which is not installed";
      throw new SetupError(cause, `install debootstrap, or ${ownImages}`);
    }
    await installPackages(["debootstrap", "debian-archive-keyring"], run, context);
  }

  context.note(`building ${images.map(({ standIn }) => standIn).join(" and ")} from Debian packages`);
  const build = async ({ kind, standIn }: BaseImage): Promise<void> => {
    const result = await run(join(offlineFolder, "base-images", "build.sh"), [kind, standIn], {
      signal: context.signal,
      onLine: (line) => context.status(`${kind}: ${line}`),
    });
    if (result.outcome === "succeeded") return;
    throw new SetupError(
      `building ${standIn} failed:\n${lastWords(result)}`,
      `see its words above; it needs Debian's archive (DEBIAN_MIRROR names another), or ${ownImages}`,
    );
  };
  // All are awaited before a failure is told, so that none is left running.
  const results = await Promise.allSettled(images.map(build));
  const failed = results.find((result) => result.status === "rejected");
  if (failed) throw failed.reason;
}
