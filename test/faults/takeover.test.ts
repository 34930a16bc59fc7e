import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import type { Load } from "../../scripts/load/load";
import { fixtureLoad } from "../e2e/app";
import { assertNoneLost } from "../e2e/books";
import { TestStack } from "../e2e/stack";
import { recordedConfig, replay } from "../e2e/takeover";
import { busyness, until } from "../e2e/until";

describe("a takeover of an older version's stack that does not end", function () {
  this.timeout(300_000);
  let stack: TestStack;
  let load: Load;

  beforeEach(async () => {
    stack = await TestStack.create("takeover-fault", recordedConfig);
    await replay(stack);
    load = fixtureLoad(stack.url);
  });
  afterEach(async () => {
    await load.stop();
    await stack.remove();
  });

  /** The gap of the balancer's own replacement is in one of the two updates, or in none where they replaced none. */
  async function assertGoesOn(): Promise<void> {
    assert.equal((await stack.script("status")).code, 3, "what is left of it is shown");
    await stack.up();
    const { longestGap } = load.mark();
    assert.ok(longestGap <= 2000 * busyness(), `${longestGap} ms without an answer`);
    assert.equal((await stack.script("status")).code, 0);
    await stack.engineOk("preview", "--expect-no-changes");
    assertNoneLost(load.mark());
    await stack.engineOk("destroy");
    assert.deepEqual(await stack.leftovers(), []);
  }

  it("goes on where its step has failed", async () => {
    await stack.configure({ serverConfig: "no_such_directive;" });
    assert.match((await stack.engine("up")).output, /unknown directive "no_such_directive"/);
    await stack.configure({ serverConfig: undefined });
    await assertGoesOn();
  });

  for (const { after, milliseconds, signal } of [
    { after: /Container backends-one-0 created replacement/, milliseconds: 0, signal: "SIGINT" },
    { after: /Container backends-\w+-0 created replacement/, milliseconds: 0, signal: "SIGKILL" },
    { after: /Command balancer-installed updating/, milliseconds: 1000, signal: "SIGKILL" },
    { after: /Command balancer-installed updating/, milliseconds: 2500, signal: "SIGKILL" },
  ] as const)
    it(`goes on after ${signal} ${milliseconds} ms after '${after.source}'`, async () => {
      const run = stack.start("up");
      await until(`'${after.source}' in the output`, 60, () => run.hasEnded() || after.test(run.output()));
      await pause(milliseconds);
      run.kill(signal);
      if ((await run.ended).code === null) await stack.engineOk("cancel", "--yes");
      await assertGoesOn();
    });
});
