import { availableParallelism, loadavg } from "node:os";
import { until as look } from "../../lib/until";

/** How much longer things take on this machine at the moment, since others are at work on it, too: 1 or more. */
export function busyness(): number {
  return Math.max(1, (loadavg()[0] ?? 0) / availableParallelism());
}

/** Waits as `until` of lib/ does, but longer on a busy machine: these tests share it. */
export const until = <T>(what: Parameters<typeof look>[0], seconds: number, holds: () => T | Promise<T>) =>
  look(what, seconds * busyness(), holds);
