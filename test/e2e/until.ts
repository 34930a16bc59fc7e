import { waitUntil } from "../../scripts/verify/wait";

/**
 * Waits for a condition.
 *
 * @throws Error that names the condition when it doesn't hold within so many seconds
 */
export async function until(what: string, seconds: number, holds: () => Promise<boolean>): Promise<void> {
  await waitUntil(what, seconds, new AbortController().signal, holds);
}
