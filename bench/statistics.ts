/** A figure measured several times. */
export interface Figure {
  readonly median: number;
  /** The smallest and the largest value: the spread. */
  readonly low: number;
  readonly high: number;
  /** How often it was measured. */
  readonly rounds: number;
}

/**
 * The middle one of the values, or the mean of the two in the middle.
 *
 * @throws RangeError for no values
 */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  if (upper === undefined || lower === undefined) throw new RangeError("values: got none, expected at least one");
  return (lower + upper) / 2;
}

/** Median and spread of the values. */
export function figureOf(values: readonly number[]): Figure {
  return { median: median(values), low: Math.min(...values), high: Math.max(...values), rounds: values.length };
}

/**
 * The ratio of two series that were measured in turn, taken round by round: what slows the machine down for a while
 * slows both sides of a pair.
 *
 * @throws RangeError for series of different lengths
 */
export function ratioOf(ours: readonly number[], other: readonly number[]): Figure {
  if (ours.length !== other.length)
    throw new RangeError(`series: got ${ours.length} and ${other.length} rounds, expected as many of both`);
  return figureOf(ours.map((value, round) => value / (other[round] as number)));
}
