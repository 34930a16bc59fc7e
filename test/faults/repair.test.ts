import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { docker } from "../../rollout/docker";
import { answers, assertAnswers, Patient, usualSeconds } from "./patient";
import { until } from "../../lib/until";

describe("what doesn't serve is shown by status and repaired by any update", function () {
  this.timeout(120_000);
  let patient: Patient;

  before(async () => {
    patient = await Patient.create("repair");
  });
  after(() => patient?.remove());
  beforeEach(() => patient.recover());

  async function isShown(): Promise<void> {
    const { code, output } = await patient.stack.script("status");
    assert.equal(code, 3, output);
  }

  /** An update ends only when clients are answered: the very first requests after it are. */
  async function upRepairs(...args: string[]): Promise<void> {
    const { code, output, seconds } = await patient.up(...args);
    const after = await answers(patient.outputs.url);
    assert.deepEqual({ code, after }, { code: 0, after: undefined }, output);
    await patient.assertWhole();
    assert.ok(seconds < 2 * usualSeconds, `the update took ${seconds.toFixed(1)} s`);
    const { code: status, output: words } = await patient.stack.script("status");
    assert.equal(status, 0, words);
  }

  /** Docker's own process that hands connections to the published port on to the balancer. */
  function portForwarder(): number {
    const port = new URL(patient.outputs.url).port;
    const found = readdirSync("/proc").find((name) => {
      if (!/^\d+$/.test(name)) return false;
      try {
        const words = readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0");
        return /docker-proxy$/.test(words[0] ?? "") && words[words.indexOf("-host-port") + 1] === port;
      } catch {
        return false; // it has ended meanwhile
      }
    });
    assert.ok(found, "the balancer's docker-proxy is found");
    return Number(found);
  }

  /** Leaves the container healthy and its published port dead. */
  async function cutTheRoad(): Promise<void> {
    process.kill(portForwarder(), "SIGKILL");
    await until("the published port is dead", 5, async () => (await answers(patient.outputs.url)) !== undefined);
  }

  it("the published port is dead, while the balancer is healthy", async () => {
    await cutTheRoad();
    await isShown();
    await upRepairs();
  });

  it("the same, in an update that changes a setting", async () => {
    await cutTheRoad();
    await patient.stack.configure({ maxBodyMb: 11 });
    await upRepairs();
  });

  for (const args of [[], ["--refresh"]]) {
    it(`all containers were killed at once: up ${args.join(" ")}`, async () => {
      await docker("kill", ...(await patient.containers()));
      await isShown();
      await upRepairs(...args);
    });
  }

  it("all were killed, and a setting changes with the repair", async () => {
    await docker("kill", ...(await patient.containers()));
    await patient.stack.configure({ maxBodyMb: 13 });
    await upRepairs();
  });

  it("one backend was killed", async () => {
    await docker("kill", (await patient.backends())[0]?.id ?? "");
    await isShown();
    await upRepairs();
  });

  it("a backend was stuck, and serves again before Docker knows: it is not restarted", async () => {
    const { id = "" } = (await patient.backends())[0] ?? {};
    const inspected = (what: string) => docker("container", "inspect", "--format", `{{.State.${what}}}`, id);
    const processes = (await docker("top", id, "-eo", "pid")).split("\n").slice(1).filter(Boolean).map(Number);
    const started = await inspected("StartedAt");
    // What fails in its start period doesn't count, as long as nothing has passed.
    await until("Docker finds it healthy", 30, async () => (await inspected("Health.Status")) === "healthy\n");
    for (const pid of processes) process.kill(pid, "SIGSTOP");
    try {
      await until("Docker finds it unhealthy", 60, async () => (await inspected("Health.Status")) === "unhealthy\n");
      await isShown();
    } finally {
      for (const pid of processes) process.kill(pid, "SIGCONT");
    }
    await patient.upOk();
    assert.equal(await inspected("StartedAt"), started);
    await until("Docker finds it healthy", 30, async () => (await inspected("Health.Status")) === "healthy\n");
    await patient.assertWhole();
  });

  it("the balancer was stopped", async () => {
    await docker("stop", await patient.balancer());
    await isShown();
    await upRepairs();
  });

  for (const [what, victims] of [
    ["the balancer was", async () => [await patient.balancer()]],
    ["a backend was", async () => [(await patient.backends())[0]?.id ?? ""]],
    ["all containers were", () => patient.containers()],
  ] as [string, () => Promise<string[]>][]) {
    it(`${what} removed: an update repairs it, or says that --refresh does, and then that does`, async () => {
      await docker("rm", "--force", "--volumes", ...(await victims()));
      await isShown();
      const { code, output } = await patient.up();
      if (code === 0) await assertAnswers(patient.outputs.url);
      else assert.match(output, /--refresh/);
      process.stdout.write(`      plain up ${code === 0 ? "repaired it" : "named --refresh"}\n`);
      await upRepairs("--refresh");
    });
  }
});
