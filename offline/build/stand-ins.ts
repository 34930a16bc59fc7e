import { join } from "node:path";
import { lastWords, type Run } from "../../lib/process";
import { canInstallPackages, installPackages } from "../../scripts/setup/apt";
import { SetupError } from "../../scripts/setup/error";
import { namespace, type BaseImage } from "../../scripts/setup/images";
import { offlineFolder } from "../../scripts/setup/project";
import type { StepContext } from "../../scripts/setup/step";

/** Builds base images that can't be pulled from Debian packages, under names of their own. Needs root. */
export async function buildStandIns(images: readonly BaseImage[], run: Run, context: StepContext): Promise<void> {
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
