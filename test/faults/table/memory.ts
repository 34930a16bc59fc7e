import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

const read = async (folder: string, name: string) => readFile(join(folder, name), "utf8").catch(() => undefined);

/**
 * What processes have of memory, files in the cache apart, in bytes; NaN where that isn't told.
 *
 * @param stat the text of a control group's `memory.stat`, of version 1 or 2
 */
export function residentIn(stat: string): number {
  return Number(/^(?:total_rss|anon) (\d+)$/m.exec(stat)?.[1]);
}

/** What the processes of a control group have of memory, files in the cache apart, in bytes. */
export async function memoryOf(folder: string): Promise<number> {
  const bytes = residentIn((await read(folder, "memory.stat")) ?? "");
  if (Number.isNaN(bytes)) throw new Error(`${folder} tells nothing of memory`);
  return bytes;
}

/**
 * Limits what a control group may have, of version 1 or 2.
 *
 * @param bytes undefined: without a limit
 */
export async function limitMemory(folder: string, bytes: number | undefined): Promise<void> {
  const [file, none] =
    (await read(folder, "memory.max")) === undefined ? ["memory.limit_in_bytes", "-1"] : ["memory.max", "max"];
  await writeFile(join(folder, file), bytes === undefined ? none : String(bytes));
}
