import { access, copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { messageOf } from "../../lib/errors";
import { until } from "../../lib/until";
import type { ExistingBackend } from "../../model/identity";
import { serversIn, serversOf } from "../../model/topology";
import { docker, inspectContainers, lastLogLines } from "../../rollout/docker";
import { balancerOf, listContainers } from "../../rollout/containers";
import { lookInside } from "../../rollout/observe";
import { UserError } from "../cli";
import { readOutputs, type StackOutputs } from "../pulumi";
import { projectRoot, pulumiBinary } from "../setup/project";
import { readStatus, stackLabelOf } from "../status";
import { runQuietly, type EngineRun } from "./engine";
import type { VerifyOptions } from "./options";
import type { Config } from "./steps";

/** What serves on a stack. */
export interface Serving {
  /** Its addresses, the plain one first. */
  readonly urls: readonly string[];
  /** What the last update installed. */
  readonly installed: StackOutputs["release"];
  /** Id of the release that the balancer has. */
  readonly live: string | undefined;
  /** Id of the balancer's container. */
  readonly balancer: string | undefined;
  /** The backends that the installed configuration names, by alias. */
  readonly backends: readonly ExistingBackend[];
}

/** How long a backend may take to get healthy again after its death, in seconds. */
const recoverySeconds = 90;

/** How many of the engine's last lines a failure shows. */
const shownLines = 15;

/** The stack that is put to the test. Its config file is read, never written: updates work on copies of it. */
export class Target {
  /** Whether an update has begun whose config isn't the stack's own. */
  private changed = false;
  private locked = false;
  private runs = 0;

  private constructor(
    private readonly stack: string,
    private readonly configFile: string,
    /** Copies of the config and the engine's output. */
    readonly folder: string,
    readonly before: Serving,
  ) {}

  /**
   * Takes a stack that runs and is up to date.
   *
   * @throws UserError when it doesn't or isn't, and how that is mended
   */
  static async open({ stack, configFile }: VerifyOptions, signal: AbortSignal): Promise<Target> {
    await access(pulumiBinary()).catch(() => {
      throw new UserError("The Pulumi engine is not installed: npm run setup does it.");
    });
    const file = configFile ?? join(projectRoot, `Pulumi.${basename(stack)}.yaml`);
    await access(file).catch(() => {
      throw new UserError(`The config file of stack ${stack} is not there: ${file}`);
    });
    const status = await readStatus(labelOf(stack), await readOutputs(stack));
    if (status.drift.length > 0) {
      const drift = status.drift.map((line) => `  ${line}`).join("\n");
      throw new UserError(
        `Stack ${stack} is not as its last update left it, npm run up -- --refresh repairs that:\n${drift}`,
      );
    }
    const folder = await mkdtemp(join(tmpdir(), "nlb-verify-"));
    const target = new Target(stack, file, folder, await observe(stack));
    await target.assertNoPendingChange(signal).catch(async (error: unknown) => {
      await target.close(false);
      throw error;
    });
    return target;
  }

  get isChanged(): boolean {
    return this.changed;
  }

  observe(): Promise<Serving> {
    return observe(this.stack);
  }

  /**
   * Runs an update, which may fail: that is a result.
   *
   * @param config what differs from the stack's own config
   * @param more options of the engine
   */
  async tryUp(config: Config, signal?: AbortSignal, more: readonly string[] = []): Promise<EngineRun> {
    signal?.throwIfAborted();
    this.changed = true;
    const options = Object.entries(config).flatMap(([key, value]) => ["--config", `${key}=${value}`]);
    const run = await this.engine(["up", "--yes", "--skip-preview", ...options, ...more], signal);
    this.locked = run.killed;
    signal?.throwIfAborted();
    return run;
  }

  /** Runs an update that has to work, and sees that the balancer then has what it installed. */
  async up(config: Config, signal?: AbortSignal, more: readonly string[] = []): Promise<Serving> {
    const run = await this.tryUp(config, signal, more);
    if (run.code !== 0) throw new Error(`the update failed (exit code ${run.code}):\n${lastLines(run.output)}`);
    const serving = await this.observe();
    if (serving.live !== serving.installed.id)
      throw new Error("the balancer doesn't have the configuration of the update");
    return serving;
  }

  /** Kills a backend that gets requests of an upstream, then has it started again and waits until it is healthy. */
  async killBackend(upstream: string, whileDead: () => Promise<void>, signal: AbortSignal): Promise<void> {
    const victim = servingBackends(await this.observe(), upstream)[0];
    if (victim === undefined) throw new Error("no backend gets requests");
    signal.throwIfAborted();
    try {
      await docker("kill", "--signal", "KILL", victim.id);
      await whileDead();
    } finally {
      // Docker takes a kill by hand for a stop by hand: no restart policy brings the container back.
      await docker("start", victim.id);
    }
    const state = async () => (await inspectContainers([victim.id])).get(victim.id);
    const isHealthy = async () => (await state())?.health === "healthy";
    await until("it is healthy again", { within: recoverySeconds, signal }, isHealthy).catch(async (error: unknown) => {
      signal.throwIfAborted();
      const { status, health } = (await state()) ?? { status: "gone", health: "none" };
      const log = (await lastLogLines(victim.id, shownLines)).join("\n");
      throw new Error(`${victim.alias} was killed, ${messageOf(error)}; now ${status}, ${health}\n${lastLines(log)}`);
    });
  }

  /** Brings the stack back to its own config. Not to be interrupted. */
  async restore(): Promise<void> {
    if (this.locked) await this.engine(["cancel", "--yes"]);
    const after = await this.up({});
    this.changed = false;
    if (after.backends.length !== this.before.backends.length || essenceOf(after) !== essenceOf(this.before))
      throw new Error(`the upstream is not the one of before:\n${essenceOf(after)}`);
  }

  /** @param keepLogs leaves the engine's output in the folder */
  async close(keepLogs: boolean): Promise<void> {
    // The copies go in any case: they hold what the stack's config holds.
    await rm(keepLogs ? this.configCopy : this.folder, { recursive: true, force: true });
  }

  private get configCopy(): string {
    return join(this.folder, "config.yaml");
  }

  private async assertNoPendingChange(signal: AbortSignal): Promise<void> {
    const { code, output } = await this.engine(["preview", "--expect-no-changes"], signal);
    signal.throwIfAborted();
    if (code === 0) return;
    throw new UserError(
      /no changes were expected/.test(output)
        ? `Stack ${this.stack} has changes that are not rolled out: run npm run up first, or verify would roll them out.`
        : `Stack ${this.stack} can't be previewed:\n${lastLines(output)}`,
    );
  }

  /** Runs the engine with a fresh copy of the stack's config. */
  private async engine(args: readonly string[], signal?: AbortSignal): Promise<EngineRun> {
    const log = join(this.folder, `${String(++this.runs).padStart(2, "0")}-${args[0]}.log`);
    const configured = args[0] !== "cancel";
    if (configured) await copyFile(this.configFile, this.configCopy);
    await writeFile(log, "");
    const options = ["--stack", this.stack, ...(configured ? ["--config-file", this.configCopy] : [])];
    return runQuietly([...args, ...options], log, signal);
  }
}

async function observe(stack: string): Promise<Serving> {
  const { urls, release } = await readOutputs(stack);
  const containers = await listContainers(labelOf(stack));
  const balancer = balancerOf(containers);
  const { volume } = await lookInside(balancer);
  const names = new Set(serversOf(release.topology).map(({ name }) => name));
  return {
    urls,
    installed: release,
    live: volume.intact ? volume.release?.id : undefined,
    balancer: balancer?.id,
    backends: containers.filter(({ alias }) => names.has(alias)).sort((a, b) => (a.alias < b.alias ? -1 : 1)),
  };
}

/** The backends that get a share of an upstream's requests. */
export function servingBackends(
  { installed, backends }: Pick<Serving, "installed" | "backends">,
  upstream: string,
): ExistingBackend[] {
  const own = serversIn(installed.topology, upstream);
  const serving = new Set(own.flatMap(({ name, weight }) => (weight > 0 ? name : [])));
  return backends.filter(({ alias }) => serving.has(alias));
}

/**
 * What is served but for the numbers that tell a backend's alias from that of an earlier one of the same content: two stacks
 * that serve the same have the same.
 */
export function essenceOf({ installed, backends }: Pick<Serving, "installed" | "backends">): string {
  const text = JSON.stringify(installed.topology, undefined, 1);
  return backends.reduce((result, { alias, slot, hash }) => result.replaceAll(alias, `${slot}-${hash}`), text);
}

/** The end of the engine's output. */
export function lastLines(output: string): string {
  const lines = output.split("\n").filter((line) => line.trim() !== "");
  return lines
    .slice(-shownLines)
    .map((line) => `  ${line}`)
    .join("\n");
}

function labelOf(stack: string): string {
  return stackLabelOf(basename(stack));
}
