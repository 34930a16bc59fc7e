import { canaryFile } from "../../model/layout";
import type { Canary } from "../../model/policies/canary";
import type { Log } from "../runtime/runtime";
import type { BalancerShell } from "../runtime/shell";
import { CanaryAborted, watchCanary, type CanaryStep, type Watched } from "./canary";

/** How a canary went, or goes; kept on the balancer's volume until the next one begins. */
export interface CanaryHistory {
  readonly app: string;
  /** When this was written, in ISO 8601. */
  readonly at: string;
  /** running, finished, promoted, or why it was aborted. */
  readonly outcome: string;
  readonly steps: readonly CanaryStep[];
}

/**
 * Watches a step of a canary, and keeps how it goes where `status` reads it.
 *
 * @param judged the steps before, to which this one is added
 * @throws as {@link watchCanary} does
 */
export async function judgeCanary(
  shell: BalancerShell,
  { policy, ...watched }: Watched & { readonly policy: Canary },
  judged: CanaryStep[],
  log: Log,
): Promise<CanaryStep & { readonly isPromoted: boolean }> {
  const note = async (outcome: string, ...last: CanaryStep[]) => {
    judged.push(...last);
    const history: CanaryHistory = { app: watched.app, at: new Date().toJSON(), outcome, steps: judged };
    await shell.write(canaryFile, `${JSON.stringify(history)}\n`);
  };
  await note("running");
  try {
    const { isPromoted, ...step } = await watchCanary(shell, watched, policy, log);
    await note(isPromoted ? "promoted" : watched.share === policy.steps.at(-1) ? "finished" : "running", step);
    return { isPromoted, ...step };
  } catch (error) {
    if (error instanceof CanaryAborted) await note(error.message, error.step);
    throw error;
  }
}
