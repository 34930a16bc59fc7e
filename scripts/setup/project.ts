import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { engineEnvironment } from "./environment";

/** The checkout. */
export const projectRoot = join(__dirname, "..", "..");

/** Where set-up keeps the names of base images that it had to build: defaults for config.ts. */
export const standInsFile = join(projectRoot, ".base-images.json");

/** Folder of the parts that are built where they can't be downloaded. */
export const offlineFolder = join(projectRoot, "offline");

/** Where set-up keeps its log files. */
export const stateFolder = join(
  process.env.XDG_STATE_HOME ?? join(homedir(), ".local", "state"),
  "nginx-load-balancer",
);

/** The version that package.json pins for a package. */
export function pinnedVersion(packageName: string): string {
  const manifest = JSON.parse(readFileSync(join(projectRoot, "package.json"), "utf8")) as {
    dependencies: Record<string, string>;
  };
  const version = manifest.dependencies[packageName];
  if (version === undefined || !/^\d+\.\d+\.\d+$/.test(version)) {
    throw new Error(`package.json: ${packageName} is ${version}, an exact version is needed`);
  }
  return version;
}

/** Where the Pulumi engine keeps versions of itself and plugins. */
export const pulumiHome = process.env.PULUMI_HOME ?? join(homedir(), ".pulumi");

/** Version of the Pulumi engine: that of its launcher. */
export const engineVersion = pinnedVersion("pulumi");

/** Folder of the engine, where the launcher `npx pulumi` looks for it. */
export const engineFolder = join(pulumiHome, "versions", engineVersion);

/** The engine itself, without the launcher and its half second. */
export function pulumiBinary(): string {
  return join(engineFolder, "bin", "pulumi");
}

/** What the engine needs in its environment, on top of this process's own. */
export function pulumiEnv(): Record<string, string> {
  // The engine finds its language host in its folder.
  const path = [join(engineFolder, "bin"), process.env.PATH].filter(Boolean).join(delimiter);
  return { ...engineEnvironment(process.env), PATH: path };
}
