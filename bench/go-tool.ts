import { mkdir, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { run } from "../lib/process";
import { isExecutable, replaceFolder } from "../scripts/setup/files";
import { goBuild } from "../offline/build/go";
import { offlineFolder } from "../scripts/setup/project";
import { isUpToDate, stampName, stampOf } from "../offline/build/stamp";
import type { PartContext } from "./part";

/** A program that the bench needs and set-up doesn't: built from Go modules when it is first asked for. */
export interface GoTool {
  /** The program's name. */
  readonly name: string;
  /** Folder of the Go module in offline/. */
  readonly module: string;
  readonly package: string;
  /** Full name of the variable that takes the version, and the version. */
  readonly version: readonly [variable: string, value: string];
}

const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "nginx-load-balancer");

/** The path of the program, built unless it is there. */
export async function goTool(tool: GoTool, { status, signal }: PartContext): Promise<string> {
  const folder = join(cache, tool.name);
  const program = join(folder, tool.name);
  const sources = [join(offlineFolder, tool.module)];
  if ((await isExecutable(program)) && (await isUpToDate(folder, sources))) return program;
  await replaceFolder(folder, async (temporary) => {
    const built = join(temporary, "built");
    await mkdir(built);
    const build = {
      what: tool.name,
      module: join(offlineFolder, tool.module),
      package: tool.package,
      output: join(built, tool.name),
      version: tool.version,
    };
    await goBuild(build, run, { signal, note: status, status: (text) => status(`building ${tool.name}: ${text}`) });
    await writeFile(join(built, stampName), await stampOf(sources));
    return built;
  });
  return program;
}
