import assert from "node:assert/strict";
import { docker } from "../../rollout/docker";
import { readStatus } from "../../scripts/status";
import type { Mode } from "../e2e/app";
import { busyness } from "../e2e/until";
import { Patient } from "./patient";
import { steadyLoad, type SteadyLoad } from "./steady";

/** How often an image that is the same is judged. */
const rounds = Number(process.env["CANARY_ROUNDS"] ?? 3);

/** What a request takes, in seconds. */
const usual = 0.02;

describe("a canary, under load", function () {
  this.timeout(1_800_000);
  let patient: Patient;
  let load: SteadyLoad;
  let version = 0;
  /** The one that serves. */
  let running = "v0";

  const putBack = async () => {
    await patient.app.write(running, "ok");
    await patient.upOk();
  };

  /** Puts load on whose requests take so many seconds, in place of the one before. */
  const ask = async (seconds: number) => {
    await patient.endLoad();
    load = steadyLoad(patient.outputs.url, 2, seconds);
    patient.startLoad(load.load);
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
    await ask(usual);
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
    for (const line of new Set(run.output.match(/canary, \d+ %: .*|is aborted at .*/g)))
      process.stdout.write(`        ${line}\n`);
    return { ...run, sent, lost };
  };
  // On a busy host, the slowest hundredth of answers of 20 ms takes 35 ms, and of ones that are three times as late, 70.
  for (const [mode, seconds, why] of [
    ["failing", usual, /aborted at \d+ %: [\d.]+ % of \d+ requests failed/],
    ["late", 0.1, /aborted at \d+ %: the slowest hundredth of \d+ answers took \d+ ms or more/],
    [
      "mortal",
      usual,
      /aborted at \d+ %: fixture-\S+ has ended \(Docker has started it again[^]*fixture: ended as told/,
    ],
    ["leaking", usual, /aborted at \d+ %: the kernel has ended a process of fixture-\S+ for its memory/],
  ] as const)
    it(`is aborted where the new version is ${mode}`, async function () {
      // An engine in version 2 of cgroups without the memory's controller ends nobody for it.
      if (mode === "leaking" && (await docker("info", "--format", "{{.MemoryLimit}}")).trim() !== "true") this.skip();
      await ask(seconds);
      const { code, output, sent, lost } = await release(mode);
      assert.notEqual(code, 0, output);
      assert.match(output, why);
      // What failed is the share of one that fails, and what was in flight in one that died.
      assert.ok(lost <= (mode === "failing" ? sent / 20 : 20), `${lost} of ${sent}`);
      const { canary, drift } = await readStatus(patient.stack.stackLabel, patient.outputs);
      assert.match(canary?.outcome ?? "", why);
      const back = load.lastAnswerOf(`v${version}`) - Date.parse(canary?.at ?? "");
      const took = canary?.steps.at(-1)?.seconds;
      process.stdout.write(`      ${mode}: found after ${took} s; the old ones have all requests ${back} ms later\n`);
      assert.ok(back < 2000 * busyness(), `${back} ms`);
      assert.ok(
        drift.every((line) => line.includes("was made by an update that did not finish")),
        drift.join("\n"),
      );
      await putBack();
    });

  it("is finished where the new version is as the old one, without a lost request, again and again", async () => {
    await ask(usual);
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
