import assert from "node:assert/strict";
import { docker, tryDocker } from "../../rollout/docker";
import { formatStatus, readStatus } from "../../scripts/status";
import { assertAnswers, Patient } from "./patient";
import { until } from "../../lib/until";

// One of three backends takes connections, but does nothing with them.
describe("a frozen backend", function () {
  this.timeout(180_000);
  let patient: Patient;
  let apps: { name: string; path: string; weight?: number }[];

  before(async () => {
    patient = await Patient.create("frozen", ({ path }) => {
      apps = [
        { name: "well", path },
        { name: "sick", path },
      ];
      return { backendCount: 3, healthTimeoutSeconds: 8, requestTimeoutSeconds: 8, apps };
    });
  });
  after(async () => {
    await tryDocker("unpause", ...(await frozen()));
    await patient?.remove();
  });
  beforeEach(async () => {
    if ((await frozen()).length === 0) await docker("pause", (await sick())?.id ?? "");
  });

  const frozen = async () => {
    const own = ["--filter", `label=nginx-load-balancer.stack=${patient.stack.stackLabel}`];
    return (await docker("ps", "--quiet", "--filter", "status=paused", ...own)).split("\n").filter(Boolean);
  };
  const sick = async () => (await patient.backends()).find(({ slot }) => slot === "sick-0");

  async function goesOnAndSaysSo(): Promise<void> {
    const alias = (await sick())?.alias ?? "";
    const { code, output, seconds } = await patient.up();
    assert.equal(code, 0, output);
    assert.ok(output.includes(alias), `the update was to name ${alias}:\n${output}`);
    assert.ok(seconds < 40, `the update took ${seconds.toFixed(1)} s`);
    assert.equal(await patient.stack.liveText(), patient.outputs.upstreamConfig);
  }

  it("does not stand in the way of a setting's change, which says so", async () => {
    await patient.stack.configure({ maxBodyMb: 11 });
    await goesOnAndSaysSo();
  });

  it("does not stand in the way of more backends of another app, which get requests", async () => {
    await patient.stack.configure({ backendCount: 5 });
    await goesOnAndSaysSo();
    assert.equal(patient.outputs.backends.length, 5);
  });

  it("does not stand in the way of weight 0 for its app, after which nobody waits for it", async () => {
    await patient.stack.configure({ apps: apps.map((app) => (app.name === "sick" ? { ...app, weight: 0 } : app)) });
    await goesOnAndSaysSo();
    const start = performance.now();
    await assertAnswers(patient.outputs.url, 30);
    assert.ok(performance.now() - start < 3000, `${performance.now() - start} ms`);
    await patient.stack.configure({ apps });
    await goesOnAndSaysSo();
  });

  it("is named by status, and what that advises repairs it", async () => {
    const alias = (await sick())?.alias ?? "";
    const status = await readStatus(patient.stack.stackLabel, patient.outputs);
    assert.match(status.drift.join("\n"), new RegExp(`^${alias} is (paused|frozen)`, "m"));
    assert.equal((await patient.stack.script("status")).code, 3);
    const advice = /`npm run up(?: -- (?<options>[^`]+))?`/.exec(formatStatus(status));
    assert.ok(advice, formatStatus(status));
    const { code, output } = await patient.up(...(advice.groups?.["options"]?.split(" ") ?? []));
    assert.equal(code, 0, output);
    assert.deepEqual(await frozen(), []);
    // Docker looks at it again before long.
    await until("nothing is amiss any more", 30, async () => (await patient.drift()).length === 0);
    await patient.assertWhole();
  });
});
