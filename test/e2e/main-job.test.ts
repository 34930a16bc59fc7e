import assert from "node:assert/strict";
import { TestStack } from "./stack";

describe("the main job", function () {
  this.timeout(300_000);
  let stack: TestStack;

  before(async () => {
    stack = await TestStack.create("main");
  });
  after(() => stack.remove());

  it("builds, runs and balances the two apps", async () => {
    const outputs = await stack.up();
    assert.equal(outputs.url, stack.url);
    const answers = new Map<string, number>();
    for (let sent = 0; sent < 20; sent++) {
      const body = await (await fetch(outputs.url)).text();
      answers.set(body, (answers.get(body) ?? 0) + 1);
    }
    assert.deepEqual([...answers].sort(), [
      ["this is response from app1", 10],
      ["this is response from app2", 10],
    ]);
  });
});
