import { messageOf } from "../lib/errors";
import { plan, type Operation, type Wanted } from "./plan";
import type { LastChange } from "./report";
import type { Log, Runtime } from "./runtime/runtime";

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
  const observed = await timed("look", () => runtime.observe());
  const { added, removed, operations } = plan(observed, wanted);
  let inFlight = { drainBegan: 0, drainEnded: 0 };
  const sick: string[] = [];
  // Between the first reload, or a balancer's end, and the public address's answer, going back is what a failure asks for.
  let begun = false;
  for (const operation of operations) {
    if (operation.op === "reload" || operation.op === "quit") begun = true;
    try {
      const result = await timed(stepName(operation), () => runtime.perform(operation));
      inFlight = result.inFlight ?? inFlight;
      for (const [server, why] of result.sick ?? []) {
        sick.push(server);
        log(`${server} does not answer (${why}), and did not before: the change goes on without it.`);
      }
    } catch (error) {
      if (begun) await putBack(runtime, error, log);
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
    seconds,
    inFlight,
  };
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
