import { setTimeout as pause } from "node:timers/promises";
import { run } from "../lib/process";
import { listContainers } from "./containers";
import { docker, lastLogLines } from "./docker";
import type { Asker, Log } from "./runtime/runtime";
import { indent } from "./steps/context";
import { limitProcesses } from "./steps/processes";

/** What is to be run before an app's new backends are made. */
export interface Preparation {
  readonly app: string;
  /** The release that it is for. */
  readonly hash: string;
  /** Id of the container that runs it, and that nobody has started. */
  readonly container: string;
  /** Value of the label that all containers of the stack carry. */
  readonly stack: string;
}

/** Releases of an app that are remembered. */
const remembered = 100;
/** Between two lines that say that it still runs, in seconds. */
const saySeconds = 10;

/**
 * Runs the command of a release, unless it has run. Three things tell that it has: the engine's state; a container of that release
 * that has ended well, where the update was killed before the state was written; and one that still runs, which is waited for. One
 * that failed, or that was cut off, is run again.
 *
 * @param ran the releases for which it has run, newest first, as the engine's state has them
 * @returns the same with this one
 * @throws Error with the end of its log where it fails
 */
export async function runBeforeSwitch(
  { app, hash, container, stack }: Preparation,
  ran: readonly string[],
  { log, isLeft }: Asker,
): Promise<string[]> {
  const done = [hash, ...ran.filter((other) => other !== hash)].slice(0, remembered);
  const say = (text: string) => log(`beforeSwitch of ${app}: ${text}`);
  const own = (await listContainers(stack)).filter((one) => one.role === "before-switch" && one.app === app);
  let runner: string | undefined;
  for (const one of own) {
    // Two at once, or half of one, is what no database is made for.
    if (!isOver(await outcomeOf(one.id))) say(`${one.name} still runs, of an update that was killed; waiting for it`);
    const ended = await untilOver(one.id, one.name, app, log);
    if (one.hash === hash && isSuccess(ended)) runner ??= one.name;
  }
  if (ran.includes(hash)) {
    say("has run for this release before");
    return done;
  }
  if (runner !== undefined) {
    say(`has run for this release, in ${runner}`);
    return done;
  }
  // One that was left while it waited would begin beside the next update's.
  if (isLeft()) throw new Error(`beforeSwitch of ${app}: the update was interrupted; the next one runs it.`);
  await limitProcesses([container], log);
  await docker("start", container);
  const began = performance.now();
  const outcome = await untilOver(container, nameIn(own, container), app, log, true);
  const seconds = Math.round((performance.now() - began) / 1000);
  if (!isSuccess(outcome)) throw new Error(await failureOf(app, container, outcome, seconds));
  say(`done in ${seconds} s`);
  return done;
}

function nameIn(containers: readonly { readonly id: string; readonly name: string }[], id: string): string {
  return containers.find((one) => one.id === id)?.name ?? id;
}

async function failureOf(app: string, container: string, outcome: Outcome, seconds: number): Promise<string> {
  const lines = indent((await lastLogLines(container, 20)).join("\n"));
  const memory = outcome.isOutOfMemory ? ", for its memory (memoryMb)" : "";
  return `beforeSwitch of ${app}: the command ended with ${outcome.exitCode}${memory}, after ${seconds} s. Nothing has moved; the next update runs it again. Its last log lines:\n${lines}`;
}

/** How a container that runs a command is. */
export interface Outcome {
  /** created, running, paused, exited, ... */
  readonly status: string;
  /** 255 of one that a power cut ended, 137 where Docker was killed. */
  readonly exitCode: number;
  readonly startedAt: string;
  /** Whether the kernel has ended it for its memory. */
  readonly isOutOfMemory: boolean;
}

const format = "{{.State.Status}}\t{{.State.ExitCode}}\t{{.State.StartedAt}}\t{{.State.OOMKilled}}";

async function outcomeOf(id: string): Promise<Outcome> {
  return parseOutcome(await docker("container", "inspect", "--format", format, id));
}

export function parseOutcome(text: string): Outcome {
  const [status = "", exitCode = "", startedAt = "", oom] = text.trim().split("\t");
  return {
    status,
    exitCode: Number(exitCode),
    startedAt,
    isOutOfMemory: oom === "true",
  };
}

/** Whether it does not run, any more or yet. */
export function isOver({ status }: Outcome): boolean {
  return ["created", "exited", "dead"].includes(status);
}

export function isSuccess({ status, exitCode }: Outcome): boolean {
  return status === "exited" && exitCode === 0;
}

/**
 * Waits for as long as it runs, and shows what it says.
 *
 * @param isNew whether it has been started just now: what it has said is shown also where it is over already
 */
async function untilOver(id: string, name: string, app: string, log: Log, isNew = false): Promise<Outcome> {
  const began = performance.now();
  const seconds = () => Math.round((performance.now() - began) / 1000);
  const say = () => log(`beforeSwitch of ${app}: runs for ${seconds()} s (docker logs ${name})`);
  const timer = setInterval(say, saySeconds * 1000);
  try {
    let since: string | undefined;
    for (let isUnheard = isNew; ; isUnheard = false) {
      const outcome = await outcomeOf(id);
      if (isOver(outcome) && !isUnheard) return outcome;
      const logs = ["logs", "--follow", "--since", since ?? outcome.startedAt, id];
      await run("docker", logs, { onLine: (line) => log(`${app} | ${line}`) });
      since = new Date().toJSON();
      // What follows the log may end before what it follows, say with Docker itself.
      await pause(100);
    }
  } finally {
    clearInterval(timer);
  }
}
