import { join, relative } from "node:path";

/**
 * A path of this package's, as a program finds it from the folder that it runs in: no path of one machine goes into the
 * engine's state.
 */
export function packagePath(path: string): string {
  return relative("", join(__dirname, "..", path)) || ".";
}

/** The command line of a step that the engine takes, one of those of rollout/cli.ts. */
export function rolloutCommand(step: string): string {
  return `node -r ./${packagePath("scripts/typescript.cjs")} ${packagePath("rollout/cli.ts")} ${step}`;
}
