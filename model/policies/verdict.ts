import type { Canary } from "./canary";

/** What backends of one version have answered within a step. Each attempt counts, also one in whose place another backend answered. */
export class Tally {
  requests = 0;
  /** Answers of 500 and above, and attempts without an answer. */
  failed = 0;
  /** How many attempts took how many milliseconds. */
  private readonly times = new Map<number, number>();

  add(status: number, milliseconds: number): void {
    this.requests++;
    if (!(status >= 100 && status < 500)) this.failed++;
    this.times.set(milliseconds, (this.times.get(milliseconds) ?? 0) + 1);
  }

  /** The time within which 99 of 100 attempts ended, in milliseconds; 0 for none. */
  get p99(): number {
    return this.timeOf(Math.ceil(this.requests * 0.99));
  }

  /** The same, or more: what it may be if chance has made these times shorter than others will be. */
  get p99AtMost(): number {
    const spread = 3 * Math.sqrt(this.requests * 0.99 * 0.01);
    return this.timeOf(Math.min(this.requests, Math.ceil(this.requests * 0.99 + spread)));
  }

  /** @param rank of the attempt, from the quickest one, which is the first */
  private timeOf(rank: number): number {
    let left = rank;
    for (const [time, count] of [...this.times].sort(([a], [b]) => a - b)) {
      left -= count;
      if (left <= 0) return time;
    }
    return 0;
  }

  /** How many attempts took longer than a time, in milliseconds. */
  slowerThan(limit: number): number {
    return [...this.times].reduce((sum, [time, count]) => sum + (time > limit ? count : 0), 0);
  }

  get figures(): Figures {
    return { requests: this.requests, failed: this.failed, p99: this.p99 };
  }
}

/** Times are in milliseconds. */
export interface Figures {
  readonly requests: number;
  readonly failed: number;
  readonly p99: number;
}

/** Below this time, in milliseconds, an answer is never too slow: nginx counts whole ones, and a busy host adds some. */
const quick = 10;

/** How many looks have to find more slow answers: many requests that wait for one thing are slow together, and once, as at a start. */
const looks = 5;

/** Compares fresh backends with the older ones, look by look. */
export class Judge {
  private slow = 0;
  private slower = 0;

  constructor(private readonly allowed: Pick<Canary, "maxErrorPoints" | "maxP99Ratio" | "minRequests">) {}

  /** Whether the fresh ones seem worse than is allowed, be it by chance: then it is too early to go on. */
  seemWorse(fresh: Tally, older: Tally): boolean {
    const { maxErrorPoints, maxP99Ratio } = this.allowed;
    const points = 100 * (fresh.failed / fresh.requests - older.failed / older.requests);
    return points > maxErrorPoints || fresh.p99 > Math.max(quick, older.p99AtMost * maxP99Ratio);
  }

  /**
   * Whether the fresh ones are worse than is allowed, beyond what chance does in one of 100,000 looks (of 100 at how slow they are).
   *
   * @returns why, with the figures that decide it; undefined: not so far
   */
  findsWorse(fresh: Tally, older: Tally): string | undefined {
    const { maxErrorPoints, maxP99Ratio, minRequests } = this.allowed;
    if (older.requests < minRequests || fresh.requests === 0) return undefined;
    const chance = older.failed / older.requests + maxErrorPoints / 100;
    if (isBeyondChance(fresh.failed, fresh.requests, chance, 1e-5))
      return `${percent(fresh)} of ${fresh.requests} requests failed, of the old ones' ${older.requests} ${percent(older)} (maxErrorPoints ${maxErrorPoints})`;
    const limit = Math.max(quick, older.p99AtMost * maxP99Ratio);
    // Equal ones are far from the limit, which is that of ones as slow as is allowed: it takes less to be sure.
    const before = this.slower;
    this.slower = fresh.slowerThan(limit);
    if (!isBeyondChance(this.slower, fresh.requests, 0.01, 1e-2)) this.slow = 0;
    else if (this.slower > before) this.slow++;
    if (this.slow < looks) return undefined;
    return `the slowest hundredth of ${fresh.requests} answers took ${fresh.p99} ms or more, of the old ones' ${older.requests} ${older.p99} ms (maxP99Ratio ${maxP99Ratio})`;
  }
}

/** @returns for example 1.5 % */
export function percent({ requests, failed }: Pick<Figures, "requests" | "failed">): string {
  return `${requests === 0 ? 0 : Math.round((failed / requests) * 1000) / 10} %`;
}

/** Whether so many hits, or more, are less likely than `least`, where each of `count` has a chance. */
function isBeyondChance(hits: number, count: number, chance: number, least: number): boolean {
  if (chance >= 1 || hits / count <= chance) return false;
  if (chance <= 0) return hits > 0;
  // The binomial distribution's upper tail, from its first term on, each from the one before; terms shrink above the mean.
  let term = Math.exp(logChoose(count, hits) + hits * Math.log(chance) + (count - hits) * Math.log1p(-chance));
  let tail = 0;
  for (let k = hits; k <= count && term > 1e-12; k++) {
    tail += term;
    term *= ((count - k) / (k + 1)) * (chance / (1 - chance));
  }
  return tail < least;
}

function logChoose(count: number, hits: number): number {
  return logFactorial(count) - logFactorial(hits) - logFactorial(count - hits);
}

/** Stirling's series; exact enough from 0 on. */
function logFactorial(n: number): number {
  if (n < 2) return 0;
  return n * Math.log(n) - n + Math.log(2 * Math.PI * n) / 2 + 1 / (12 * n) - 1 / (360 * n ** 3);
}
