import { spawn } from "node:child_process";
import { open, readFile } from "node:fs/promises";
import { projectRoot, pulumiBinary, pulumiEnv } from "../setup/project";

/** How a run of the engine ended. */
export interface EngineRun {
  readonly code: number | null;
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
 * Runs the engine in a process group of its own: Ctrl-C in the terminal doesn't reach it, so that it can be asked to end
 * in order, and never twice.
 *
 * @param logFile where its output goes
 * @param signal asks it to end when aborted; the run then still waits for its end
 */
export async function runQuietly(args: readonly string[], logFile: string, signal?: AbortSignal): Promise<EngineRun> {
  const log = await open(logFile, "a");
  try {
    const child = spawn(pulumiBinary(), [...args, "--non-interactive", "--color", "never"], {
      cwd: projectRoot,
      env: { ...process.env, ...pulumiEnv() },
      stdio: ["ignore", log.fd, log.fd],
      detached: true,
    });
    let timer: NodeJS.Timeout | undefined;
    const end = () => {
      child.kill("SIGINT");
      timer = setTimeout(() => {
        if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
      }, orderlyEndMilliseconds);
    };
    if (signal?.aborted) end();
    signal?.addEventListener("abort", end, { once: true });
    try {
      const code = await new Promise<number | null>((resolve, reject) => child.on("exit", resolve).on("error", reject));
      return { code, output: await readFile(logFile, "utf8"), killed: code === null };
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
    }
  } finally {
    await log.close();
  }
}
