import assert from "node:assert/strict";
import { TestStack } from "./stack";
import { until } from "./until";

describe("a pause, on the real engine and Docker", function () {
  this.timeout(600_000);
  let stack: TestStack;
  after(() => stack?.remove());

  it("begins, outlives another update, and ends without a lost request, and the updates' own checks don't wait", async () => {
    stack = await TestStack.create("pause", { drainSeconds: 100 });
    const { url } = await stack.up();
    const answers: string[] = [];
    let isOver = false;
    const clients = [0, 1, 2].map(async () => {
      while (!isOver) {
        const answer = await fetch(url);
        answers.push(`${answer.status} ${await answer.text()}`);
      }
    });
    await stack.configure({ pause: { holdSeconds: 99 } });
    await stack.up();
    const answered = answers.length;
    await stack.configure({ accessLog: "all" });
    await stack.up();
    assert.equal(answers.length, answered);
    await stack.configure({ pause: undefined });
    await stack.up();
    await until("clients are answered again", 30, () => Promise.resolve(answers.length > answered + 10));
    isOver = true;
    await Promise.all(clients);
    assert.deepEqual(
      answers.filter((answer) => !answer.startsWith("200 this is response from app")),
      [],
    );
  });
});
