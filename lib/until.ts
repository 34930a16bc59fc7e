import { setTimeout as pause } from "node:timers/promises";

/** How long something is waited for, and what ends the wait. */
export interface Patience {
  /** Seconds, or a deadline that others may share or renew. */
  readonly within: number | Deadline;
  /** Between two looks. Default 50. */
  readonly pollMilliseconds?: number;
  /** Ends the wait, which then throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** A moment in the future. The wall clock, which may be set, has no say in it. */
export class Deadline {
  private from = performance.now();

  /** @param seconds how far away it is, 0 or more */
  constructor(readonly seconds: number) {}

  get isOver(): boolean {
    return this.milliseconds <= 0;
  }

  /** What is left; never negative. */
  get milliseconds(): number {
    return Math.max(0, this.from + this.seconds * 1000 - performance.now());
  }

  /** Puts it as far away again as it was: something has moved on. */
  renew(): void {
    this.from = performance.now();
  }
}

/**
 * Looks again and again until there is something to see: anything but `false` and `undefined`. It looks at least once.
 *
 * @param what the condition in words, or what makes the error for when it doesn't come true
 * @param patience seconds, or more
 * @returns what was seen
 * @throws Error that names the condition, or the one that `what` makes, when the time is over; whatever `look` throws
 */
export async function until<T>(
  what: string | (() => Error | Promise<Error>),
  patience: number | Patience,
  look: () => T | Promise<T>,
): Promise<Exclude<T, false | undefined>> {
  const {
    within,
    pollMilliseconds = 50,
    signal,
  }: Patience = typeof patience === "number" ? { within: patience } : patience;
  const deadline = typeof within === "number" ? new Deadline(within) : within;
  for (;;) {
    signal?.throwIfAborted();
    const seen = await look();
    signal?.throwIfAborted();
    if (seen !== false && seen !== undefined) return seen as Exclude<T, false | undefined>;
    if (deadline.isOver)
      throw typeof what === "string" ? new Error(`not within ${deadline.seconds} s: ${what}`) : await what();
    // An abort ends the pause; the reason is thrown above.
    await pause(pollMilliseconds, undefined, signal ? { signal } : {}).catch(() => undefined);
  }
}
