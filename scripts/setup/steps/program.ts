import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { lastWords, type Ended, type Run, type RunOptions } from "../../../lib/process";
import { buildEngine, buildPlugin, engineSources, pluginSources } from "../../../offline/build/programs";
import { isUpToDate, stampName, stampOf } from "../../../offline/build/stamp";
import { isExecutable, replaceFolder } from "../files";
import { pulumiReachable } from "../online";
import {
  engineFolder,
  engineVersion,
  pinnedVersion,
  projectRoot,
  pulumiBinary,
  pulumiEnv,
  pulumiHome,
} from "../project";
import type { Step, StepContext } from "../step";

/** Programs that lie in a folder of their own: official where they can be downloaded, else built. */
interface Program {
  readonly name: string;
  readonly folder: string;
  /** Files of it that are executed. */
  readonly files: readonly string[];
  /** What it is built from. */
  readonly sources: readonly string[];
  /** Downloads into an empty folder. */
  download(empty: string, options: RunOptions): Promise<Ended>;
  /** Where it then is in that folder. */
  readonly downloaded: string;
  build(folder: string, context: StepContext): Promise<void>;
}

function programStep(program: Program, isReachable: typeof pulumiReachable): Step {
  const { name, folder, files, sources } = program;
  // The engine's mark that it is unpacking it, or was when it was killed.
  const partial = `${folder}.partial`;
  return {
    name,

    async isDone() {
      const there = await Promise.all(files.map((file) => isExecutable(join(folder, file))));
      return there.every(Boolean) && !existsSync(partial) && (await isUpToDate(folder, sources));
    },

    async run(context) {
      await replaceFolder(folder, async (temporary) => {
        if (await isReachable()) {
          context.note("downloading the official one");
          const options = { cwd: projectRoot, timeoutSeconds: 600, signal: context.signal };
          const official = join(temporary, "official");
          const result = await program.download(official, options);
          if (result.outcome === "succeeded") return join(official, program.downloaded);
          context.note(`the download ${result.outcome}: ${lastWords(result)}`);
        } else {
          context.note("get.pulumi.com can't be reached; building takes minutes when Go's cache is empty");
        }
        const built = join(temporary, "built");
        await mkdir(built);
        await program.build(built, context);
        await writeFile(join(built, stampName), await stampOf(sources));
        return built;
      });
      await rm(partial, { force: true });
    },
  };
}

// What the launcher itself does at its first start, into another folder.
const install = `
  const [version, folder] = process.argv.slice(1);
  require("pulumi/lib/download").installCLI(version, folder).catch((error) => {
    console.error(error.message);
    process.exit(1);
  });
`;

/** The Pulumi engine and its Node.js language host. */
export function engineStep(run: Run, folder = engineFolder, isReachable = pulumiReachable): Step {
  const program: Program = {
    name: `Pulumi engine ${engineVersion}`,
    folder,
    files: ["bin/pulumi", "bin/pulumi-language-nodejs"],
    sources: engineSources,
    download: (empty, options) => run(process.execPath, ["-e", install, engineVersion, empty], options),
    downloaded: "",
    build: (built, context) => buildEngine(built, engineVersion, run, context),
  };
  return programStep(program, isReachable);
}

/** The plugin that goes with an npm package @pulumi/NAME. */
export function pluginStep(
  name: "docker" | "command",
  run: Run,
  home = pulumiHome,
  isReachable = pulumiReachable,
): Step {
  const version = pinnedVersion(`@pulumi/${name}`);
  const folderName = `resource-${name}-v${version}`;
  const folder = join(home, "plugins", folderName);
  const program: Program = {
    name: `Pulumi plugin ${name} ${version}`,
    folder,
    files: [`pulumi-resource-${name}`],
    sources: pluginSources(name),
    // Into a home of its own: an interrupted download leaves nothing where the engine looks.
    download: (empty, options) =>
      run(pulumiBinary(), ["plugin", "install", "resource", name, `v${version}`], {
        ...options,
        env: { ...pulumiEnv(), PULUMI_HOME: empty },
      }),
    downloaded: join("plugins", folderName),
    build: (built, context) => buildPlugin(name, built, version, run, context),
  };
  return programStep(program, isReachable);
}
