import assert from "node:assert/strict";
import { hashValue } from "../../lib/tree-hash";

describe("hash of a value", () => {
  it("is the same in whatever order keys were written, and another for another value", () => {
    assert.match(hashValue({}), /^[0-9a-f]{10}$/);
    assert.equal(hashValue({ a: 1, b: { c: 2, d: 3 } }), hashValue({ b: { d: 3, c: 2 }, a: 1 }));
    const values = [{ a: 1 }, { a: "1" }, { a: [1, 2] }, { a: [2, 1] }, { b: 1 }, {}, [], "", null];
    assert.equal(new Set(values.map(hashValue)).size, values.length);
  });
});
