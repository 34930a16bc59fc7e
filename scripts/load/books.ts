import { createHistogram, type RecordableHistogram } from "node:perf_hooks";

/** How a request ended. All but `answered` are losses. */
export type Outcome = "answered" | "wrong" | "reset" | "truncated" | "refused" | "timedOut";

/** A request that was lost, as an example for the report. */
export interface Loss {
  /** Milliseconds since the stretch began. */
  readonly at: number;
  /** The same by the clock, in ISO 8601, to be found again in other logs. */
  readonly time: string;
  readonly profile: string;
  readonly outcome: Outcome;
  readonly reason: string;
}

/** What became of the requests of one profile, or of all, and of their connections. */
export interface Tally {
  /** Requests; one that moved on is one. */
  sent: number;
  /** Answered in full, as expected. */
  answered: number;
  /** Answered, but not as expected: another status, another body. */
  wrong: number;
  /** The connection ended before the answer had begun. */
  reset: number;
  /** The connection ended in the middle of the answer. */
  truncated: number;
  /** No connection was to be had, or its TLS handshake failed. */
  refused: number;
  /** No answer in time. */
  timedOut: number;
  /**
   * Sent once more on a new connection, each time counted, since the server said that it had not processed them when it
   * ended the first one or refused their stream (RFC 9113, 6.8 and 8.7). This is no end: each also has its outcome above.
   */
  movedOn: number;
  /** TLS handshakes that were complete, in full. */
  fullHandshakes: number;
  /** TLS handshakes that were complete and resumed a session of before. */
  resumedHandshakes: number;
}

/**
 * Counts and times of a stretch of the load. Times are in milliseconds.
 *
 * A request is entered as sent in the stretch in which it was sent, and with its outcome in the one in which it ended, so
 * that no loss falls between two stretches: `carried + sent = answered + lost + inFlight`, at any time.
 */
export interface Account extends Readonly<Tally> {
  readonly lost: number;
  /** Requests that were under way when the stretch began. */
  readonly carried: number;
  /** Requests that are under way at its end. */
  readonly inFlight: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** The longest time without a right answer, over all clients together; it may have begun before the stretch. */
  readonly longestGap: number;
  readonly byProfile: Readonly<Record<string, Readonly<Tally>>>;
  /** How many right answers carried which tag, such as a version. Only of requests that were sent in the stretch itself. */
  readonly byTag: Readonly<Record<string, number>>;
  /** How many requests were lost for which reason. */
  readonly byReason: Readonly<Record<string, number>>;
  /** The first losses. */
  readonly losses: readonly Loss[];
}

/** How one request ended, for the books. */
export interface End {
  readonly outcome: Outcome;
  /** From sending to the end, in milliseconds. */
  readonly milliseconds: number;
  /** Why it was lost. */
  readonly reason?: string | undefined;
  /** What to count a right answer by. */
  readonly tag?: string | undefined;
}

const examplesKept = 10;
// Reasons may hold parts of an answer: without a limit, a long outage could fill the memory with them.
const reasonsKept = 50;
const microsecondsPerMillisecond = 1000;

export const emptyTally = (): Tally => ({
  sent: 0,
  answered: 0,
  wrong: 0,
  reset: 0,
  truncated: 0,
  refused: 0,
  timedOut: 0,
  movedOn: 0,
  fullHandshakes: 0,
  resumedHandshakes: 0,
});
const counts = Object.keys(emptyTally()) as (keyof Tally)[];

/** Adds the counts of a tally to those of another one. */
export function addTally(sum: Tally, tally: Readonly<Tally>): void {
  for (const count of counts) sum[count] += tally[count];
}

/** Requests of a tally that were not answered as expected. */
export function lostOf(tally: Readonly<Tally>): number {
  return tally.wrong + tally.reset + tally.truncated + tally.refused + tally.timedOut;
}

/** Books over a stretch of the load: every request is entered when it is sent, and once more when it has ended. */
export class Books {
  private readonly profiles = new Map<string, Tally>();
  private readonly tags = new Map<string, number>();
  private readonly reasons = new Map<string, number>();
  private readonly latencies: RecordableHistogram = createHistogram();
  private readonly losses: Loss[] = [];
  private longestGap = 0;
  private sending = true;

  /**
   * @param begun when the stretch began, on the clock of performance.now()
   * @param carried requests under way at that time
   * @param lastAnswer when the last right answer came before it
   */
  constructor(
    private readonly begun: number,
    private readonly carried = 0,
    private lastAnswer = begun,
  ) {}

  enterSent(profile: string): void {
    this.tally(profile).sent++;
  }

  enterMovedOn(profile: string): void {
    this.tally(profile).movedOn++;
  }

  enterHandshake(profile: string, resumed: boolean): void {
    this.tally(profile)[resumed ? "resumedHandshakes" : "fullHandshakes"]++;
  }

  /** @param sentHere whether the request is one of this stretch, not a carried one */
  enterEnd(profile: string, end: End, now: number, sentHere: boolean): void {
    this.tally(profile)[end.outcome]++;
    if (end.outcome === "answered") {
      this.latencies.record(Math.max(1, Math.round(end.milliseconds * microsecondsPerMillisecond)));
      this.noteGap(now);
      if (end.tag !== undefined && sentHere) increment(this.tags, end.tag);
    } else this.enterLoss(profile, end.outcome, end.reason ?? end.outcome, now);
  }

  /** From now on silence is no gap, because nothing more is sent. */
  endSending(now: number): void {
    this.noteGap(now);
    this.sending = false;
  }

  /** The books that follow on these. */
  next(now: number): Books {
    const books = new Books(now, this.account(now).inFlight, this.lastAnswer);
    books.sending = this.sending;
    return books;
  }

  /** @param now the end of the stretch: a silence that still lasts counts */
  account(now: number): Account {
    const sum = emptyTally();
    for (const tally of this.profiles.values()) addTally(sum, tally);
    const lost = lostOf(sum);
    const milliseconds = (microseconds: number) =>
      this.latencies.count === 0 ? 0 : microseconds / microsecondsPerMillisecond;
    return {
      ...sum,
      lost,
      carried: this.carried,
      inFlight: this.carried + sum.sent - sum.answered - lost,
      p50: milliseconds(this.latencies.percentile(50)),
      p99: milliseconds(this.latencies.percentile(99)),
      max: milliseconds(this.latencies.max),
      longestGap: this.sending ? Math.max(this.longestGap, now - this.lastAnswer) : this.longestGap,
      byProfile: Object.fromEntries([...this.profiles].map(([name, tally]) => [name, { ...tally }])),
      byTag: Object.fromEntries(this.tags),
      byReason: Object.fromEntries(this.reasons),
      losses: [...this.losses],
    };
  }

  private enterLoss(profile: string, outcome: Outcome, reason: string, now: number): void {
    increment(this.reasons, this.reasons.size < reasonsKept || this.reasons.has(reason) ? reason : "other reasons");
    if (this.losses.length < examplesKept) {
      const time = new Date(performance.timeOrigin + now).toISOString();
      this.losses.push({ at: Math.round(now - this.begun), time, profile, outcome, reason });
    }
  }

  private noteGap(now: number): void {
    if (!this.sending) return;
    this.longestGap = Math.max(this.longestGap, now - this.lastAnswer);
    this.lastAnswer = now;
  }

  private tally(profile: string): Tally {
    let tally = this.profiles.get(profile);
    if (tally === undefined) this.profiles.set(profile, (tally = emptyTally()));
    return tally;
  }
}

function increment(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
