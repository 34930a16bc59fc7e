import assert from "node:assert/strict";
import { isServerOf, versionOf } from "../../model/identity";
import { withShare } from "../../model/policies/canary";
import type { Server } from "../../model/topology";
import { apply } from "../../rollout/apply";
import { plan, type Wanted } from "../../rollout/plan";
import { attemptsIn, describeStep } from "../../rollout/steps/canary";
import { checked, cleaned, pool, wantedOf } from "../changes";
import { FakeRuntime } from "../fake-runtime";
import { containerOf, observedOf } from "../observed";
import { formatOperation } from "../operations";

const server = (name: string, weight = 1): Server => ({
  name,
  port: 5000,
  weight,
  health: { path: "/", host: "localhost" },
});
const [old1, old2, new1, new2, other] = [
  "a-0-aaaaaaaaaa",
  "a-1-aaaaaaaaaa",
  "a-0-bbbbbbbbbb",
  "a-1-bbbbbbbbbb",
  "rest-0-cccccccccc",
] as const;

describe("the share of a canary", () => {
  for (const [what, servers, share, weights] of [
    ["one of each", [server(old1), server(new1)], 5, [19, 1]],
    ["two of each", [server(old1), server(old2), server(new1), server(new2)], 25, [3, 3, 1, 1]],
    ["more new ones", [server(old1), server(new1), server(new2)], 50, [2, 1, 1]],
    ["others", [server(old1), server(new1), server(other)], 50, [1, 1, 2]],
    ["weights", [server(old1, 2), server(new1, 4), server(other, 1)], 25, [3, 1, 1]],
    ["new ones that get none", [server(old1), server(new1, 0)], 25, [1, 0]],
  ] as const)
    it(`is theirs, with ${what}`, () => {
      const shared = withShare(servers, new Set([new1, new2]), new Set([old1, old2]), share);
      assert.deepEqual(
        shared.map(({ weight }) => weight),
        weights,
      );
    });

  it("is of the app's servers alone, by their names", () => {
    for (const name of [new1, "a-12-0123456789-2"]) assert.ok(isServerOf("a", { name }));
    for (const name of ["a-b-0-0123456789", "ab-0-0123456789", "a-0-012345678", "a"])
      assert.ok(!isServerOf("a", { name }));
  });

  it("is for another version alone: one that is made again is none", () => {
    assert.notEqual(versionOf([server(new1)]), versionOf([server(old1), server(old2)]));
    assert.equal(versionOf([server("a-0-aaaaaaaaaa-2")]), versionOf([server(old1), server(old2)]));
    // Of two that were both made again, each is of its own.
    assert.notEqual(versionOf([server("a-0-aaaaaaaaaa-2")]), versionOf([server("a-0-bbbbbbbbbb-2")]));
  });
});

describe("an update with a canary", () => {
  const canary = { app: "a", steps: [5, 50], holdSeconds: 60, minRequests: 100, maxErrorPoints: 1, maxP99Ratio: 2 };
  const [before, after] = [pool([old1, old2]), pool([new1, new2])];
  const wanted: Wanted = { ...wantedOf(after), canary };
  const observed = () => {
    const found = observedOf(before);
    return { ...found, containers: [...[new1, new2].map((name) => containerOf(name)), ...found.containers] };
  };
  const [first, second] = [
    `canary 5 %: ${old1} 19, ${new1} 1, ${old2} 19, ${new2} 1 (new backends of a are judged at 5 % of its requests)`,
    `canary 50 %: ${old1} 1, ${new1} 1, ${old2} 1, ${new2} 1 (new backends of a are judged at 50 % of its requests)`,
  ];
  const quiet = () => undefined;

  it("has its steps in place of old and new servers together", () => {
    const texts = plan(observed(), wanted).operations.map(formatOperation);
    assert.deepEqual(texts.slice(1, 4), [first, second, `switch: ${new1}, ${new2} (${before.id} is live)`]);
    assert.ok(texts.includes(checked) && texts.includes(cleaned));
  });

  it("has none where nothing else is asked for, of another app, or of the same version", () => {
    const steps = (change: Partial<Wanted>, release = after) =>
      plan(observed(), { ...wantedOf(release), ...change }).operations.filter(({ op }) => op === "canary").length;
    assert.equal(steps({ canary }), 2);
    assert.equal(steps({}), 0);
    assert.equal(steps({ canary: { ...canary, app: "b" } }), 0);
  });

  it("tells how its steps went", async () => {
    const runtime = new FakeRuntime(observed(), wanted);
    const done = await apply(wanted, runtime, quiet);
    assert.deepEqual(
      done.canary?.map(({ share }) => share),
      [5, 50],
    );
    assert.equal(runtime.host.volume.release?.canary, undefined);
    assert.deepEqual(runtime.serving(), [new1, new2]);
  });

  it("leaves out the other steps when it is promoted", async () => {
    const runtime = new FakeRuntime(observed(), wanted, Infinity, { promoteAt: 5 });
    const said: string[] = [];
    const done = await apply(wanted, runtime, (line) => said.push(line));
    assert.deepEqual(
      done.canary?.map(({ share }) => share),
      [5],
    );
    assert.ok(!runtime.done.includes(second));
    assert.ok(said.some((line) => line.endsWith("; promoted")));
  });

  it("that is aborted puts the old shares back, drains and halts the new ones, and is tried again by the next", async () => {
    const runtime = new FakeRuntime(observed(), wanted, Infinity, { abortAt: 50 });
    await assert.rejects(apply(wanted, runtime, quiet), /^CanaryAborted: it fails$/);
    assert.deepEqual(runtime.done.slice(-4), [
      second,
      "put back",
      "drain up to 7 s (the canary is aborted)",
      `halt ${new1}-id, ${new2}-id within 7 s (the canary is aborted)`,
    ]);
    assert.deepEqual(runtime.serving(), [old1, old2]);
    const next = new FakeRuntime(runtime.host, wanted);
    await apply(wanted, next, quiet);
    assert.ok(next.done.includes(first));
    assert.deepEqual(next.serving(), [new1, new2]);
  });

  it("that was killed is taken back first, and then begins anew, or never was", async () => {
    for (const [release, names] of [
      [after, [new1, new2]],
      [before, [old1, old2]],
    ] as const) {
      const killed = new FakeRuntime(observed(), wanted);
      await killed.perform(plan(observed(), wanted).operations[1] as never);
      const next = new FakeRuntime(killed.host, { ...wantedOf(release), canary });
      next.previous = { volume: observed().volume, served: before.id };
      await apply({ ...wantedOf(release), canary }, next, quiet);
      assert.equal(next.done[0], "take back (the canary of a at 5 % was not brought to its end)");
      assert.equal(next.done.includes(first), release === after);
      assert.deepEqual(next.serving(), names);
    }
  });
});

describe("a canary's log", () => {
  it("tells of each attempt", () =>
    assert.deepEqual(
      attemptsIn(
        "192.0.2.1:5000|200|0.012\n192.0.2.1:5000, 192.0.2.2:5000 : 192.0.2.3:5000|502, 504 : 200|0.000, 2.001 : 0.004\nbackends|502|-\n-|-|-\n192.0.2.4:80|-|-\n",
      ),
      [
        { address: "192.0.2.1", status: 200, milliseconds: 12 },
        { address: "192.0.2.1", status: 502, milliseconds: 0 },
        { address: "192.0.2.2", status: 504, milliseconds: 2001 },
        { address: "192.0.2.3", status: 200, milliseconds: 4 },
        { address: "192.0.2.4", status: NaN, milliseconds: 0 },
      ],
    ));

  it("is told in a line", () =>
    assert.equal(
      describeStep({
        share: 5,
        seconds: 40,
        fresh: { requests: 612, failed: 3, p99: 31 },
        older: { requests: 11204, failed: 0, p99: 29 },
      }),
      "5 %: new 612 requests, 0.5 % failed, p99 31 ms; old 11204 requests, 0 % failed, p99 29 ms; 40 s",
    ));
});
