import { describeStep, type CanaryStep } from "./steps/canary";

/** What the last change of the balancer's configuration did; the stack's output `lastChange`. Times are in seconds. */
export interface LastChange {
  /** When it ended, in ISO 8601. */
  readonly at: string;
  /** Id of the release before, or "none". */
  readonly configBefore: string;
  readonly configAfter: string;
  /** Backends that were added and removed, by alias. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** Backends that served before and do not answer any more: the change has gone on without them. */
  readonly sick: readonly string[];
  /** The steps of a canary, if there was one. */
  readonly canary?: readonly CanaryStep[];
  /** How long each step took, in the order in which they were taken. */
  readonly seconds: Readonly<Record<string, number>>;
  /** Requests that workers of older configurations had in flight when the drain began and when it ended. */
  readonly inFlight: { readonly drainBegan: number; readonly drainEnded: number };
}

/** The report that ends an `up`. */
export function formatChange(change: LastChange): string {
  const { added, removed, inFlight } = change;
  const steps = Object.entries(change.seconds).map(([step, seconds]) => `${step} ${seconds.toFixed(2)} s`);
  const list = (sign: string, hosts: readonly string[]) =>
    hosts.length === 0
      ? []
      : [`  ${sign}${hosts.length}: ${hosts.slice(0, 12).join(", ")}${hosts.length > 12 ? ", ..." : ""}`];
  return [
    change.configBefore === change.configAfter
      ? `balancer: configuration ${change.configAfter} serves`
      : `balancer: configuration ${change.configBefore} -> ${change.configAfter}`,
    ...list("+", added),
    ...list("-", removed),
    ...(change.canary ?? []).map((step) => `  canary ${describeStep(step)}`),
    `  ${steps.join(", ")}`,
    ...(removed.length > 0
      ? [`  requests in flight: ${inFlight.drainBegan} as the drain began, ${inFlight.drainEnded} at its end`]
      : []),
  ].join("\n");
}
