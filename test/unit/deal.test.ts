import assert from "node:assert/strict";
import fc from "fast-check";
import { deal } from "../../model/deal";

const apps = (count: number) => Array.from({ length: count }, (_, index) => ({ name: `app${index + 1}` }));
const names = (appCount: number, count: number) => deal(apps(appCount), count).map((slot) => slot.name);

describe("deal", () => {
  it("deals the backends to the apps in turn", () => {
    assert.deepEqual(names(2, 5), ["app1-0", "app2-0", "app1-1", "app2-1", "app1-2"]);
    assert.deepEqual(names(3, 1), ["app1-0"]);
  });

  it("gives counts that differ by at most one, and different names", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 200 }), (appCount, count) => {
        const slots = deal(apps(appCount), count);
        const counts = apps(appCount).map(({ name }) => slots.filter(({ app }) => app.name === name).length);
        assert.equal(slots.length, count);
        assert.ok(Math.max(...counts) - Math.min(...counts) <= 1);
        assert.equal(new Set(slots.map(({ name }) => name)).size, count);
      }),
    );
  });

  it("only adds slots when the count grows", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 199 }), (appCount, count) => {
        assert.deepEqual(names(appCount, count + 1).slice(0, count), names(appCount, count));
      }),
    );
  });

  it("refuses no apps and counts that are none", () => {
    assert.throws(() => deal([], 1), new RangeError("apps: got none, expected at least one"));
    assert.throws(() => deal(apps(1), 0), new RangeError("count: got 0, expected an integer of at least 1"));
    assert.throws(() => deal(apps(1), 1.5), new RangeError("count: got 1.5, expected an integer of at least 1"));
  });
});
