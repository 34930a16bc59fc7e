import { run } from "../../lib/process";
import { goTool } from "../go-tool";
import type { PartContext } from "../part";

/** The one that is built: what offline/compose/go.mod names. */
export const composeVersion = "v2.35.1";

/**
 * How Docker Compose is called: as Docker's plugin where that is installed, else as a program of its own, which is built
 * when it is first asked for.
 */
export async function composeCommand(context: PartContext): Promise<readonly [file: string, ...args: string[]]> {
  const plugin = await run("docker", ["compose", "version"], { signal: context.signal });
  if (plugin.outcome === "succeeded") return ["docker", "compose"];
  const tool = {
    name: "docker-compose",
    module: "compose",
    package: "github.com/docker/compose/v2/cmd",
    version: ["github.com/docker/compose/v2/internal.Version", composeVersion],
  } as const;
  return [await goTool(tool, context)];
}
