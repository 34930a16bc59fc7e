import { canaryFile, canaryOrder } from "../../model/layout";
import type { Canary } from "../../model/policies/canary";
import type { Asker } from "../runtime/runtime";
import type { BalancerShell } from "../runtime/shell";
import { writeWhole } from "./volume";
import { CanaryAborted, watchCanary, type CanaryStep, type Watched } from "./canary";

const running = "running";

/** How a canary went, or goes; kept on the balancer's volume until the next one begins. */
export interface CanaryHistory {
  readonly app: string;
  /** When this was written, in ISO 8601. */
  readonly at: string;
  /** running, finished, promoted, or why it was brought to no such end. */
  readonly outcome: string;
  readonly steps: readonly CanaryStep[];
}

/** Reads what {@link judgeCanary} has kept; undefined for anything else: the volume is open to edits. */
export function readHistory(text: string): CanaryHistory | undefined {
  try {
    return JSON.parse(text) as CanaryHistory;
  } catch {
    return undefined;
  }
}

/** Notes how a canary has ended that is still said to run. */
export async function endHistory(shell: BalancerShell, outcome: string): Promise<void> {
  const history = readHistory((await shell.run(`cat ${canaryFile}`)).output);
  if (history?.outcome === running) await keep(shell, { ...history, outcome });
}

async function keep(shell: BalancerShell, history: CanaryHistory): Promise<void> {
  await writeWhole(shell, canaryFile, `${JSON.stringify(history)}\n`);
}

/**
 * Goes a step of a canary, and keeps how it goes where `status` reads it. Orders are obeyed from when the first share is given.
 *
 * @param judged the steps before, to which this one is added
 * @param giveShare gives the fresh backends their share of the requests
 * @throws as {@link watchCanary} and `giveShare` do
 */
export async function judgeCanary(
  shell: BalancerShell,
  { policy, ...watched }: Watched & { readonly policy: Canary },
  judged: CanaryStep[],
  asker: Asker,
  giveShare: () => Promise<void>,
): Promise<CanaryStep & { readonly isPromoted: boolean }> {
  const note = async (outcome: string, ...last: CanaryStep[]) => {
    judged.push(...last);
    await keep(shell, { app: watched.app, at: new Date().toJSON(), outcome, steps: judged });
  };
  // What was ordered too late for the canary before is not for this one.
  if (judged.length === 0) await shell.read(`rm -f ${canaryOrder}`);
  await giveShare();
  await note(running);
  try {
    const { isPromoted, ...step } = await watchCanary(shell, watched, policy, asker);
    await note(isPromoted ? "promoted" : watched.share === policy.steps.at(-1) ? "finished" : running, step);
    return { isPromoted, ...step };
  } catch (error) {
    if (error instanceof CanaryAborted) await note(error.message, error.step);
    throw error;
  }
}
