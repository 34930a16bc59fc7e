import { setTimeout as pause } from "node:timers/promises";
import { canaryLog, canaryOrder } from "../../model/layout";
import type { Canary } from "../../model/policies/canary";
import { Judge, percent, Tally, type Figures } from "../../model/policies/verdict";
import { inspectContainers, lastLogLines, tryDocker, type ContainerState } from "../docker";
import type { Asker } from "../runtime/runtime";
import type { BalancerShell } from "../runtime/shell";
import { indent } from "./context";

/** How a step of a canary went. */
export interface CanaryStep {
  /** Share of the fresh backends, in percent. */
  readonly share: number;
  readonly seconds: number;
  readonly fresh: Figures;
  readonly older: Figures;
}

/** Thrown when fresh backends are not to get more requests. */
export class CanaryAborted extends Error {
  override readonly name = "CanaryAborted";

  constructor(
    message: string,
    readonly step: CanaryStep,
  ) {
    super(message);
  }
}

/** Between two looks, in milliseconds. */
const lookMilliseconds = 1000;
/** Between two lines that say how it goes, in seconds. */
const saySeconds = 10;
/** Most bytes of the log that a look reads, and with which it begins a new one. */
const readBytes = 4 << 20;
const logBytes = 64 << 20;

/** What a step of a canary watches: containers by server name. */
export interface Watched {
  readonly app: string;
  readonly share: number;
  readonly fresh: Readonly<Record<string, string>>;
  readonly older: Readonly<Record<string, string>>;
}

/**
 * Watches fresh backends beside the older ones until their step is over: they have held for as long as they are to, and enough
 * requests have come.
 *
 * @returns how it went, and whether someone has promoted them: then they are done
 * @throws CanaryAborted with the figures that decide it
 */
export async function watchCanary(
  shell: BalancerShell,
  { app, share, fresh, older }: Watched,
  policy: Canary,
  asker: Asker,
): Promise<CanaryStep & { readonly isPromoted: boolean }> {
  const judge = new Judge(policy);
  const tallies = { fresh: new Tally(), older: new Tally() };
  const sides = new Map<string, keyof typeof tallies>();
  const restarts = new Map<string, number>();
  const reader = new LogReader(shell);
  await reader.skip();
  const began = Date.now();
  const start = performance.now();
  const seconds = () => (performance.now() - start) / 1000;
  const step = (): CanaryStep => ({
    share,
    seconds: Math.round(seconds()),
    fresh: tallies.fresh.figures,
    older: tallies.older.figures,
  });
  const abort = (why: string, more = "") =>
    new CanaryAborted(
      `The canary of ${app} is aborted at ${share} %: ${why}. The old backends have all requests.${more}`,
      step(),
    );
  let said = 0;
  for (;;) {
    const states = await inspectContainers([...Object.values(fresh), ...Object.values(older)]);
    for (const [side, containers] of [
      ["fresh", fresh],
      ["older", older],
    ] as const)
      for (const id of Object.values(containers))
        for (const address of states.get(id)?.addresses ?? []) sides.set(address, side);
    for (const { address, status, milliseconds } of attemptsIn(await reader.read())) {
      const side = sides.get(address);
      if (side !== undefined) tallies[side].add(status, milliseconds);
    }
    const crash = await crashOf(fresh, states, restarts, await outOfMemory(began));
    if (crash !== undefined) throw abort(...crash);
    const why = judge.findsWorse(tallies.fresh, tallies.older);
    if (why !== undefined) throw abort(why);
    const order = (await shell.run(`cat ${canaryOrder}`)).output.trim();
    if (order === "abort") throw abort("somebody asked for it");
    if (asker.isLeft()) throw abort("the update was interrupted");
    if (order === "promote") return { ...step(), isPromoted: true };
    const isHeld = seconds() >= policy.holdSeconds;
    const few = Math.min(tallies.fresh.requests, tallies.older.requests) < policy.minRequests;
    const isOpen = !few && judge.seemWorse(tallies.fresh, tallies.older);
    if (isHeld && !few && !isOpen) return { ...step(), isPromoted: false };
    if (seconds() - said >= saySeconds) {
      said = seconds();
      const reason = few
        ? `; it waits for ${policy.minRequests} requests on both sides`
        : "; it waits for more requests, since these look worse";
      asker.log(`canary of ${app}, ${describeStep(step())}${isHeld ? reason : ` of ${policy.holdSeconds} s`}`);
    }
    await pause(lookMilliseconds);
  }
}

/** @returns for example: 5 %: new 612 requests, 0 % failed, p99 31 ms; old 11204 requests, 0 % failed, p99 29 ms; 40 s */
export function describeStep({ share, seconds, fresh, older }: CanaryStep): string {
  const side = (figures: Figures) => `${figures.requests} requests, ${percent(figures)} failed, p99 ${figures.p99} ms`;
  return `${share} %: new ${side(fresh)}; old ${side(older)}; ${seconds} s`;
}

/** Why a fresh backend is not one to go on with, if it has ended since the first look, and what it has said. */
async function crashOf(
  fresh: Readonly<Record<string, string>>,
  states: ReadonlyMap<string, ContainerState>,
  restarts: Map<string, number>,
  killed: ReadonlySet<string>,
): Promise<[why: string, more?: string] | undefined> {
  for (const [name, id] of Object.entries(fresh)) {
    const state = states.get(id);
    if (state === undefined) return [`${name} is gone`];
    if (killed.has(id)) return [`the kernel has ended a process of ${name} for its memory`];
    const before = restarts.get(id) ?? state.restarts;
    restarts.set(id, before);
    if (state.status === "running" && state.restarts === before) continue;
    const lines = indent((await lastLogLines(id, 10)).join("\n"));
    // Of one that Docker has started again, it tells no more how it had ended.
    const how =
      state.status === "running" ? "Docker has started it again" : `${state.status}, exit code ${state.exitCode}`;
    const memory = state.isOutOfMemory ? ", out of memory" : "";
    return [`${name} has ended (${how}${memory})`, ` Its last log lines:\n${lines}`];
  }
  return undefined;
}

/**
 * The containers of which the kernel has ended a process for its memory: one that goes on with another process tells nothing of it.
 *
 * @param since in milliseconds since 1970
 */
async function outOfMemory(since: number): Promise<ReadonlySet<string>> {
  const seconds = (time: number) => (time / 1000).toFixed(3);
  const range = ["--since", seconds(since), "--until", seconds(Date.now())];
  const { stdout } = await tryDocker("events", ...range, "--filter", "event=oom", "--format", "{{.Actor.ID}}");
  return new Set(stdout.split("\n").filter(Boolean));
}

/** One attempt to have a request answered. */
interface Attempt {
  readonly address: string;
  /** NaN where there was no answer. */
  readonly status: number;
  readonly milliseconds: number;
}

/** The attempts that lines of the canary's log tell of. */
export function attemptsIn(text: string): Attempt[] {
  return text.split("\n").flatMap((line) => {
    const [addresses = [], statuses = [], times = []] = line.split("|").map((cell) => cell.split(/ : |, /));
    return addresses.flatMap((peer, at) => {
      const [, address] = /^(.*):\d+$/.exec(peer) ?? [];
      const time = Number(times[at]) * 1000;
      return address === undefined
        ? []
        : { address, status: Number(statuses[at]), milliseconds: Number.isNaN(time) ? 0 : Math.round(time) };
    });
  });
}

/** Reads a log that grows, and has nginx begin it anew before it is large. */
class LogReader {
  private at = 0;
  private rest = "";

  constructor(private readonly shell: BalancerShell) {}

  /** Leaves out what is there. */
  async skip(): Promise<void> {
    this.at = Number(await this.shell.read(`touch ${canaryLog}; wc -c < ${canaryLog}`));
    this.rest = "";
  }

  /** Whole lines that have come since. */
  async read(): Promise<string> {
    const text = this.rest + (await this.readOn());
    if (this.at > logBytes) await this.begin();
    const end = text.lastIndexOf("\n") + 1;
    this.rest = text.slice(end);
    return text.slice(0, end);
  }

  private async readOn(): Promise<string> {
    const text = await this.shell.read(`tail -c +${this.at + 1} ${canaryLog} | head -c ${readBytes}`);
    this.at += Buffer.byteLength(text);
    return text;
  }

  /** What workers write until they have the new one is left out: a moment's lines of both sides. */
  private async begin(): Promise<void> {
    await this.shell.read(`rm ${canaryLog} && kill -USR1 1`);
    this.at = 0;
    await this.shell.read(`touch ${canaryLog}`);
  }
}
