import { createHash } from "node:crypto";
import { constants, existsSync } from "node:fs";
import { access, mkdir, readFile, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";

/** Whether `path` is a file that may be executed. */
export async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** Whether nobody but its owner, and root, gets into a folder, or there is none. */
export async function isPrivate(folder: string): Promise<boolean> {
  return !existsSync(folder) || ((await stat(folder)).mode & 0o077) === 0;
}

/** Content of a file, or undefined when there is none. */
export async function readIfThere(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch((error: unknown) => {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  });
}

/** Hash of names and contents of all files below the folders: equal sources, equal hash. */
export async function hashFolders(folders: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const folder of folders) {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    for (const file of files.sort()) {
      const content = await readFile(file);
      hash.update(`${basename(folder)}/${relative(folder, file)}\0${content.length}\0`).update(content);
    }
  }
  return hash.digest("hex");
}

/**
 * Puts a folder in place whole or not at all: `make` writes to a temporary one beside it and returns what shall take
 * the name, that folder or one in it. What runs that were killed left behind is removed.
 */
export async function replaceFolder(target: string, make: (temporary: string) => Promise<string>): Promise<void> {
  const parent = dirname(target);
  // The dot keeps the engine from taking it for a plugin.
  const prefix = `.${basename(target)}.partial-`;
  const temporary = join(parent, `${prefix}${process.pid}`);
  await mkdir(parent, { recursive: true });
  for (const name of await readdir(parent)) {
    if (name.startsWith(prefix) && !isAlive(Number(name.slice(prefix.length)))) await remove(join(parent, name));
  }
  try {
    await mkdir(temporary);
    const made = await make(temporary);
    await remove(target);
    await rename(made, target);
  } finally {
    await remove(temporary);
  }
}

function remove(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true });
}

/** Whether a process with this id exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
