import { median, type Figure } from "./statistics";

/** How much is measured. */
export interface Scale {
  /** How often each side of a ratio is measured, at least 1. */
  readonly rounds: number;
  /** Only shows that the part works: the shortest loads, the smallest pools. */
  readonly tiny: boolean;
}

export interface PartContext extends Scale {
  /** Says how far it is; replaces the previous status. */
  status(text: string): void;
  /** Says what a reader of the results has to know. */
  note(text: string): void;
  /** Aborted by Ctrl-C: the part cleans up, and rejects. */
  readonly signal: AbortSignal;
}

/** What a ratio has to reach. */
export type Goal = { readonly atLeast: number } | { readonly atMost: number };

/** One line of the results: one series over another. */
export interface Ratio {
  /** Of all results unique. */
  readonly name: string;
  /** What is compared with what. */
  readonly what: string;
  /** The series: first the one that is judged, then the one it is compared with. */
  readonly over: readonly [ours: string, other: string];
  /** Unit of both series, for example "requests/s". */
  readonly unit: string;
  /** Default: none, it is only stated. */
  readonly goal?: Goal;
}

/** Values of each series, one for each round. */
export type Series = Readonly<Record<string, readonly number[]>>;

/** What is measured together, since it shares containers, and can be asked for by name. */
export interface Part {
  readonly name: string;
  readonly title: string;
  readonly ratios: readonly Ratio[];
  /** How long it takes about, in seconds. */
  estimate(scale: Scale): number;
  /** Measures all series that the ratios name, side after side and round after round, and leaves nothing behind. */
  run(context: PartContext): Promise<Series>;
}

/** A ratio as it was measured. */
export interface Result {
  readonly name: string;
  readonly what: string;
  readonly unit: string;
  readonly goal?: Goal;
  /** Undefined where there is no goal. */
  readonly met?: boolean;
  readonly ratio: Figure;
  readonly ours: Figure;
  readonly other: Figure;
}

/**
 * Measures sides in turn: a round goes through all of them, and each round begins with another one. Every other turn goes
 * backwards, so that no side always comes after the same one.
 *
 * @param measure gives the values that one turn of a side adds, by series
 * @param turns how often a round goes through the sides; what counts is the median of a round's turns. For short loads,
 *   which a moment's hiccup of the machine would spoil.
 */
export async function interleave<Side extends string>(
  sides: readonly Side[],
  { rounds, status, signal }: PartContext,
  measure: (side: Side, round: number) => Promise<Readonly<Record<string, number>>>,
  turns = 1,
): Promise<Series> {
  const series: Record<string, number[]> = {};
  for (let round = 0; round < rounds; round++) {
    const values: Record<string, number[]> = {};
    const forwards = sides.map((_, at) => sides[(at + round) % sides.length] as Side);
    for (let turn = 0; turn < turns; turn++) {
      for (const side of turn % 2 === 0 ? forwards : [...forwards].reverse()) {
        signal.throwIfAborted();
        status(`round ${round + 1} of ${rounds}: ${side}`);
        for (const [name, value] of Object.entries(await measure(side, round))) (values[name] ??= []).push(value);
      }
    }
    for (const [name, ofTurns] of Object.entries(values)) (series[name] ??= []).push(median(ofTurns));
  }
  return series;
}
