import { createHistogram, type RecordableHistogram } from "node:perf_hooks";

/** How a request ended. All but `answered` are losses. */
export type Outcome = "answered" | "wrong" | "reset" | "refused" | "timedOut";

/** A request that was lost, as an example for the report. */
export interface Loss {
  /** Milliseconds since the load began. */
  readonly at: number;
  readonly profile: string;
  readonly outcome: Outcome;
  readonly reason: string;
}

/** What became of the requests of one profile, or of all. `sent` is the sum of all others once the load has stopped. */
export interface Tally {
  sent: number;
  /** Answered in full, as expected. */
  answered: number;
  /** Answered, but not as expected: another status, another body. */
  wrong: number;
  /** The connection ended before the answer was complete. */
  reset: number;
  /** No connection was to be had. */
  refused: number;
  /** No answer in time. */
  timedOut: number;
}

/** Counts and times of a stretch of the load. Times are in milliseconds. */
export interface Account extends Readonly<Tally> {
  readonly lost: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** The longest time without a right answer, over all clients together. */
  readonly longestGap: number;
  readonly byProfile: Readonly<Record<string, Readonly<Tally>>>;
  /** How many right answers carried which tag, such as a version. */
  readonly byTag: Readonly<Record<string, number>>;
  /** The first losses. */
  readonly losses: readonly Loss[];
}

const outcomes = ["answered", "wrong", "reset", "refused", "timedOut"] as const;
const examplesKept = 10;
const microsecondsPerMillisecond = 1000;

const emptyTally = (): Tally => ({ sent: 0, answered: 0, wrong: 0, reset: 0, refused: 0, timedOut: 0 });

/** Requests of a tally that were not answered as expected. */
export function lostOf(tally: Readonly<Tally>): number {
  return tally.wrong + tally.reset + tally.refused + tally.timedOut;
}

/** Books over a stretch of the load: every request is entered when it is sent, and once more when it has ended. */
export class Books {
  private readonly profiles = new Map<string, Tally>();
  private readonly tags = new Map<string, number>();
  private readonly latencies: RecordableHistogram = createHistogram();
  private readonly losses: Loss[] = [];
  private lastAnswer: number;
  private longestGap = 0;

  constructor(private readonly begun: number) {
    this.lastAnswer = begun;
  }

  enterSent(profile: string): void {
    this.tally(profile).sent++;
  }

  /** @param milliseconds from sending to the end */
  enterEnd(
    profile: string,
    outcome: Outcome,
    milliseconds: number,
    now: number,
    detail: { reason?: string; tag?: string },
  ): void {
    this.tally(profile)[outcome]++;
    if (outcome === "answered") {
      this.latencies.record(Math.max(1, Math.round(milliseconds * microsecondsPerMillisecond)));
      this.noteAnswer(now);
      if (detail.tag !== undefined) this.tags.set(detail.tag, (this.tags.get(detail.tag) ?? 0) + 1);
    } else if (this.losses.length < examplesKept) {
      this.losses.push({ at: Math.round(now - this.begun), profile, outcome, reason: detail.reason ?? outcome });
    }
  }

  /** @param now the end of the stretch: a silence that still lasts counts */
  account(now: number): Account {
    const sum = emptyTally();
    for (const tally of this.profiles.values()) {
      sum.sent += tally.sent;
      for (const outcome of outcomes) sum[outcome] += tally[outcome];
    }
    const milliseconds = (percentile: number) =>
      this.latencies.count === 0 ? 0 : this.latencies.percentile(percentile) / microsecondsPerMillisecond;
    return {
      ...sum,
      lost: lostOf(sum),
      p50: milliseconds(50),
      p99: milliseconds(99),
      max: this.latencies.count === 0 ? 0 : this.latencies.max / microsecondsPerMillisecond,
      longestGap: Math.max(this.longestGap, now - this.lastAnswer),
      byProfile: Object.fromEntries([...this.profiles].map(([name, tally]) => [name, { ...tally }])),
      byTag: Object.fromEntries(this.tags),
      losses: [...this.losses],
    };
  }

  private noteAnswer(now: number): void {
    this.longestGap = Math.max(this.longestGap, now - this.lastAnswer);
    this.lastAnswer = now;
  }

  private tally(profile: string): Tally {
    let tally = this.profiles.get(profile);
    if (tally === undefined) this.profiles.set(profile, (tally = emptyTally()));
    return tally;
  }
}
