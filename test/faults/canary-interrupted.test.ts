import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { tryKill } from "../../lib/process";
import { volumeFolder } from "../../model/layout";
import { listContainers } from "../../rollout/containers";
import { tryDocker } from "../../rollout/docker";
import { leftImages } from "../../rollout/images";
import { lookInside } from "../../rollout/observe";
import { readStatus } from "../../scripts/status";
import type { StartedRun } from "../e2e/stack";
import { busyness, until } from "../e2e/until";
import { descendants, hasEnded } from "../processes";
import { Patient } from "./patient";
import { processesOf } from "./table/ward";
import { steadyLoad, type SteadyLoad } from "./steady";

const ways = ["Ctrl-C", "SIGKILL of all its processes", "SIGKILL of the engine, whose command goes on"] as const;
const shares = [10, 50] as const;
const ends = ["begins anew", "converges to the old version, whose source is put back"] as const;

// Each way in each step once; with INTERRUPTIONS=all each of them with both ends.
const isSample = (way: number, share: number, end: number) =>
  process.env["INTERRUPTIONS"] === "all" || (way + share + end) % 2 === 0;

describe("a canary that is interrupted, under load", function () {
  this.timeout(600_000);
  let patient: Patient;
  let load: SteadyLoad;
  let version = 0;
  /** The one that serves alone. */
  let running = "v0";
  let counts: number;
  /** What an engine that was killed has left: its plugins, some of which never end. */
  const left: number[] = [];

  // What is judged here is no speed: this host does other things, too.
  const canary = (holdSeconds: number) => ({
    canary: { app: "fixture", steps: shares, holdSeconds, minRequests: 20, maxP99Ratio: 50 },
  });
  before(async () => {
    patient = await Patient.create("canary-end", () => canary(6));
    load = steadyLoad(patient.outputs.url, 1, 0.02);
    patient.startLoad(load.load);
    await patient.app.write(running);
    await patient.upOk();
    counts = (await patient.stack.leftovers()).length;
  });
  afterEach(() => {
    for (const pid of left.splice(0)) if (!hasEnded(pid)) tryKill(pid, "SIGKILL");
  });
  after(() => patient?.remove());

  const balancer = async () => (await patient.stack.containers()).balancer;

  /** Brings in another version; gives the update as soon as its backends have a share. */
  const release = async (share: number) => {
    await patient.app.write(`v${++version}`);
    patient.closeBooks();
    const run = patient.stack.start("up");
    await until(`a canary at ${share} %`, 60, async () => {
      assert.ok(!run.hasEnded(), run.output());
      return (await lookInside(await balancer())).volume.release?.canary?.share === share;
    });
    await until(`v${version} answers`, 20, () => load.lastAnswerOf(`v${version}`) > 0);
    return run;
  };

  /** Whether an update has the balancer's lock. */
  const isLocked = async () => {
    const lock = ["flock", "--nonblock", `${volumeFolder}/.lock`, "true"];
    return (await tryDocker("exec", await patient.balancer(), ...lock)).code !== 0;
  };

  const outcome = async () =>
    (await readStatus(patient.stack.stackLabel, patient.outputs)).canary?.outcome ?? "there was none";

  /** Fails unless a version serves alone, as if there never had been an interruption. */
  const assertOnly = async (wanted: string) => {
    await patient.assertWhole();
    for (let sent = 0; sent < 8; sent++) assert.equal(await (await fetch(patient.outputs.url)).text(), wanted);
    const { stack } = patient;
    assert.deepEqual(await leftImages(stack.stackLabel, await listContainers(stack.stackLabel)), []);
    assert.equal((await stack.leftovers()).length, counts, (await stack.leftovers()).join(" "));
    await stack.engineOk("preview", "--expect-no-changes");
    const { code, output } = await stack.script("status");
    assert.equal(code, 0, output);
    assert.doesNotMatch(output, /: running$/m);
  };

  /** Ends an update; gives the command that it has left, if any. */
  const end = async (run: StartedRun, way: (typeof ways)[number]): Promise<number | undefined> => {
    const isLost = way.endsWith("goes on");
    const [command] = isLost ? startedBy(run, /^node\0.*\0install\0$/) : [];
    assert.equal(command !== undefined, isLost);
    if (command === undefined) run.kill(way === "Ctrl-C" ? "SIGINT" : "SIGKILL");
    else {
      const plugins = startedBy(run, /\/pulumi-resource-command\0/);
      left.push(...startedBy(run, /./));
      process.kill(run.pid, "SIGKILL");
      // Until it is let go on, it has the lock. Earlier, the kernel would hang up on it: stopped, in a group without a parent.
      await until("its plugin has ended", 20, () => plugins.every(hasEnded));
      process.kill(command, "SIGSTOP");
    }
    const { code, output } = await run.ended;
    assert.notEqual(code, 0, output);
    if (code === null) await patient.stack.engineOk("cancel", "--yes");
    return command;
  };

  for (const [which, way] of ways.entries())
    for (const [at, share] of shares.entries())
      for (const [how, ending] of ends.entries())
        if (isSample(which, at, how))
          it(`at ${share} % by ${way} is made up for by the next update, which ${ending}`, async () => {
            const run = await release(share);
            const ordered = Date.now();
            const command = await end(run, way);
            assert.equal(await isLocked(), command !== undefined);
            if (way === "Ctrl-C") {
              const back = load.lastAnswerOf(`v${version}`) - ordered;
              process.stdout.write(`      the old backends have all requests after ${back} ms\n`);
              assert.ok(back < 3000 * busyness(), `${back} ms`);
              assert.match(await outcome(), /aborted at \d+ %: the update was interrupted/);
            }
            patient.assertNoneLost();

            if (how === 1) await patient.app.write(running);
            else running = `v${version}`;
            const start = performance.now();
            const seconds = () => `${Math.round((performance.now() - start) / 1000)} s`;
            const next = patient.stack.start("up", ...(way === "Ctrl-C" ? [] : ["--refresh"]));
            if (command !== undefined) {
              await until("the next update waits for the lock", 60, async () => {
                assert.ok(!next.hasEnded(), `it did not wait:\n${next.output()}`);
                return (await processesOf(await patient.balancer())).some(({ args }) =>
                  args.includes("flock --timeout"),
                );
              });
              process.kill(command, "SIGCONT");
              await until("the command that was left ends", 60, () => hasEnded(command) || next.hasEnded());
              assert.ok(!next.hasEnded(), `it did not wait:\n${next.output()}`);
              assert.doesNotMatch(next.output(), /canary, \d|canary of|draining:/, "it went on beside the one before");
              process.stdout.write(`      waited for it until: ${seconds()}\n`);
            }
            const { code, output } = await next.ended;
            assert.equal(code, 0, output);
            // One that is not killed itself takes its share back.
            assert.equal(/was not brought to its end/.test(output), way === "SIGKILL of all its processes", output);
            patient.outputs = await patient.stack.outputs();
            const { sent, lost } = patient.closeBooks();
            process.stdout.write(`      next update: ${seconds()}; ${lost} of ${sent} lost\n`);
            assert.equal(lost, 0);
            assert.ok(sent > 150, `${sent} sent`);
            await assertOnly(running);
            patient.assertNoneLost();
          });

  it("is promoted from another terminal, at once", async () => {
    await patient.stack.configure(canary(120));
    const run = await release(10);
    const { code, output } = await patient.stack.script("promote");
    const start = performance.now();
    assert.equal(code, 0, output);
    const ended = await run.ended;
    assert.equal(ended.code, 0, ended.output);
    const seconds = (performance.now() - start) / 1000;
    running = `v${version}`;
    patient.outputs = await patient.stack.outputs();
    process.stdout.write(`      promoted: ${seconds.toFixed(1)} s until the update's end\n`);
    assert.ok(seconds < 60, `${seconds} s`);
    assert.deepEqual(
      patient.outputs.lastChange.canary?.map(({ share }) => share),
      [10],
    );
    patient.assertNoneLost();
    await assertOnly(running);
    assert.match((await patient.stack.script("promote")).output, /No canary is under way/);
  });

  it("is aborted from another terminal, and the old backends have all requests within 2 s", async () => {
    await patient.stack.configure(canary(120));
    const run = await release(10);
    const { code, output } = await patient.stack.script("abort");
    const ordered = Date.now();
    assert.equal(code, 0, output);
    const ended = await run.ended;
    assert.notEqual(ended.code, 0, ended.output);
    assert.match(ended.output, /The canary of fixture is aborted at 10 %: somebody asked for it/);
    const { canary: history } = await readStatus(patient.stack.stackLabel, patient.outputs);
    const found = Date.parse(history?.at ?? "");
    const last = load.lastAnswerOf(`v${version}`);
    process.stdout.write(
      `      old shares back ${last - ordered} ms after the order, ${last - found} ms after it was read\n`,
    );
    assert.ok(last - found < 2000 * busyness(), `${last - found} ms`);
    assert.ok(last - ordered < 4000 * busyness(), `${last - ordered} ms`);
    patient.assertNoneLost();
    await patient.app.write(running);
    await patient.upOk();
    patient.assertNoneLost();
    await assertOnly(running);
  });
});

/** What an update has started with such a command line. */
function startedBy(run: StartedRun, pattern: RegExp): number[] {
  return descendants(run.pid).filter((pid) => pattern.test(commandLine(pid)));
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return ""; // it has ended meanwhile
  }
}
