import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** How a program is started. */
export interface StartOptions {
  readonly cwd?: string;
  /** Added to this process's environment; undefined takes a variable out. */
  readonly env?: NodeJS.ProcessEnv;
  /** What it reads on standard input. Default: nothing. */
  readonly input?: string;
  /** Called with each line of both streams. */
  readonly onLine?: ((line: string) => void) | undefined;
  /** Takes both streams instead of the result. */
  readonly logTo?: number;
}

/** How a program ended. */
export interface Ended {
  /** Undefined when a signal ended it, or it could not be started. */
  readonly code: number | undefined;
  /** "not found" also stands for a program that may not be executed. */
  readonly outcome: "succeeded" | "failed" | "timed out" | "not found";
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that runs. */
export interface Started {
  /** Undefined when it could not be started. */
  readonly pid: number | undefined;
  /** What it has printed so far: both streams, as they came. */
  output(): string;
  hasEnded(): boolean;
  /** Sends a signal to the program alone; without effect once it has ended. */
  kill(signal: NodeJS.Signals): void;
  /** The same to all that it has started in turn, compilers and chroots, too. */
  killAll(signal: NodeJS.Signals): void;
  /** Lets this program end before it. */
  unref(): void;
  /** Never rejects. */
  readonly ended: Promise<Ended>;
}

export interface RunOptions extends StartOptions {
  /** Ends the program and its children after so long. Default: no limit. */
  readonly timeoutSeconds?: number;
  /** Ends the program and its children; the run then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Runs a program to its end. Failure is a result, not an exception. */
export type Run = (file: string, args: readonly string[], options?: RunOptions) => Promise<Ended>;

/** From SIGTERM to SIGKILL. */
const graceMilliseconds = 10_000;

/**
 * Starts a program in a process group of its own: Ctrl-C in a terminal doesn't reach it, so that it is asked to end in
 * order, and never twice.
 */
export function start(file: string, args: readonly string[], options: StartOptions = {}): Started {
  const { cwd, env, input, onLine, logTo } = options;
  const child = spawn(file, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: [input === undefined ? "ignore" : "pipe", logTo ?? "pipe", logTo ?? "pipe"],
    detached: true,
  });
  const printed = { stdout: "", stderr: "", both: "" };
  for (const name of ["stdout", "stderr"] as const) {
    const stream = child[name];
    stream?.setEncoding("utf8").on("data", (text: string) => {
      printed[name] += text;
      printed.both += text;
    });
    if (stream && onLine) createInterface({ input: stream }).on("line", onLine);
  }
  child.stdin?.on("error", () => undefined); // it ended before it had read all, and how it ended is told
  child.stdin?.end(input);

  const ended = new Promise<Ended>((resolve) => {
    const end = (outcome: Ended["outcome"], code?: number) =>
      resolve({ outcome, code, stdout: printed.stdout, stderr: printed.stderr });
    child.on("error", (error) => {
      printed.stderr += error.message;
      end("not found");
    });
    child.on("close", (code) => end(code === 0 ? "succeeded" : "failed", code ?? undefined));
  });
  return {
    pid: child.pid,
    output: () => printed.both,
    hasEnded: () => child.pid === undefined || child.exitCode !== null || child.signalCode !== null,
    kill: (signal) => void child.kill(signal),
    unref: () => child.unref(),
    killAll: (signal) => {
      if (child.pid !== undefined) tryKill(-child.pid, signal);
    },
    ended,
  };
}

/** See `Run`. */
export const run: Run = async (file, args, options = {}) => {
  const { timeoutSeconds, signal } = options;
  signal?.throwIfAborted();
  const started = start(file, args, options);
  const timers: NodeJS.Timeout[] = [];
  let timedOut = false as boolean; // the timer sets it
  const end = () => {
    started.killAll("SIGTERM");
    timers.push(setTimeout(() => started.killAll("SIGKILL"), graceMilliseconds));
  };
  const giveUp = () => {
    timedOut = true;
    end();
  };
  if (timeoutSeconds !== undefined) timers.push(setTimeout(giveUp, timeoutSeconds * 1000));
  signal?.addEventListener("abort", end);
  const result = await started.ended;
  timers.forEach(clearTimeout);
  signal?.removeEventListener("abort", end);
  signal?.throwIfAborted();
  return timedOut ? { ...result, outcome: "timed out" } : result;
};

/**
 * Runs a program in the foreground, with this one's terminal. Ctrl-C reaches both; this one ends after it.
 *
 * @returns its exit code, 130 after a signal
 * @throws Error when it can't be started
 */
export async function runInForeground(
  file: string,
  args: readonly string[],
  { cwd, env }: Pick<StartOptions, "cwd" | "env"> = {},
): Promise<number> {
  const child = spawn(file, args, { cwd, env: { ...process.env, ...env }, stdio: "inherit" });
  const wait = () => undefined;
  process.on("SIGINT", wait);
  try {
    const ended = (resolve: (code: number | null) => void, reject: (error: Error) => void) =>
      child.on("exit", resolve).on("error", reject);
    return (await new Promise(ended)) ?? 130;
  } finally {
    process.off("SIGINT", wait);
  }
}

/** What a program said at last: the last lines of standard error, or of standard output where there are none. */
export function lastWords({ stdout, stderr }: Pick<Ended, "stdout" | "stderr">, lines = 12): string {
  return (stderr.trim() ? stderr : stdout).trimEnd().split("\n").slice(-lines).join("\n");
}

/** Sends a signal, if there is still somebody to get it. */
export function tryKill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it has ended meanwhile
  }
}
