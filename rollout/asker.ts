import { hostname, userInfo } from "node:os";

/** USER@HOST of who runs this. */
export function whoAsks(): string {
  return `${userInfo().username}@${hostname()}`;
}

/**
 * Looks from now on whether anybody waits for this process: the engine's plugin, which runs it by a shell and reads what it prints. At
 * Ctrl-C the plugin ends that shell alone, and waits for what it has started; where the engine was killed, nobody reads any more.
 * Neither ends this process.
 *
 * @returns tells whether nobody waits any more
 */
export function watchAsker(): () => boolean {
  const shell = process.ppid;
  let isHeard = true;
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => (isHeard = false));
  return () => process.ppid !== shell || !isHeard;
}
