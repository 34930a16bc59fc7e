import assert from "node:assert/strict";
import { Judge, percent, Tally } from "../../model/policies/verdict";

const allowed = { maxErrorPoints: 1, maxP99Ratio: 2, minRequests: 100 };

/** The same numbers in each run, from 0 to 1 (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Milliseconds of an answer: a few, and now and then many. */
const usual = (next: () => number) => Math.round(3 + 5 * next() + (next() < 0.02 ? 60 * next() : 0));

interface Behaviour {
  readonly failing?: number;
  readonly slower?: number;
  /** Milliseconds of an answer. */
  readonly time?: (next: () => number) => number;
}

/** Looks, a second each, at a canary's step with 200 requests a second; gives the second at which it is found worse, and why. */
function watch(seed: number, share: number, seconds: number, { failing = 0, slower = 1, time = usual }: Behaviour) {
  const next = numbers(seed);
  const judge = new Judge(allowed);
  const [fresh, older] = [new Tally(), new Tally()];
  for (let second = 1; second <= seconds; second++) {
    for (let request = 0; request < 200; request++) {
      if (next() * 100 < share) fresh.add(next() < failing ? 500 : 200, time(next) * slower);
      else older.add(200, time(next));
    }
    const why = judge.findsWorse(fresh, older);
    if (why !== undefined) return { second, why };
  }
  return undefined;
}

describe("the judge of a canary", () => {
  it("finds none of 300 that are equal worse", () => {
    for (let seed = 1; seed <= 300; seed++)
      for (const share of [5, 50]) assert.equal(watch(seed, share, 60, {}), undefined, `seed ${seed}, ${share} %`);
  });

  it("finds one of which a tenth fails, and one that is three times as slow, within a step", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const failing = watch(seed, 5, 60, { failing: 0.1 });
      const slow = watch(seed, 5, 60, { slower: 3, time: (next) => Math.round(20 + 20 * next()) });
      assert.match(failing?.why ?? "", /% of \d+ requests failed, of the old ones' \d+ 0 % \(maxErrorPoints 1\)$/);
      assert.match(slow?.why ?? "", /^the slowest hundredth of \d+ answers took \d+ ms or more, .* \(maxP99Ratio 2\)$/);
      assert.ok(Math.max(failing?.second ?? 99, slow?.second ?? 99) <= 20, `seed ${seed}`);
    }
  });

  it("takes as much failing as is allowed, on top of what the old ones fail", () => {
    const judge = new Judge({ ...allowed, maxErrorPoints: 5 });
    const [fresh, older] = [new Tally(), new Tally()];
    for (let request = 0; request < 1000; request++) {
      older.add(request % 10 === 0 ? 502 : 200, 5);
      fresh.add(request % 7 === 0 ? 502 : 200, 5);
    }
    assert.equal(judge.findsWorse(fresh, older), undefined);
    for (let request = 0; request < 200; request++) fresh.add(NaN, 5);
    assert.match(judge.findsWorse(fresh, older) ?? "", /^28.6 % of 1200 requests failed/);
  });

  it("says nothing before the old ones have had enough requests, and nothing of answers within 10 ms", () => {
    const [fresh, older] = [new Tally(), new Tally()];
    for (let request = 0; request < 99; request++) older.add(200, 1);
    for (let request = 0; request < 99; request++) fresh.add(500, 9);
    const judge = new Judge(allowed);
    assert.equal(judge.findsWorse(fresh, older), undefined);
    older.add(200, 1);
    assert.match(judge.findsWorse(fresh, older) ?? "", /failed/);
    const quick = new Tally();
    for (let request = 0; request < 500; request++) quick.add(200, 10);
    for (let look = 0; look < 9; look++) assert.equal(judge.findsWorse(quick, older), undefined);
  });

  it("does not go on while the new ones seem worse, be it by chance", () => {
    const judge = new Judge(allowed);
    const [fresh, older] = [new Tally(), new Tally()];
    for (let request = 0; request < 1000; request++) older.add(200, 20);
    for (let request = 0; request < 100; request++) fresh.add(request < 2 ? 500 : 200, 20);
    assert.deepEqual([judge.seemWorse(fresh, older), judge.findsWorse(fresh, older)], [true, undefined]);
    for (let request = 0; request < 100; request++) fresh.add(200, 20);
    assert.equal(judge.seemWorse(fresh, older), false);
    for (let request = 0; request < 3; request++) fresh.add(200, 41);
    assert.deepEqual([judge.seemWorse(fresh, older), judge.findsWorse(fresh, older)], [true, undefined]);
  });

  it("lets slowness pass that comes once", () => {
    const judge = new Judge(allowed);
    const [fresh, older] = [new Tally(), new Tally()];
    const seen = [];
    for (let second = 0; second < 10; second++) {
      for (let request = 0; request < 500; request++) older.add(200, 20);
      for (let request = 0; request < 100; request++) fresh.add(200, second === 0 && request < 9 ? 500 : 20);
      seen.push(judge.findsWorse(fresh, older));
    }
    assert.deepEqual(seen, Array(10).fill(undefined));
  });
});

describe("a cold start", () => {
  // Of 20 requests a second, 8 in the first second take long; then none does, or each tenth.
  const start = (then: (request: number) => number) => {
    const judge = new Judge(allowed);
    const [fresh, older] = [new Tally(), new Tally()];
    for (let second = 1; second <= 60; second++) {
      for (let request = 0; request < 180; request++) older.add(200, 20);
      for (let request = 0; request < 20; request++) fresh.add(200, second === 1 && request < 8 ? 500 : then(request));
      const why = judge.findsWorse(fresh, older);
      if (why !== undefined) return second;
    }
    return undefined;
  };

  it("of which nothing follows is let pass, however few requests come after it", () =>
    assert.equal(
      start(() => 20),
      undefined,
    ));

  it("hides nothing that goes on", () =>
    assert.equal(
      start((request) => (request % 10 === 0 ? 500 : 20)),
      5,
    ));
});

describe("a tally", () => {
  it("tells the time of the 99th of a hundred", () => {
    const tally = new Tally();
    assert.deepEqual(tally.figures, { requests: 0, failed: 0, p99: 0 });
    for (let time = 100; time >= 1; time--) tally.add(time === 50 ? 500 : 200, time);
    assert.deepEqual(tally.figures, { requests: 100, failed: 1, p99: 99 });
    assert.deepEqual([tally.p99AtMost, tally.slowerThan(90)], [100, 10]);
    assert.equal(percent(tally), "1 %");
  });

  it("counts what is no answer as failed", () => {
    const tally = new Tally();
    for (const status of [200, 301, 404, 499, 500, 502, 504, NaN, 0]) tally.add(status, 1);
    assert.equal(tally.failed, 5);
  });
});
