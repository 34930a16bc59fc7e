import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { Interrupted } from "./error";

export interface CommandOptions {
  readonly cwd?: string;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds until the command and its children are ended. Default: no limit. */
  readonly timeoutMs?: number;
  /** Ends the command and its children, and rejects with `Interrupted`. */
  readonly signal?: AbortSignal;
  /** Called with each line of standard output and standard error. */
  readonly onLine?: (line: string) => void;
}

export interface CommandResult {
  readonly outcome: "succeeded" | "failed" | "timed out" | "not found";
  readonly stdout: string;
  /** The last lines of standard error, or of standard output where there are none. */
  readonly lastWords: string;
}

/** Runs a program to its end. Failure is a result, not an exception. */
export type Run = (file: string, args: readonly string[], options?: CommandOptions) => Promise<CommandResult>;

const keptErrorLines = 12;
const killAfterMs = 10_000;

export const run: Run = (file, args, options = {}) =>
  new Promise((resolve, reject) => {
    const { cwd, env, timeoutMs, signal, onLine } = options;
    if (signal?.aborted) {
      reject(new Interrupted());
      return;
    }

    // A process group of its own, so that compilers and chroots below the command end with it.
    const child = spawn(file, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });

    const stdout: string[] = [];
    const stderr: string[] = [];
    createInterface({ input: child.stdout }).on("line", (line) => {
      stdout.push(line);
      onLine?.(line);
    });
    createInterface({ input: child.stderr }).on("line", (line) => {
      stderr.push(line);
      if (stderr.length > keptErrorLines) stderr.shift();
      onLine?.(line);
    });

    let timedOut = false;
    const timers: NodeJS.Timeout[] = [];
    const end = () => {
      kill(child.pid, "SIGTERM");
      timers.push(setTimeout(() => kill(child.pid, "SIGKILL"), killAfterMs));
    };
    if (timeoutMs !== undefined) {
      timers.push(
        setTimeout(() => {
          timedOut = true;
          end();
        }, timeoutMs),
      );
    }
    signal?.addEventListener("abort", end);

    const finish = (outcome: CommandResult["outcome"]) => {
      timers.forEach(clearTimeout);
      signal?.removeEventListener("abort", end);
      if (signal?.aborted) {
        reject(new Interrupted());
        return;
      }
      const words = stderr.length > 0 ? stderr : stdout.slice(-keptErrorLines);
      resolve({ outcome, stdout: stdout.join("\n"), lastWords: words.join("\n") });
    };
    child.on("error", () => finish("not found"));
    child.on("close", (code) => finish(timedOut ? "timed out" : code === 0 ? "succeeded" : "failed"));
  });

function kill(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It ended meanwhile.
  }
}
