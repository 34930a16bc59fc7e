import { messageOf } from "../lib/errors";
import { plan, type Operation, type Wanted } from "./plan";
import type { LastChange } from "./report";
import type { Log, Runtime } from "./runtime/runtime";
import { CanaryAborted, describeStep, type CanaryStep } from "./steps/canary";

/**
 * Brings a release in without losing a request, or fails with the live one as it was.
 *
 * @throws Error that names the cause: nginx's own words, or the backend with its last log lines
 */
export async function apply(wanted: Wanted, runtime: Runtime, log: Log): Promise<LastChange> {
  const seconds: Record<string, number> = {};
  const timed = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const start = performance.now();
    try {
      return await work();
    } finally {
      seconds[name] = Math.round(((seconds[name] ?? 0) + (performance.now() - start) / 1000) * 1000) / 1000;
    }
  };
  let observed = await timed("look", () => runtime.observe());
  const left = observed.volume.release?.canary;
  if (left !== undefined) {
    const cause = `the canary of ${left.app} at ${left.share} % was not brought to its end`;
    await timed("take back", () => runtime.perform({ op: "take back", cause }));
    observed = await timed("look", () => runtime.observe());
  }
  const { added, removed, operations } = plan(observed, wanted);
  let inFlight = { drainBegan: 0, drainEnded: 0 };
  const sick: string[] = [];
  const canary: CanaryStep[] = [];
  let isPromoted = false;
  // Between the first reload, or a balancer's end, and the public address's answer, going back is what a failure asks for.
  let begun = false;
  for (const operation of operations) {
    if (operation.op === "canary" && isPromoted) continue;
    if (["reload", "quit", "canary"].includes(operation.op)) begun = true;
    try {
      const result = await timed(stepName(operation), () => runtime.perform(operation));
      inFlight = result.inFlight ?? inFlight;
      if (result.canary !== undefined) {
        const { isPromoted: skips, ...step } = result.canary;
        canary.push(step);
        isPromoted = skips;
        log(`canary, ${describeStep(step)}${skips ? "; promoted" : ""}`);
      }
      for (const [server, why] of result.sick ?? []) {
        sick.push(server);
        log(`${server} does not answer (${why}), and did not before: the change goes on without it.`);
      }
    } catch (error) {
      if (begun) await putBack(runtime, error, log);
      if (operation.op === "canary" && error instanceof CanaryAborted) await retire(runtime, operation, wanted);
      throw error;
    }
    if (operation.op === "check") begun = false;
  }
  const { volume } = observed;
  return {
    at: new Date().toJSON(),
    configBefore: volume.intact ? (volume.release?.id ?? "none") : "none",
    configAfter: wanted.release.id,
    added,
    removed,
    sick,
    ...(canary.length > 0 && { canary }),
    seconds,
    inFlight,
  };
}

/** Ends the backends of a canary that was aborted, once no request can reach them any more. */
async function retire(runtime: Runtime, { fresh }: Operation & { op: "canary" }, { policy }: Wanted): Promise<void> {
  const cause = "the canary is aborted";
  const seconds = policy.drainSeconds;
  await runtime.perform({ op: "drain", seconds, cause });
  await runtime.perform({ op: "halt", containers: Object.values(fresh), seconds, cause });
}

async function putBack(runtime: Runtime, cause: unknown, log: Log): Promise<void> {
  log("putting the previous configuration back");
  await runtime.putBack().catch((error: unknown) => {
    throw new Error(
      `${messageOf(cause)}\nThe previous configuration could not be put back: ${messageOf(error)}\nRun \`pulumi up\` again.`,
    );
  });
}

/** The name under which a step's seconds are reported. */
function stepName(operation: Operation): string {
  if (operation.op === "reload") return operation.step;
  if (operation.op === "remove unused") return "clean up";
  return ["join", "try", "install", "open", "publish", "serve", "await", "quit", "close"].includes(operation.op)
    ? "balancer"
    : operation.op;
}
