import { open, readFile } from "node:fs/promises";
import { start } from "../../lib/process";
import { projectRoot, pulumiBinary, pulumiEnv } from "../setup/project";

/** How a run of the engine ended. */
export interface EngineRun {
  /** Undefined when it was killed. */
  readonly code?: number | undefined;
  /** Both streams. */
  readonly output: string;
  /**
   * Whether a signal ended it, be it that it had to be killed, or that it was asked to end before it listens for that: its
   * lock on the stack is then still there.
   */
  readonly killed: boolean;
}

/** How long the engine may take to end in order once it was asked to. */
const orderlyEndMilliseconds = 60_000;

/**
 * Runs the engine without a terminal.
 *
 * @param logFile where its output goes
 * @param signal asks it to end when aborted; the run then still waits for its end
 */
export async function runQuietly(args: readonly string[], logFile: string, signal?: AbortSignal): Promise<EngineRun> {
  const log = await open(logFile, "a");
  const options = { cwd: projectRoot, env: pulumiEnv(), logTo: log.fd };
  const engine = start(pulumiBinary(), [...args, "--non-interactive", "--color", "never"], options);
  let timer: NodeJS.Timeout | undefined;
  const end = () => {
    engine.kill("SIGINT");
    timer = setTimeout(() => engine.killAll("SIGKILL"), orderlyEndMilliseconds);
  };
  if (signal?.aborted) end();
  signal?.addEventListener("abort", end, { once: true });
  const { code } = await engine.ended;
  clearTimeout(timer);
  signal?.removeEventListener("abort", end);
  await log.close();
  return { code, output: await readFile(logFile, "utf8"), killed: code === undefined };
}
