import { setTimeout as pause } from "node:timers/promises";

/**
 * Waits for a condition.
 *
 * @param signal ends the wait, which then throws the signal's reason
 * @throws Error that names the condition when it doesn't hold within so many seconds
 */
export async function waitUntil(
  what: string,
  seconds: number,
  signal: AbortSignal,
  holds: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + seconds * 1000;
  while (!(await holds())) {
    signal.throwIfAborted();
    if (performance.now() > deadline) throw new Error(`not within ${seconds} s: ${what}`);
    await pause(50);
  }
  signal.throwIfAborted();
}
