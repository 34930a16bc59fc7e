import assert from "node:assert/strict";
import { fixtureLoad } from "./app";
import { assertNoneLost } from "./books";
import { NamelessVolumes, ofStack } from "./nameless-volumes";
import { TestStack } from "./stack";
import { recordedConfig, replay } from "./takeover";
import { busyness, until } from "./until";

describe("a stack that an older version made", function () {
  this.timeout(600_000);
  let stack: TestStack;
  let volumes: NamelessVolumes;

  before(async () => {
    stack = await TestStack.create("takeover", recordedConfig);
    volumes = await NamelessVolumes.watch(ofStack(stack.stackLabel));
  });
  beforeEach(() => replay(stack));
  after(async () => {
    await stack.remove();
    await volumes.close();
  });

  async function assertNothingLeft(): Promise<void> {
    assert.deepEqual(await stack.leftovers(), []);
    assert.deepEqual(await volumes.abandoned(), [], "volumes went with their containers");
  }

  it("is shown, rolled once with a gap of the balancer's own replacement alone, and then is as any other", async () => {
    const status = await stack.script("status");
    assert.match(status.output, /one-0-\w{10} .* weight 1 [^]*No drift\./);
    const { code, output } = await stack.script("verify", "--config-file", stack.configFile);
    assert.deepEqual(
      [code, /has changes that are not rolled out: run npm run up first/.test(output)],
      [1, true],
      output,
    );
    const before = await stack.containers();
    const load = fixtureLoad(stack.url);
    try {
      const update = stack.up();
      await until("the new balancer serves", 60, async () => {
        const { balancer } = await stack.containers();
        return balancer?.id !== before.balancer?.id && (await answersAll(50));
      });
      const gap = load.mark();
      const outputs = await update;
      process.stdout.write(`      ${gap.lost} of ${gap.sent} in the gap of ${Math.round(gap.longestGap)} ms\n`);
      assert.ok(gap.longestGap <= 2000 * busyness(), `${gap.longestGap} ms without an answer`);
      assertNoneLost(load.mark());
      assert.equal(outputs.lastChange.added.length, 2);
      assert.equal(outputs.lastChange.removed.length, 2);
    } finally {
      await load.stop();
    }
    assert.equal((await stack.script("status")).code, 0);
    await stack.engineOk("preview", "--expect-no-changes");
    await stack.engineOk("destroy");
    await assertNothingLeft();
  });

  it("is removed without a trace by a destroy alone", async () => {
    await stack.engineOk("destroy");
    await assertNothingLeft();
  });

  /** Whether so many requests in a row are answered: workers of a balancer that has just moved don't know all names yet. */
  async function answersAll(requests: number): Promise<boolean> {
    for (let sent = 0; sent < requests; sent++)
      if ((await fetch(stack.url).catch(() => undefined))?.ok !== true) return false;
    return true;
  }
});
