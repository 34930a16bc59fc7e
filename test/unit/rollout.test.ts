import assert from "node:assert/strict";
import fc from "fast-check";
import { apply } from "../../rollout/apply";
import { formatOperation } from "../operations";
import { emptyVolume, type ObservedContainer } from "../../rollout/observed";
import { plan } from "../../rollout/plan";
import {
  changes,
  checked,
  cleaned,
  host,
  newBalancer,
  other,
  pool,
  retired,
  tried,
  two,
  wantedOf,
  without,
} from "../changes";
import { identity } from "../components";
import { FakeRuntime } from "../fake-runtime";
import { containerOf, observedOf } from "../observed";

describe("plan", () => {
  for (const [what, observed, wanted, operations] of changes)
    it(`of ${what}`, () =>
      assert.deepEqual(
        plan(observed, wanted).operations.map((operation) => formatOperation(operation)),
        operations,
      ));

  it("is none where a container is gone that the engine takes for there", () => {
    assert.throws(() => plan(without(host(), "a-1-h1-id"), wantedOf(two)), {
      message: "a-1-h1: the container was removed by hand. `pulumi up --refresh` makes a new one.",
    });
    assert.throws(() => plan(without(host(), "lb-id"), wantedOf(two)), {
      message: "the balancer: the container was removed by hand. `pulumi up --refresh` makes a new one.",
    });
    assert.throws(() => plan(without(host(), "entry-id"), wantedOf(two)), {
      message:
        "the entry of http://127.0.0.1:8080: the container was removed by hand. `pulumi up --refresh` makes a new one.",
    });
  });

  it("is none where what counts is gone", () => {
    const wanted = wantedOf(two);
    const exporters = [{ id: "mtail-id", url: "http://127.0.0.1:9112/metrics" }];
    assert.throws(() => plan(host(), { ...wanted, destination: { ...wanted.destination, exporters } }), {
      message:
        "what answers at http://127.0.0.1:9112/metrics: the container was removed by hand. `pulumi up --refresh` makes a new one.",
    });
  });

  describe("of a takeover from a state that was lost", () => {
    const owners = [identity.owner, "lost"];
    const lost = host().containers.map((one) => ({ ...one, owner: "lost" }));
    const made = ["a-0-h1-2", "a-1-h1-2"].map((name) => containerOf(name, { networks: ["own"], network: "own" }));
    const bare = { ...host(), volume: emptyVolume, served: undefined, serving: "" };
    const wanted = wantedOf(pool(made.map(({ alias }) => alias)), {}, "new-id");
    const taken = { ...wanted, destination: { ...wanted.destination, owners } };
    const operationsOf = (containers: readonly ObservedContainer[]) =>
      plan({ ...bare, containers }, taken).operations.map(formatOperation);

    it("has the new balancer take connections when it has a release that was tried, and keeps the entry", () =>
      assert.deepEqual(operationsOf([newBalancer, ...made, ...lost]), [
        "join new-id to own (backends are there)",
        `candidate: a-0-h1-2, a-1-h1-2 must answer ${tried(wanted.release)}`,
        "install (nothing is installed that could serve)",
        "serve (the balancer is new)",
        "await, a-0-h1-2, a-1-h1-2 must answer (nothing goes on before it answers)",
        "quit lb-id (only the new balancer is to answer what is asked next)",
        checked,
        "stop lb-id within 7 s (another balancer answers)",
        `stop a-0-h1-id, a-1-h1-id within 7 s ${retired}`,
        // Networks and volumes are unused when what was on them is gone.
        "remove unused (no state knows what the adopted containers were on)",
        cleaned,
      ]));

    it("keeps an entry of the state that that one had taken over", () => {
      const older = lost.map((one) => (one.role === "entry" ? { ...one, owner: "older" } : one));
      assert.deepEqual(operationsOf([newBalancer, ...made, ...older]), operationsOf([newBalancer, ...made, ...lost]));
    });

    it("has nothing left to remove afterwards, though the entry stays another one's", () => {
      const later = { ...taken, ...wantedOf(two), destination: { ...wantedOf(two).destination, owners } };
      const containers = host().containers.map((one) => (one.role === "entry" ? { ...one, owner: "lost" } : one));
      assert.ok(!plan({ ...host(), containers }, later).operations.some(({ op }) => op === "remove unused"));
    });
  });
});

describe("apply on the fake runtime", () => {
  const quiet = () => undefined;

  for (const [what, observed, wanted, operations] of changes) {
    it(`brings in ${what}, and has nothing to do the second time`, async () => {
      const runtime = new FakeRuntime(observed, wanted);
      const { configAfter } = await apply(wanted, runtime, quiet);
      assert.deepEqual(runtime.done, operations);
      assert.equal(configAfter, wanted.release.id);
      assert.equal(runtime.host.served, wanted.release.id);
      assert.deepEqual(runtime.serving(), Object.keys(wanted.destination.containers).sort());
      const second = new FakeRuntime(runtime.host, wanted);
      await apply(wanted, second, quiet);
      const again = operations.filter((text) => text.startsWith("certificates "));
      assert.deepEqual(second.done, [`candidate ${tried(wanted.release)}`, checked, ...again, cleaned]);
    });

    for (const [failAt, operation] of operations.entries())
      it(`of ${what} that fails at '${operation.replace(/ \(.*/, "")}' serves as before, and is finished by the next`, async () => {
        const runtime = new FakeRuntime(observed, wanted, failAt);
        const before = runtime.serving();
        await assert.rejects(apply(wanted, runtime, quiet), /^Error: no /);
        const begin = operations.findIndex((text) => /^(together:|switch:|reload:|settle:|quit) /.test(text));
        const check = operations.indexOf(checked);
        const isPutBack = begin >= 0 && begin <= failAt && failAt <= check;
        assert.equal(runtime.done.includes("put back"), isPutBack);
        if (isPutBack && failAt > begin) assert.deepEqual(runtime.host.volume, observed.volume);
        const stopped = operations.slice(0, failAt).filter((text) => text.startsWith("stop "));
        if (stopped.length === 0)
          for (const name of before) assert.ok(runtime.serving().includes(name) || failAt > check);
        const second = new FakeRuntime(runtime.host, wanted);
        await apply(wanted, second, quiet);
        assert.deepEqual(second.serving(), Object.keys(wanted.destination.containers).sort());
        assert.equal(second.host.served, wanted.release.id);
      });
  }

  it("never serves a server before it has answered, alone or after its container has gone", async () => {
    const sets = fc.uniqueArray(fc.constantFrom<string[]>("a-1-h", "b-1-h", "c-1-h", "d-1-h", "e-1-h"), {
      minLength: 1,
    });
    await fc.assert(
      fc.asyncProperty(sets, sets, async (older, newer) => {
        const [from, to] = [pool(older, 1), pool(newer, 2)];
        const observed = observedOf(from);
        const made = newer.filter((name) => !older.includes(name)).map((name) => containerOf(name));
        const wanted = wantedOf(to);
        const runtime = new FakeRuntime({ ...observed, containers: [...made, ...observed.containers] }, wanted);
        const answered = new Set(older);
        const { perform } = runtime;
        runtime.perform = async (operation) => {
          const result = await perform.call(runtime, operation);
          assert.ok(
            runtime.serving().some((name) => answered.has(name)),
            "unknown servers alone",
          );
          if (operation.op === "reload") for (const name of operation.probe) answered.add(name);
          return result;
        };
        const { added, removed } = await apply(wanted, runtime, quiet);
        assert.deepEqual(runtime.serving(), [...newer].sort());
        assert.deepEqual([...added].sort(), newer.filter((name) => !older.includes(name)).sort());
        assert.deepEqual([...removed].sort(), older.filter((name) => !newer.includes(name)).sort());
        const drain = runtime.done.findIndex((text) => text.startsWith("drain"));
        const stop = runtime.done.findIndex((text) => text.startsWith("stop"));
        assert.equal(drain >= 0, removed.length > 0);
        assert.ok(removed.length === 0 || drain < stop);
      }),
    );
  });

  it("reports what was in flight, and the time of each step", async () => {
    const wanted = wantedOf(pool(["a-0-h1"]));
    const change = await apply(wanted, new FakeRuntime(host(), wanted), quiet);
    assert.deepEqual(Object.keys(change.seconds), [
      "look",
      "candidate",
      "switch",
      "drain",
      "check",
      "stop",
      "clean up",
    ]);
    assert.equal(new Date(change.at).toJSON(), change.at);
    assert.deepEqual(
      { ...change, seconds: {} },
      {
        at: change.at,
        configBefore: two.id,
        configAfter: wanted.release.id,
        added: [],
        removed: ["a-1-h1"],
        sick: [],
        seconds: {},
        inFlight: { drainBegan: 3, drainEnded: 0 },
      },
    );
  });

  it("goes on without a server that is sick, and says so", async () => {
    const wanted = wantedOf(other);
    const runtime = new FakeRuntime(host(), wanted);
    const { perform } = runtime;
    runtime.perform = async (operation) => ({
      ...(await perform.call(runtime, operation)),
      ...(operation.op === "candidate" ? { sick: new Map([["a-1-h1", "no answer"]]) } : {}),
    });
    const lines: string[] = [];
    assert.deepEqual((await apply(wanted, runtime, (line) => lines.push(line))).sick, ["a-1-h1"]);
    assert.deepEqual(lines, ["a-1-h1 does not answer (no answer), and did not before: the change goes on without it."]);
  });

  it("that can't be put back leaves the failure before it to be read, too", async () => {
    const wanted = wantedOf(other);
    const runtime = new FakeRuntime(host(), wanted, 1);
    runtime.putBack = () => Promise.reject(new Error("the container is gone"));
    const lines: string[] = [];
    await assert.rejects(
      apply(wanted, runtime, (line) => lines.push(line)),
      {
        message: `no reload
The previous configuration could not be put back: the container is gone
Run \`pulumi up\` again.`,
      },
    );
    assert.deepEqual(lines, ["putting the previous configuration back"]);
  });
});
