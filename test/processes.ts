import { readFileSync } from "node:fs";

/** Whether a process of this host has ended. Where nobody asks how, it may be listed for ever. */
export function hasEnded(pid: number): boolean {
  try {
    return /^\d+ \(.*\) [ZX] /s.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return true;
  }
}
