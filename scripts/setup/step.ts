import { SetupError } from "./error";

/** What a step may use while it runs. */
export interface StepContext {
  /** Aborted by Ctrl-C, with `Interrupted`. */
  readonly signal: AbortSignal;
  /** Says once what is being done now. */
  readonly note: (text: string) => void;
  /** Says how far it is; replaces the previous status. */
  readonly status: (text: string) => void;
}

/** One thing that set-up sees to. */
export interface Step {
  readonly name: string;
  /** Whether there is nothing to do; cheap, changes nothing, and false when it can't tell yet. */
  isDone(): Promise<boolean>;
  /** Does it, whole or not at all. Throws a `SetupError` that names cause and remedy. */
  run(context: StepContext): Promise<void>;
}

/** Where steps report to. */
export interface Reporter {
  begin(step: string): void;
  note(text: string): void;
  status(text: string): void;
  /** @param seconds what the step took */
  end(seconds: number): void;
}

/**
 * Runs the steps that are not done, in order. All are checked at once first; after one has run, those behind it are
 * checked again, since they may rest on it.
 *
 * @returns how many had something to do
 */
export async function runSteps(steps: readonly Step[], reporter: Reporter, signal: AbortSignal): Promise<number> {
  const done = await Promise.all(steps.map((step) => step.isDone()));
  let count = 0;
  for (const [index, step] of steps.entries()) {
    signal.throwIfAborted();
    const settled = count === 0 ? done[index] : await step.isDone();
    if (settled) continue;
    count += 1;
    const started = performance.now();
    reporter.begin(step.name);
    await step.run({
      signal,
      note: (text) => reporter.note(text),
      status: (text) => reporter.status(text),
    });
    if (!(await step.isDone())) {
      throw new SetupError(`${step.name}: nothing failed, but it is still not there`, "run set-up again");
    }
    reporter.end((performance.now() - started) / 1000);
  }
  return count;
}

/** Checks the steps, and changes nothing. Throws a `SetupError` that names those that are not done. */
export async function assertDone(steps: readonly Step[]): Promise<void> {
  const done = await Promise.all(steps.map((step) => step.isDone()));
  const missing = steps.filter((_, index) => !done[index]).map(({ name }) => name);
  if (missing.length > 0) throw new SetupError(`missing: ${missing.join(", ")}`, "npm run setup");
}
