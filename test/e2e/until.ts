import { setTimeout as pause } from "node:timers/promises";

/**
 * Waits for a condition.
 *
 * @throws Error that names the condition when it doesn't hold within so many seconds
 */
export async function until(what: string, seconds: number, holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`Not within ${seconds} s: ${what}`);
    await pause(50);
  }
}
