import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { lastWords, type Run } from "../../../lib/process";
import { isExecutable, replaceFolder } from "../files";
import { goBuild } from "../go";
import { pulumiReachable } from "../online";
import { engineFolder, engineVersion, offlineFolder, projectRoot } from "../project";
import { isUpToDate, stampName, stampOf } from "../stamp";
import type { Step } from "../step";

const programs = ["pulumi", "pulumi-language-nodejs"];
const downloadTimeoutSeconds = 600;
// What the launcher itself does at its first start, into another folder.
const download = `
  const [version, folder] = process.argv.slice(1);
  require("pulumi/lib/download").installCLI(version, folder).catch((error) => {
    console.error(error.message);
    process.exit(1);
  });
`;

/** The Pulumi engine and its Node.js language host: official where they can be downloaded, else built. */
export function engineStep(run: Run, folder = engineFolder, isReachable = pulumiReachable): Step {
  const sources = [join(offlineFolder, "engine"), join(offlineFolder, "language-host")];

  return {
    name: `Pulumi engine ${engineVersion}`,

    async isDone() {
      const there = await Promise.all(programs.map((program) => isExecutable(join(folder, "bin", program))));
      return there.every(Boolean) && (await isUpToDate(folder, sources));
    },

    async run(context) {
      await replaceFolder(folder, async (temporary) => {
        if (await isReachable()) {
          context.note("downloading the official one");
          const official = join(temporary, "official");
          const result = await run(process.execPath, ["-e", download, engineVersion, official], {
            cwd: projectRoot,
            timeoutSeconds: downloadTimeoutSeconds,
            signal: context.signal,
          });
          if (result.outcome === "succeeded") return official;
          context.note(`the download ${result.outcome}: ${lastWords(result)}`);
        } else {
          context.note("get.pulumi.com can't be reached; building takes minutes when Go's cache is empty");
        }

        const built = join(temporary, "built");
        const bin = join(built, "bin");
        await mkdir(bin, { recursive: true });
        const version = ["github.com/pulumi/pulumi/sdk/v3/go/common/version.Version", `v${engineVersion}`] as const;
        const build = (what: string, module: string, packageName: string, program: string) =>
          goBuild(
            { what, module: join(offlineFolder, module), package: packageName, output: join(bin, program), version },
            run,
            context,
          );
        const host = "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs";
        await build("the Pulumi engine", "engine", "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", "pulumi");
        // The launcher expects the host beside it under this name.
        await build("the Node.js language host", "language-host", host, "pulumi-language-nodejs-3.60.0");
        await build("the language host's launcher", "language-host", ".", "pulumi-language-nodejs");
        await writeFile(join(built, stampName), await stampOf(sources));
        return built;
      });
    },
  };
}
