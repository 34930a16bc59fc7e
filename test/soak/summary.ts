import type { Result } from "../faults/table/result";
import { kinds, type Kind } from "./steps";

/** A step that was made, and what came of it. */
export interface Taken {
  readonly number: number;
  readonly kind: Kind;
  readonly name: string;
  readonly result: Result;
}

/** A soak, for the page of what was measured. */
export interface Soak {
  /** Of Docker's engine. */
  readonly version: string;
  readonly cores: number;
  readonly minutes: number;
  readonly seed: string;
  readonly summary: readonly Summary[];
  /** Steps after which something was not as it has to be: their numbers, what they were, and what it was. */
  readonly failed: readonly {
    readonly number: number;
    readonly name: string;
    readonly failures: readonly string[];
    /** What it was that had happened, and what was done since, where that is known. */
    readonly since?: string;
  }[];
}

/** What came of all steps of a kind, or of all. */
export interface Summary {
  readonly kind: Kind | "in all";
  readonly steps: number;
  readonly sent: number;
  readonly lost: number;
  /** The longest time in which an app gave no answer at one of the two ports, in milliseconds. */
  readonly longestGap: number;
  /** Steps after which something was not as it has to be. */
  readonly failed: number;
}

/** A row for each kind, and one for all. */
export function summaryOf(taken: readonly Taken[]): Summary[] {
  const row = (kind: Summary["kind"], own: readonly Taken[]): Summary => {
    const sum = (of: (result: Result) => number) => own.reduce((total, { result }) => total + of(result), 0);
    return {
      kind,
      steps: own.length,
      sent: sum(({ sent }) => sent),
      lost: sum(({ lost }) => lost),
      longestGap: Math.max(0, ...own.map(({ result }) => result.longestGap)),
      failed: sum(({ failures }) => Math.min(failures.length, 1)),
    };
  };
  return [
    ...kinds.map((kind) =>
      row(
        kind,
        taken.filter((step) => step.kind === kind),
      ),
    ),
    row("in all", taken),
  ];
}
