import { posix } from "node:path";
import type { Problem } from "./app";
import type { AppSettings } from "./settings";

/** Folders of an app's container at which two things would be: Docker makes no such container. */
export function problemsOfMounts(
  { writable, volumes }: Pick<AppSettings, "writable" | "volumes">,
  index: number,
): Problem[] {
  const taken = new Map([["/tmp", "/tmp, which is in memory"]]);
  const look = (key: "writable" | "volumes") => (text: string, at: number) => {
    const folder = posix.join(key === "writable" ? text : (text.split(":")[1] ?? ""), "/").slice(0, -1);
    const other = folder === "" ? "/" : taken.get(folder);
    taken.set(folder, other ?? `that of ${key}[${at}]`);
    return other === undefined
      ? []
      : [{ path: ["apps", index, key, at], expected: `a folder of the container other than ${other}` }];
  };
  return [...writable.flatMap(look("writable")), ...volumes.flatMap(look("volumes"))];
}
