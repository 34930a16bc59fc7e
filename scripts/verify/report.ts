import { lostOf, type Account, type Loss } from "../load/books";
import { formatTable } from "../table";
import { noneExcusable, postProfile } from "./steps";

/** What became of a step. Times of requests are in milliseconds. */
export interface StepResult {
  readonly step: string;
  readonly seconds: number;
  readonly sent: number;
  readonly answered: number;
  /** Requests that were to be answered and weren't. */
  readonly lost: number;
  /** POSTs that the killed backend had already received: nobody may repeat them. Zero in all other steps. */
  readonly excused: number;
  /** Other answers that the killed backend had begun: nobody can take back what has come of them. Zero in all other steps. */
  readonly truncated: number;
  /** Requests that went once more, as HTTP/2 lets clients do where the server says that it has not processed them: no losses. */
  readonly movedOn: number;
  /** TLS handshakes, in full and those that resumed a session. */
  readonly fullHandshakes: number;
  readonly resumedHandshakes: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Why the step did not do what it should. */
  readonly problem?: string;
  /** The first losses; `at` counts from the step's begin. */
  readonly losses: readonly Loss[];
}

/** The whole run. */
export interface Report {
  readonly stack: string;
  readonly url: string;
  /** Whether every step did what it should, and nothing was lost. */
  readonly ok: boolean;
  readonly steps: readonly StepResult[];
  /** What went wrong, a sentence each; empty when `ok`. */
  readonly problems: readonly string[];
  /** What else there is to know, a sentence each. */
  readonly notes: readonly string[];
}

/**
 * A step's result from its books.
 *
 * @param excusable how many losses are not held against the step
 */
export function resultOf(step: string, seconds: number, account: Account, excusable = noneExcusable): StepResult {
  const { [postProfile]: posts, ...others } = account.byProfile;
  const excused = Math.min(posts === undefined ? 0 : lostOf(posts), excusable.posts);
  const begun = Object.values(others).reduce((sum, tally) => sum + tally.truncated, 0);
  const truncated = Math.min(begun, excusable.truncated);
  const { sent, answered, movedOn, fullHandshakes, resumedHandshakes, p50, p99, max } = account;
  const lost = account.lost - excused - truncated;
  const counts = { sent, answered, lost, excused, truncated, movedOn, fullHandshakes, resumedHandshakes };
  return { step, seconds, ...counts, p50, p99, max, losses: account.losses };
}

/** Judges a run. `problems` are those that belong to no step. */
export function reportOf(run: Omit<Report, "ok">): Report {
  const problems = [...run.steps.flatMap(problemsOf), ...run.problems];
  return { ...run, problems, ok: problems.length === 0 };
}

function problemsOf({ step, sent, lost, problem }: StepResult): string[] {
  return [
    ...(problem === undefined ? [] : [`${step}: ${problem}`]),
    ...(lost > 0 ? [`${step}: ${lost} of ${sent} requests lost`] : []),
    ...(sent === 0 ? [`${step}: no request was sent, so nothing is proven`] : []),
  ];
}

const columns = ["step", "seconds", "sent", "answered", "lost", "p50 ms", "p99 ms", "max ms"];

/** How many losses are shown. */
const shownLosses = 10;

/** The run as a table and sentences. */
export function formatReport({ steps, problems, notes, ok }: Report): string {
  const rows = steps.map((result) => [
    result.step,
    round(result.seconds),
    result.sent,
    result.answered,
    result.lost,
    ...[result.p50, result.p99, result.max].map(round),
  ]);
  const losses = steps
    .filter(({ lost }) => lost > 0)
    .flatMap(({ step, losses }) =>
      losses.map(({ at, profile, reason }) => `  ${step}, after ${(at / 1000).toFixed(1)} s, ${profile}: ${reason}`),
    );
  const sum = (count: (result: StepResult) => number) => steps.reduce((total, result) => total + count(result), 0);
  const [full, resumed] = [sum((result) => result.fullHandshakes), sum((result) => result.resumedHandshakes)];
  const movedOn = sum((result) => result.movedOn);
  return [
    formatTable(columns, rows),
    ...(full > 0 ? [`TLS handshakes: ${full} in full, ${resumed} resumed.`] : []),
    ...(movedOn > 0 ? [`Sent once more, as HTTP/2 has it for what was not processed: ${movedOn}.`] : []),
    ...steps.flatMap(({ step, excused, truncated }) => [
      ...(excused > 0 ? [`${step}: POSTs not counted, since the killed backend had them: ${excused}.`] : []),
      ...(truncated > 0
        ? [`${step}: answers not counted, since the killed backend had begun them: ${truncated}.`]
        : []),
    ]),
    ...notes,
    ...(losses.length > 0 ? ["The first losses:", ...losses.slice(0, shownLosses)] : []),
    ...(ok
      ? [`Verified: ${sum(({ lost }) => lost)} of ${sum(({ sent }) => sent)} requests lost.`]
      : ["Not verified:", ...problems.map((problem) => `  ${problem.replaceAll("\n", "\n  ")}`)]),
  ].join("\n");
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
