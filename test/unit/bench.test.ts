import assert from "node:assert/strict";
import { interleave, type PartContext, type Ratio } from "../../bench/part";
import { plotOf } from "../../bench/plot";
import { formatMarkdown, isMet, resultsOf } from "../../bench/report";
import { figureOf, median, ratioOf } from "../../bench/statistics";
import {
  caddyConfig,
  haproxyConfig,
  ourConfig,
  plainNginxConfig,
  staticBackendConfig,
  tunedNginxConfig,
} from "../../bench/traffic/configs";
import { parseRequests, parseThroughput, percentile, sinceDue } from "../../bench/traffic/load";

describe("the bench's figures", () => {
  const medians: [number[], number][] = [
    [[3], 3],
    [[10, 9, 100], 10],
    [[4, 1, 3, 2], 2.5],
  ];
  for (const [values, expected] of medians)
    it(`takes ${expected} as the median of ${values.join(", ")}`, () => assert.equal(median(values), expected));

  it("refuses a median of nothing", () => assert.throws(() => median([]), /values: got none, expected at least one/));

  it("leaves the values in their order", () => {
    const values = Object.freeze([3, 1, 2]);
    assert.deepEqual(figureOf(values), { median: 2, low: 1, high: 3, rounds: 3 });
  });

  it("takes ratios round by round, so that a slow moment counts for both sides", () =>
    assert.deepEqual(ratioOf([10, 20, 40], [5, 10, 20]), { median: 2, low: 2, high: 2, rounds: 3 }));

  it("refuses series that don't pair", () =>
    assert.throws(() => ratioOf([1, 2], [1]), /got 2 and 1 rounds, expected as many of both/));
});

describe("the bench's order", () => {
  const context = (signal = new AbortController().signal): PartContext => ({
    rounds: 2,
    tiny: true,
    status: () => undefined,
    note: () => undefined,
    signal,
  });

  it("measures all sides in turn, and begins each round with another one", async () => {
    const order: string[] = [];
    const series = await interleave(["a", "b", "c"], context(), async (side, round) => {
      order.push(side);
      return { [side]: round };
    });
    assert.equal(order.join(""), "abcbca");
    assert.deepEqual(series, { a: [0, 1], b: [0, 1], c: [0, 1] });
  });

  it("goes through the sides several times in a round, there and back, and the median counts", async () => {
    const order: string[] = [];
    const measure = (side: string) => Promise.resolve({ [side]: order.push(side) });
    const series = await interleave(["a", "b"], context(), measure, 3);
    assert.equal(order.join(""), "abbaab" + "baabba");
    assert.deepEqual(series, { a: [4, 9], b: [3, 10] });
  });

  it("stops before the next side after an interruption", async () => {
    const interruption = new AbortController();
    const order: string[] = [];
    const run = interleave(["a", "b"], context(interruption.signal), async (side) => {
      order.push(side);
      interruption.abort(new Error("interrupted"));
      return {};
    });
    await assert.rejects(run, /interrupted/);
    assert.deepEqual(order, ["a"]);
  });
});

describe("the bench's results", () => {
  const ratios: Ratio[] = [
    { name: "quick", what: "ours / theirs", over: ["ours", "theirs"], unit: "requests/s", goal: { atLeast: 1 } },
    { name: "slow", what: "theirs / ours", over: ["theirs", "ours"], unit: "requests/s", goal: { atMost: 0.4 } },
    { name: "stated", what: "ours / ours", over: ["ours", "ours"], unit: "requests/s" },
  ];
  const results = resultsOf({ ratios }, { ours: [1000, 2000, 3000], theirs: [500, 1000, 1000] });

  it("judges each ratio by its goal, and one without a goal not at all", () =>
    assert.deepEqual(
      results.map(({ name, met, ratio }) => [name, met, ratio.median]),
      [
        ["quick", true, 2],
        ["slow", false, 0.5],
        ["stated", undefined, 1],
      ],
    ));

  it("have no ratio where nothing is divided by nothing", () => {
    const [result] = resultsOf({ ratios }, { ours: [0, 0], theirs: [0, 3] });
    const table = formatMarkdown([{ name: "part", title: "A part", results: result ? [result] : [], notes: [] }]);
    assert.match(table, /\| ours \/ theirs \| none \|/);
  });

  it("names a series that was not measured", () =>
    assert.throws(() => resultsOf({ ratios }, { ours: [1] }), /nothing was measured for theirs/));

  it("judges what is shown: two decimals", () => {
    assert.equal(isMet({ atLeast: 1 }, 0.996), true);
    assert.equal(isMet({ atLeast: 1 }, 0.994), false);
    assert.equal(isMet({ atMost: 1 }, 1.004), true);
    assert.equal(isMet({ atMost: 1 }, 1.006), false);
  });

  it("are a table that can be read", () =>
    assert.equal(
      formatMarkdown([{ name: "part", title: "A part", results, notes: ["round 1, theirs: 3 timeouts"] }]),
      `## A part

| measure | ratio: median (spread) | goal | met | the two sides |
| --- | --- | --- | --- | --- |
| ours / theirs | **2.00** (2.00 to 3.00) | ≥ 1 | yes | 2000 (1000 to 3000) / 1000 (500 to 1000) requests/s |
| theirs / ours | **0.50** (0.33 to 0.50) | ≤ 0.4 | **no** | 1000 (500 to 1000) / 2000 (1000 to 3000) requests/s |
| ours / ours | **1.00** (1.00 to 1.00) |  |  | 2000 (1000 to 3000) / 2000 (1000 to 3000) requests/s |

- round 1, theirs: 3 timeouts
`,
    ));

  it("are a drawing with a line for each ratio that has a goal", () => {
    const svg = plotOf(results);
    assert.match(svg, /^<svg .*xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
    assert.match(svg, /ours \/ theirs {2}\(≥ 1\)/);
    assert.match(svg, /theirs \/ ours {2}\(≤ 0\.4\)/);
    assert.doesNotMatch(svg, /ours \/ ours/);
  });

  it("become a drawing with room for the longest label", () => {
    const what = "x".repeat(200);
    const label = new RegExp(`translate\\((\\d+),\\d+\\)"[^>]*>${what}`).exec(
      plotOf(results.map((row) => ({ ...row, what }))),
    );
    assert.ok(Number(label?.[1]) > 200 * 6, label?.[1] ?? "no label");
  });
});

describe("the bench's loads", () => {
  const outputs: [string, string | undefined][] = [
    ["Requests/sec:  40398.12\nTransfer/sec: 5MB", undefined],
    ["  Non-2xx or 3xx responses: 7\nRequests/sec:  40398.12", "Non-2xx or 3xx responses: 7"],
    [
      "  Socket errors: connect 0, read 3, write 0, timeout 0\nRequests/sec:  40398.12",
      "Socket errors: connect 0, read 3, write 0, timeout 0",
    ],
  ];
  for (const [output, failures] of outputs)
    it(`reads wrk's throughput ${failures === undefined ? "" : `and ${failures}`}`, () =>
      assert.deepEqual(parseThroughput(output), { rate: 40398.12, failures }));

  it("takes no throughput from a load that did not run", () =>
    assert.throws(() => parseThroughput("unable to connect"), /wrk printed no throughput:\nunable to connect/));

  it("reads vegeta's requests in milliseconds", () =>
    assert.deepEqual(parseRequests("1700000000000000000,200,1500000,\n1700000000002500000,200,250000,\n"), [
      { sent: 1_700_000_000_000, took: 1.5 },
      { sent: 1_700_000_000_002.5, took: 0.25 },
    ]));

  it("takes no latencies from a load with an error", () => {
    assert.throws(
      () => parseRequests("1700000000000000000,502,1500000,502 Bad Gateway\n"),
      /answered with 502: 502 Bad Gateway$/,
    );
    assert.throws(() => parseRequests('1700000000000000000,0,90,"Get: a, b"\n'), /answered with 0: "Get: a, b"$/);
    assert.throws(() => parseRequests(""), /no request/);
  });

  it("counts a request's time from when it was due, not from when a connection was free for it", () =>
    assert.deepEqual(
      sinceDue(
        [
          { sent: 1000, took: 25 },
          { sent: 1026, took: 5 },
          { sent: 1025, took: 5 },
          { sent: 1029.5, took: 5 },
        ],
        100,
      ),
      [
        { sent: 1000, took: 25 },
        { sent: 1010, took: 20 },
        { sent: 1020, took: 11 },
        { sent: 1029.5, took: 5 },
      ],
    ));

  it("finds percentiles", () => {
    const requests = Array.from({ length: 200 }, (_, index) => ({ sent: 0, took: 200 - index }));
    assert.equal(percentile(requests, 0.99), 198);
    assert.equal(percentile(requests, 1), 200);
    assert.throws(() => percentile([], 0.5), /requests: got none/);
  });
});

describe("the bench's configurations", () => {
  const render = [tunedNginxConfig, plainNginxConfig, haproxyConfig, caddyConfig, ourConfig];
  for (const config of render)
    it(`${config.name} sends to each backend`, () => {
      const text = config(["static-1", "static-2"]);
      assert.match(text, /static-1:5000/);
      assert.match(text, /static-2:5000/);
      assert.match(text, /8080/);
    });

  it("lets a backend say which one it is", () =>
    assert.match(staticBackendConfig("static-7"), /add_header X-Backend static-7;/));
});
