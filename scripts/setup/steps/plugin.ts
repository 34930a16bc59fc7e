import { rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { lastWords, type Run } from "../../../lib/process";
import { isExecutable, replaceFolder } from "../files";
import { goBuild } from "../go";
import { pulumiReachable } from "../online";
import { offlineFolder, pinnedVersion, projectRoot, pulumiBinary, pulumiEnv, pulumiHome } from "../project";
import { isUpToDate, stampName, stampOf } from "../stamp";
import type { Step } from "../step";

// Leaves Docker Compose out of the Docker plugin: see offline/README.md.
const tags = "no_compose";
const downloadTimeoutSeconds = 600;

/** The plugin that goes with an npm package @pulumi/NAME: official where it can be downloaded, else built. */
export function pluginStep(
  name: "docker" | "command",
  run: Run,
  home = pulumiHome,
  isReachable = pulumiReachable,
): Step {
  const version = pinnedVersion(`@pulumi/${name}`);
  const folderName = `resource-${name}-v${version}`;
  const folder = join(home, "plugins", folderName);
  const program = `pulumi-resource-${name}`;
  // The engine's mark for a plugin that it is unpacking, or was when it was killed.
  const partial = `${folder}.partial`;
  const source = join(offlineFolder, `${name}-provider`);

  return {
    name: `Pulumi plugin ${name} ${version}`,

    async isDone() {
      return (
        (await isExecutable(join(folder, program))) && !existsSync(partial) && (await isUpToDate(folder, [source]))
      );
    },

    async run(context) {
      await replaceFolder(folder, async (temporary) => {
        if (await isReachable()) {
          context.note("downloading the official one");
          // Into a home of its own: an interrupted download leaves nothing where the engine looks.
          const download = join(temporary, "home");
          const result = await run(pulumiBinary(), ["plugin", "install", "resource", name, `v${version}`], {
            cwd: projectRoot,
            env: { ...pulumiEnv(), PULUMI_HOME: download },
            timeoutSeconds: downloadTimeoutSeconds,
            signal: context.signal,
          });
          if (result.outcome === "succeeded") return join(download, "plugins", folderName);
          context.note(`the download ${result.outcome}: ${lastWords(result)}`);
        } else {
          context.note("get.pulumi.com can't be reached; building takes minutes when Go's cache is empty");
        }

        const built = join(temporary, "built");
        const output = join(built, program);
        const what = `the ${name} plugin`;
        const linked = ["main.version", version] as const;
        await goBuild({ what, module: source, package: ".", tags, output, version: linked }, run, context);
        await writeFile(join(built, stampName), await stampOf([source]));
        return built;
      });
      await rm(partial, { force: true });
    },
  };
}
