import { join } from "node:path";
import { hashFolders, readIfThere } from "../../scripts/setup/files";

/** File beside a built program that says which sources it was built from. Official programs have none. */
export const stampName = ".built-from";

/** Content of the stamp for programs that are built from these folders. */
export function stampOf(sources: readonly string[]): Promise<string> {
  return hashFolders(sources);
}

/** Whether what lies in `folder` is official or built from the sources as they are now. */
export async function isUpToDate(folder: string, sources: readonly string[]): Promise<boolean> {
  const stamp = await readIfThere(join(folder, stampName));
  return stamp === undefined || stamp === (await stampOf(sources));
}
