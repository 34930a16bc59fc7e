import assert from "node:assert/strict";
import { startLoad, type Load } from "../../scripts/load/load";
import { readStatus } from "../../scripts/status";
import type { Mode } from "../e2e/app";
import { Patient } from "./patient";

/** How often an image that is the same is judged. */
const rounds = Number(process.env["CANARY_ROUNDS"] ?? 3);

/** 200 requests a second, each of which takes a while. */
function steadyLoad(url: string): Load {
  const asked = { method: "GET", path: "/slow?seconds=0.02", pauseMilliseconds: 75 } as const;
  return startLoad({
    url,
    maxSeconds: 1800,
    profiles: [
      { name: "kept", keepAlive: true, clients: 15, ...asked },
      { name: "fresh", keepAlive: false, clients: 5, ...asked },
    ],
  });
}

describe("a canary, under load", function () {
  this.timeout(1_800_000);
  let patient: Patient;
  let version = 0;
  /** The one that serves. */
  let running = "v0";

  const putBack = async () => {
    await patient.app.write(running, "ok");
    await patient.upOk();
    patient.closeBooks();
  };

  before(async () => {
    const canary = {
      app: "fixture",
      steps: [10, 50],
      holdSeconds: 25,
      minRequests: 100,
      maxErrorPoints: 1,
      maxP99Ratio: 2,
    };
    patient = await Patient.create("canary", () => ({ canary }));
    patient.startLoad(steadyLoad(patient.outputs.url));
    await putBack();
  });
  after(() => patient?.remove());

  /** Brings in another version; gives what clients saw of it, and what was said. */
  const release = async (mode: Mode) => {
    await patient.app.write(`v${++version}`, mode);
    patient.closeBooks();
    const run = await patient.up();
    if (run.code === 0) running = `v${version}`;
    const { sent, lost } = patient.closeBooks();
    process.stdout.write(`      ${mode}: ${lost} of ${sent} failed for clients, in ${Math.round(run.seconds)} s\n`);
    return { ...run, sent, lost };
  };
  for (const [mode, why] of [
    ["failing", /aborted at \d+ %: [\d.]+ % of \d+ requests failed/],
    ["late", /aborted at \d+ %: the slowest hundredth of \d+ answers took \d+ ms or more/],
    ["mortal", /aborted at \d+ %: fixture-\S+ has ended[^]*fixture: ended as told/],
    ["leaking", /aborted at \d+ %: the kernel has ended a process of fixture-\S+ for its memory/],
  ] as const)
    it(`is aborted where the new version is ${mode}`, async () => {
      const { code, output, sent, lost } = await release(mode);
      assert.notEqual(code, 0);
      assert.match(output, why);
      // What failed is the share of one that fails, and what was in flight in one that died.
      assert.ok(lost <= (mode === "failing" ? sent / 20 : 20), `${lost} of ${sent}`);
      const { canary, drift } = await readStatus(patient.stack.stackLabel, patient.outputs);
      assert.match(canary?.outcome ?? "", why);
      assert.ok(
        drift.every((line) => line.includes("was made by an update that did not finish")),
        drift.join("\n"),
      );
      await putBack();
    });

  it("is finished where the new version is as the old one, without a lost request, again and again", async () => {
    for (let round = 0; round < rounds; round++) {
      const { code, output, lost } = await release("ok");
      assert.equal(code, 0, output);
      assert.equal(lost, 0);
      assert.deepEqual(
        patient.outputs.lastChange.canary?.map(({ share }) => share),
        [10, 50],
      );
    }
  });
});
