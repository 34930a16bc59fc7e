import { kinds, methods, type Allowance, type Fault, type Group, type Kind, type Method } from "./fault";
import type { Stretch } from "./load";

/** Losses by kind; a kind that did not occur is missing. */
export type Losses = Readonly<Partial<Record<Kind, number>>>;

/** What came of a fault, in one round or in several. */
export interface Result {
  readonly group: Group;
  readonly name: string;
  readonly rounds: number;
  readonly sent: number;
  readonly lost: number;
  readonly GET: Losses;
  readonly POST: Losses;
  /** The longest time without an answer of an app's at a port, and the longest that an answer took, in milliseconds. */
  readonly longestGap: number;
  readonly max: number;
  /** What made it whole: "alone", "up", "up --refresh"; "not at all". */
  readonly healed: string;
  /** How long that took from the fault on, in seconds. */
  readonly seconds: number;
  /** What else was to be seen, a sentence each. */
  readonly beside?: readonly string[];
  /** What `status` said meanwhile, and the first line of the balancer's log that tells of it. */
  readonly status: readonly string[];
  readonly log: string;
  /** Why requests were lost, with how often; the most frequent ones first. */
  readonly reasons: Readonly<Record<string, number>>;
  /** What was not as it has to be, a sentence each; empty when all was. */
  readonly failures: readonly string[];
}

/** Why a fault was left out on an engine. */
export interface LeftOut extends Pick<Result, "group" | "name"> {
  readonly leftOut: string;
}

export type Row = Result | LeftOut;

export function isResult(row: Row): row is Result {
  return !("leftOut" in row);
}

export function lossesOf({ byProfile }: Pick<Stretch, "byProfile">): Record<Method, Losses> {
  const of = (method: Method): Losses => {
    const tallies = Object.entries(byProfile).flatMap(([name, tally]) =>
      name.startsWith(`${method} `) ? [tally] : [],
    );
    const counts = kinds.map((kind) => [kind, tallies.reduce((sum, tally) => sum + tally[kind], 0)] as const);
    return Object.fromEntries(counts.filter(([, count]) => count > 0));
  };
  return { GET: of("GET"), POST: of("POST") };
}

/** What of the losses may not be, a sentence each. */
export function judge(stretch: Stretch, allowed: Allowance | undefined): string[] {
  const losses = lossesOf(stretch);
  const forbidden = methods.flatMap((method) =>
    kinds.flatMap((kind) => {
      const count = losses[method][kind] ?? 0;
      return count === 0 || allowed?.[method]?.includes(kind) === true ? [] : [`${count} ${method} ${kind}`];
    }),
  );
  const misrouted = Object.entries(stretch.byReason).filter(([reason]) => reason.includes("misrouted"));
  const most = allowed?.most ?? Infinity;
  const why = Object.entries(stretch.byReason).map(([reason, count]) => `${count} ${reason}`);
  return [
    ...(forbidden.length > 0 ? [`lost, and may not be: ${forbidden.join(", ")} (${why.join("; ")})`] : []),
    ...misrouted.map(([reason, count]) => `${count} ${reason}`),
    ...(forbidden.length === 0 && stretch.lost > most
      ? [`${stretch.lost} lost, where at most ${most} may be (${why.join("; ")})`]
      : []),
  ];
}

/** Several rounds of a fault as one: counts are added, times are the longest. */
export function together([first, ...others]: readonly [Result, ...Result[]]): Result {
  return others.reduce<Result>(
    (sum, next) => ({
      ...sum,
      rounds: sum.rounds + next.rounds,
      sent: sum.sent + next.sent,
      lost: sum.lost + next.lost,
      GET: added(sum.GET, next.GET),
      POST: added(sum.POST, next.POST),
      longestGap: Math.max(sum.longestGap, next.longestGap),
      max: Math.max(sum.max, next.max),
      healed: sum.healed === next.healed ? sum.healed : `${sum.healed}, ${next.healed}`,
      seconds: Math.max(sum.seconds, next.seconds),
      beside: [...new Set([...(sum.beside ?? []), ...(next.beside ?? [])])],
      status: [...new Set([...sum.status, ...next.status])],
      log: sum.log === "" ? next.log : sum.log,
      reasons: added(sum.reasons, next.reasons),
      failures: [...new Set([...sum.failures, ...next.failures])],
    }),
    first,
  );
}

function added<T extends Readonly<Partial<Record<string, number>>>>(a: T, b: T): T {
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return Object.fromEntries(keys.map((key) => [key, (a[key] ?? 0) + (b[key] ?? 0)])) as T;
}

/** Of all rows, the newest of each fault, in the order of the faults; one that is no fault any more is left out. */
export function merge(
  before: readonly Row[],
  now: readonly Row[],
  faults: readonly Pick<Fault, "group" | "name">[],
): Row[] {
  const find = (rows: readonly Row[], { group, name }: Pick<Fault, "group" | "name">) =>
    rows.find((row) => row.group === group && row.name === name);
  return faults.flatMap((fault) => find(now, fault) ?? find(before, fault) ?? []);
}
