import { messageOf } from "../lib/errors";
import type { Entry } from "../model/history";
import type { RecordedRelease } from "../model/record";
import { plan, type Operation, type Plan, type Wanted } from "./plan";
import type { LastChange } from "./report";
import type { Log, Runtime } from "./runtime/runtime";
import { CanaryAborted, describeStep, type CanaryStep } from "./steps/canary";

/** How a change has ended, for its history. */
export interface Ending {
  readonly result: Entry["result"];
  /** What it failed for. */
  readonly failure?: string;
  readonly change: LastChange;
  /** What the volume held before. */
  readonly before: RecordedRelease | undefined;
}

/**
 * Brings a release in without losing a request, or fails with the live one as it was.
 *
 * @param keep is told how it has ended, while nobody else changes the balancer; throws nothing
 * @throws Error that names the cause: nginx's own words, or the backend with its last log lines
 */
export async function apply(
  wanted: Wanted,
  runtime: Runtime,
  log: Log,
  keep: (ending: Ending) => Promise<void> = () => Promise.resolve(),
): Promise<LastChange> {
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
  let planned: Pick<Plan, "added" | "removed"> = { added: [], removed: [] };
  let inFlight = { drainBegan: 0, drainEnded: 0 };
  const sick: string[] = [];
  const canary: CanaryStep[] = [];
  const ended = (): Pick<Ending, "change" | "before"> => {
    const { intact, release } = observed.volume;
    const change = {
      at: new Date().toJSON(),
      configBefore: intact ? (release?.id ?? "none") : "none",
      configAfter: wanted.release.id,
      added: planned.added,
      removed: planned.removed,
      sick,
      ...(canary.length > 0 && { canary }),
      seconds,
      inFlight,
    };
    return { change, before: intact ? release : undefined };
  };
  // Between the first reload, or a balancer's end, and the public address's answer, going back is what a failure asks for.
  let begun = false;
  let result: Entry["result"] = "failed";
  try {
    const left = observed.volume.release?.canary;
    if (left !== undefined) {
      const cause = `the canary of ${left.app} at ${left.share} % was not brought to its end`;
      await timed("take back", () => runtime.perform({ op: "take back", cause }));
      observed = await timed("look", () => runtime.observe());
    }
    const { operations, ...sets } = plan(observed, wanted);
    planned = sets;
    let isPromoted = false;
    for (const operation of operations) {
      if (operation.op === "canary" && isPromoted) continue;
      if (["reload", "quit", "canary"].includes(operation.op)) begun = true;
      try {
        await runtime.tell(stepName(operation));
        const told = await timed(stepName(operation), () => runtime.perform(operation));
        inFlight = told.inFlight ?? inFlight;
        if (told.canary !== undefined) {
          const { isPromoted: skips, ...step } = told.canary;
          canary.push(step);
          isPromoted = skips;
          log(`canary, ${describeStep(step)}${skips ? "; promoted" : ""}`);
        }
        for (const [server, why] of told.sick ?? []) {
          sick.push(server);
          log(`${server} does not answer (${why}), and did not before: the change goes on without it.`);
        }
      } catch (error) {
        if (error instanceof CanaryAborted) canary.push(error.step);
        if (begun) {
          await putBack(runtime, error, log);
          result = "put back";
        }
        if (operation.op === "canary" && error instanceof CanaryAborted) await retire(runtime, operation, wanted);
        throw error;
      }
      if (operation.op === "check") begun = false;
    }
  } catch (error) {
    await keep({ ...ended(), result, failure: messageOf(error) });
    throw error;
  }
  const ending = ended();
  await keep({ ...ending, result: "done" });
  return ending.change;
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
