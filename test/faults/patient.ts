import assert from "node:assert/strict";
import { docker, tryDocker } from "../../rollout/docker";
import { currentRelease, mainFile } from "../../model/layout";
import type { Account } from "../../scripts/load/books";
import type { Load } from "../../scripts/load/load";
import { readStatus } from "../../scripts/status";
import { FixtureApp, fixtureLoad } from "../e2e/app";
import { assertNoneLost } from "../e2e/books";
import { TestStack, type EngineRun, type Outputs } from "../e2e/stack";

/** How long an update of a small stack may take, in seconds, whatever it has to repair: it usually takes 4. */
export const usualSeconds = 15;

/** The file of the live configuration, as the balancer's container sees it. */
export const liveFile = `${currentRelease}/${mainFile}`;

/** What the engine said, and how long it took. */
export interface TimedRun extends EngineRun {
  readonly seconds: number;
}

/** A stack of the fixture app that is hurt on purpose, and what is to be seen of it afterwards. */
export class Patient {
  outputs!: Outputs;
  private load: Load | undefined;

  private constructor(
    readonly app: FixtureApp,
    readonly stack: TestStack,
  ) {}

  /** Makes and starts one, with 2 backends unless the config says otherwise. */
  static async create(
    label: string,
    config: (app: FixtureApp) => Record<string, unknown> = () => ({}),
  ): Promise<Patient> {
    const app = await FixtureApp.create();
    const apps = [{ name: "fixture", path: app.path }];
    const stack = await TestStack.create(label, { backendCount: 2, drainSeconds: 4, apps, ...config(app) });
    const patient = new Patient(app, stack);
    try {
      await patient.upOk();
    } catch (error) {
      await patient.remove();
      throw error;
    }
    return patient;
  }

  async remove(): Promise<void> {
    await this.load?.stop({ graceSeconds: 0 });
    await this.stack.remove();
    await this.app.remove();
  }

  /** Puts load on, which goes on until the end; its books are closed with each call of `closeBooks`. */
  startLoad(load: Load = fixtureLoad(this.outputs.url, { slow: false, maxSeconds: 1200 })): void {
    this.load = load;
  }

  /** Runs an update; a failing one is a result. */
  async up(...args: string[]): Promise<TimedRun> {
    const start = performance.now();
    const run = await this.stack.engine("up", ...args);
    if (run.code === 0) this.outputs = await this.stack.outputs();
    return { ...run, seconds: (performance.now() - start) / 1000 };
  }

  /** Runs an update that has to work, in the time that it usually takes. */
  async upOk(...args: string[]): Promise<TimedRun> {
    const run = await this.up(...args);
    assert.equal(run.code, 0, `pulumi up ${args.join(" ")}:\n${run.output}`);
    return run;
  }

  /** As `docker` has it now; the running balancer where there are several. */
  async balancer(): Promise<string> {
    return (await this.stack.containers()).balancer?.id ?? "";
  }

  async backends(): Promise<{ id: string; alias: string; slot: string }[]> {
    return [...(await this.stack.containers()).backends];
  }

  async containers(): Promise<string[]> {
    const label = `label=nginx-load-balancer.stack=${this.stack.stackLabel}`;
    return (await docker("ps", "--all", "--quiet", "--no-trunc", "--filter", label)).split("\n").filter(Boolean);
  }

  /** Runs shell commands in the balancer's container, as the user that nginx runs as. */
  async inBalancer(script: string): Promise<string> {
    return docker("exec", await this.balancer(), "sh", "-c", script);
  }

  async drift(): Promise<readonly string[]> {
    return (await readStatus(this.stack.stackLabel, this.outputs)).drift;
  }

  /** Fails unless clients are answered right now, and what runs is what was installed. */
  async assertWhole(): Promise<void> {
    await assertAnswers(this.outputs.url);
    assert.deepEqual(await this.drift(), []);
    assert.equal(await this.stack.liveText(), this.outputs.upstreamConfig);
    assert.equal((await this.containers()).length, this.outputs.backends.length + 2);
  }

  /** Fails when a request of the load was lost since the last call. */
  assertNoneLost(): void {
    assertNoneLost(this.closeBooks(), 100);
  }

  /** The books of the load since the last call. */
  closeBooks(): Account {
    assert.ok(this.load, "there is load");
    return this.load.mark();
  }

  async endLoad(): Promise<void> {
    await this.load?.stop();
  }

  /** Makes it anew when a test has left it hurt: the next one must not fail for that. */
  async recover(): Promise<void> {
    const drift = await this.drift().catch((error: Error) => [error.message]);
    if (drift.length > 0 || (await answers(this.outputs.url)) !== undefined) {
      await tryDocker("unpause", ...(await this.containers()));
      await this.stack.engineOk("destroy", "--refresh");
      await this.upOk();
    }
    this.load?.mark();
  }
}

/** Fails unless each of so many requests, all sent at once on connections of their own, gets 200. */
export async function assertAnswers(url: string, requests = 20): Promise<void> {
  const asked = await Promise.all(Array.from({ length: requests }, () => answers(url)));
  assert.deepEqual(
    asked.filter((why) => why !== undefined),
    [],
    `${url} doesn't answer`,
  );
}

/** Why an address doesn't answer 200; undefined when it does. */
export async function answers(url: string, seconds = 5): Promise<string | undefined> {
  try {
    const headers = { Connection: "close" };
    const { status } = await fetch(url, { headers, signal: AbortSignal.timeout(seconds * 1000) });
    return status === 200 ? undefined : `status ${status}`;
  } catch (error) {
    const { message, cause } = error as Error;
    return cause instanceof Error ? cause.message || cause.name : message;
  }
}
