import assert from "node:assert/strict";
import fc from "fast-check";
import { isIntact, renderNginxConfig, serverLines } from "../../nginx/render/config";
import { planChange } from "../../rollout/plan";

const config = (hosts: readonly string[], maxBodyMb = 10) =>
  renderNginxConfig({
    servers: hosts.map((host) => ({ host, port: 5000, weight: 1, healthPath: "/health" })),
    method: "round_robin",
    drainSeconds: 10,
    requestTimeoutSeconds: 60,
    maxBodyMb,
    accessLog: "errors",
    behindProxy: false,
    serverConfig: "",
  });

const steps = (live: string, wanted: string) =>
  planChange(live, wanted).steps.map(({ name, text, probe, drain }) => ({
    name,
    hosts: [...serverLines(text).keys()].sort(),
    probe,
    drain,
  }));

describe("change plan", () => {
  it("has old and new servers together, probed, before the new ones alone and a drain", () => {
    assert.deepEqual(steps(config(["a-1", "b-1"]), config(["a-1", "c-1"])), [
      { name: "together", hosts: ["a-1", "b-1", "c-1"], probe: ["c-1"], drain: false },
      { name: "switch", hosts: ["a-1", "c-1"], probe: [], drain: true },
    ]);
  });

  it("has one reload where servers are only added, and asks them", () => {
    assert.deepEqual(steps(config(["a-1"]), config(["a-1", "b-1"])), [
      { name: "switch", hosts: ["a-1", "b-1"], probe: ["b-1"], drain: false },
    ]);
  });

  it("has one reload and a drain where servers are only removed", () => {
    assert.deepEqual(steps(config(["a-1", "b-1"]), config(["a-1"])), [
      { name: "switch", hosts: ["a-1"], probe: [], drain: true },
    ]);
  });

  it("has one plain reload where the servers stay", () => {
    assert.deepEqual(steps(config(["a-1"], 1), config(["a-1"], 2)), [
      { name: "reload", hosts: ["a-1"], probe: [], drain: false },
    ]);
  });

  it("has nothing to do for the same text", () => {
    assert.deepEqual(steps(config(["a-1"]), config(["a-1"])), []);
  });

  it("takes the first configuration, and one that was edited, for what they are", () => {
    assert.deepEqual(steps("events {}\n", config(["a-1"])), [
      { name: "switch", hosts: ["a-1"], probe: ["a-1"], drain: false },
    ]);
    const edited = config(["a-1", "b-1"]).replace("10m", "11m");
    assert.deepEqual(steps(edited, config(["a-1", "b-1"])), [
      { name: "reload", hosts: ["a-1", "b-1"], probe: [], drain: false },
    ]);
  });

  it("never takes a server out before the others have answered, and ends with the wanted text", () => {
    const sets = fc.uniqueArray(fc.constantFrom<string[]>("a-1", "b-1", "c-1", "d-1", "e-1"), { minLength: 1 });
    fc.assert(
      fc.property(sets, sets, (older, newer) => {
        const plan = planChange(config(older), config(newer));
        const answered = new Set(older);
        for (const { text, probe, drain } of plan.steps) {
          assert.ok(
            [...serverLines(text).keys()].some((host) => answered.has(host)),
            "unknown servers alone",
          );
          assert.ok(isIntact(text));
          const gone = older.filter((host) => !serverLines(text).has(host));
          if (gone.length > 0) assert.ok(drain, "servers go without a drain");
          for (const host of probe) answered.add(host);
        }
        assert.equal(plan.steps.at(-1)?.text ?? config(older), config(newer));
      }),
    );
  });
});
