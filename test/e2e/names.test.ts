import assert from "node:assert/strict";
import { Rig } from "../faults/rig";

describe("names of servers", function () {
  this.timeout(120_000);

  it("may be as long as apps' names make them", async () => {
    const rig = await Rig.create("of-an-app-whose-name-has-forty-letters-in", 2);
    try {
      assert.ok(rig.backends.every((name) => name.length > 50));
      assert.equal((await rig.ask("/")).status, 200);
    } finally {
      await rig.remove();
    }
  });
});
