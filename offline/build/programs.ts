import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Run } from "../../lib/process";
import { offlineFolder } from "../../scripts/setup/project";
import type { StepContext } from "../../scripts/setup/step";
import { goBuild } from "./go";

/** Folders that the Pulumi engine and its language host are built from. */
export const engineSources = ["engine", "language-host"].map((name) => join(offlineFolder, name));

/** Builds them into a folder, as the launcher expects to find them there. */
export async function buildEngine(folder: string, version: string, run: Run, context: StepContext): Promise<void> {
  const bin = join(folder, "bin");
  await mkdir(bin);
  const linked = ["github.com/pulumi/pulumi/sdk/v3/go/common/version.Version", `v${version}`] as const;
  const build = (what: string, module: string, packageName: string, program: string) =>
    goBuild(
      { what, module: join(offlineFolder, module), package: packageName, output: join(bin, program), version: linked },
      run,
      context,
    );
  const host = "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs";
  await build("the Pulumi engine", "engine", "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", "pulumi");
  // The launcher expects the host beside it under this name.
  await build("the Node.js language host", "language-host", host, "pulumi-language-nodejs-3.60.0");
  await build("the language host's launcher", "language-host", ".", "pulumi-language-nodejs");
}

/** Folders that a plugin is built from. */
export const pluginSources = (name: string): string[] => [join(offlineFolder, `${name}-provider`)];

/** Builds a plugin into a folder. */
export async function buildPlugin(
  name: string,
  folder: string,
  version: string,
  run: Run,
  context: StepContext,
): Promise<void> {
  const [module = ""] = pluginSources(name);
  const output = join(folder, `pulumi-resource-${name}`);
  // Leaves Docker Compose out of the Docker plugin: see offline/README.md.
  const tags = "no_compose";
  const what = `the ${name} plugin`;
  await goBuild({ what, module, package: ".", tags, output, version: ["main.version", version] }, run, context);
}
