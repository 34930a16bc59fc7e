import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { streamReporter } from "../../scripts/setup/terminal";

describe("a report of steps", () => {
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;

  it("lets the program end, also after a step that has failed", () => {
    const before = timers();
    const reporter = streamReporter(new PassThrough() as unknown as NodeJS.WriteStream);
    reporter.begin("one that fails");
    reporter.begin("another");
    assert.equal(timers(), before + 1);
    reporter.close();
    assert.equal(timers(), before);
  });
});
