import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

const read = async (folder: string, name: string) => readFile(join(folder, name), "utf8").catch(() => undefined);

/** What the processes of a control group have of memory, files in the cache apart, in bytes. */
export async function memoryOf(folder: string): Promise<number> {
  const found = /^(?:total_rss|anon) (\d+)$/m.exec((await read(folder, "memory.stat")) ?? "")?.[1];
  if (found === undefined) throw new Error(`${folder} tells nothing of memory`);
  return Number(found);
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
