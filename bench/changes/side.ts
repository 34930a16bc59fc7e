/**
 * One of the two that are compared. Each command is what its user types, and gives the seconds from the start of its
 * process to its end.
 */
export interface Side {
  readonly name: string;
  /** Where clients reach the backends. */
  readonly url: string;
  /** Brings so many backends up, whatever there is now, and builds their image when the source has changed. */
  up(backends: number): Promise<number>;
  /** Shows what that would do. */
  preview(backends: number): Promise<number>;
  /** Removes all that runs, with its networks, its volumes and the images that were built. */
  down(): Promise<number>;
  /** Leaves nothing behind, however a command has ended. */
  remove(): Promise<void>;
}

/** The time that some work takes, in seconds. */
export async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}
