import assert from "node:assert/strict";
import type { Load } from "../../scripts/load/load";
import { FixtureApp, fixtureLoad } from "../e2e/app";
import { describeInterruption, interruptions, interruptRoll } from "../e2e/interrupted";
import { TestStack } from "../e2e/stack";

// Some of all interruptions, each kind of moment once; with INTERRUPTIONS=all all of them, and npm run test:soak takes any.
const isSample = (index: number) => [1, 4, 7, 9, 11, 15, 17, 22].includes(index);
const sample = process.env["INTERRUPTIONS"] === "all" ? interruptions : interruptions.filter((_, at) => isSample(at));

describe("interrupted updates, under load", function () {
  this.timeout(1_200_000);
  let app: FixtureApp;
  let stack: TestStack;
  let load: Load;
  let version = "v0";
  let interrupted = 0;

  before(async () => {
    app = await FixtureApp.create();
    await app.write(version);
    stack = await TestStack.create("interrupted", {
      backendCount: 2,
      drainSeconds: 4,
      apps: [{ name: "fixture", path: app.path }],
    });
    const { url } = await stack.up();
    load = fixtureLoad(url, { maxSeconds: 1200, slow: false });
  });
  after(async () => {
    await load?.stop();
    await stack.remove();
    await app.remove();
  });

  after(() => assert.ok(interrupted >= 6, `only ${interrupted} of ${sample.length} updates were interrupted in time`));

  for (const [index, interruption] of sample.entries()) {
    const goBack = index % 2 === 1;
    it(`loses nothing and converges ${goBack ? "to the old version" : "to the new one"} after ${describeInterruption(interruption)}`, async () => {
      const next = `v${index + 1}`;
      const inTime = await interruptRoll({ stack, app, load }, interruption, {
        before: version,
        version: next,
        goBack,
      });
      if (inTime) interrupted++;
      if (!goBack) version = next;
    });
  }
});
