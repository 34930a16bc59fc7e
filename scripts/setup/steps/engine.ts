import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Run } from "../command";
import { isExecutable, replaceFolder } from "../files";
import { goBuild } from "../go";
import { downloadsReachable } from "../online";
import { engineFolder, engineVersion, offlineFolder, projectRoot } from "../project";
import { isUpToDate, stampName, stampOf } from "../stamp";
import type { Step } from "../step";

const programs = ["pulumi", "pulumi-language-nodejs"];
const downloadTimeoutMs = 10 * 60_000;

/** The Pulumi engine and its Node.js language host: official where they can be downloaded, else built. */
export function engineStep(run: Run, folder = engineFolder): Step {
  const sources = [join(offlineFolder, "engine"), join(offlineFolder, "language-host")];

  return {
    name: `Pulumi engine ${engineVersion}`,

    async isDone() {
      const there = await Promise.all(programs.map((program) => isExecutable(join(folder, "bin", program))));
      return there.every(Boolean) && (await isUpToDate(folder, sources));
    },

    async run(context) {
      await replaceFolder(folder, async (temporary) => {
        if (await downloadsReachable()) {
          context.note("downloading the official one");
          // What the launcher itself does at its first start, into another folder.
          const install = `require("pulumi/lib/download").installCLI(process.argv[1], process.argv[2]).catch((error) => { console.error(error.message); process.exit(1); })`;
          const result = await run(process.execPath, ["-e", install, engineVersion, temporary], {
            cwd: projectRoot,
            timeoutMs: downloadTimeoutMs,
            signal: context.signal,
          });
          if (result.outcome === "succeeded") return temporary;
          context.note(`the download ${result.outcome}: ${result.lastWords}`);
        } else {
          context.note("get.pulumi.com can't be reached");
        }

        const bin = join(temporary, "bin");
        await mkdir(bin, { recursive: true });
        const version = ["github.com/pulumi/pulumi/sdk/v3/go/common/version.Version", `v${engineVersion}`] as const;
        const build = (what: string, module: string, packageName: string, program: string) =>
          goBuild(
            { what, module: join(offlineFolder, module), package: packageName, output: join(bin, program), version },
            run,
            context,
          );
        const languageHost = "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs";
        await build("the Pulumi engine", "engine", "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", "pulumi");
        await build("the Node.js language host", "language-host", languageHost, "pulumi-language-nodejs");
        await writeFile(join(temporary, stampName), await stampOf(sources));
        return temporary;
      });
    },
  };
}
