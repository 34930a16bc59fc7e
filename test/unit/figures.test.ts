import assert from "node:assert/strict";
import { figuresOf, readSamples, type Moment } from "../../model/figures";

const text = (requests: number, more = "") => `# HELP nlb_requests_total defined at metrics.mtail:11:9-26
# TYPE nlb_requests_total counter
nlb_requests_total{app="shop",class="2xx",prog="metrics.mtail",site="shop.example"} ${requests}
nlb_requests_total{app="shop",class="5xx",prog="metrics.mtail",site="shop.example"} 20
nlb_requests_total{app="",class="4xx",prog="metrics.mtail",site=""} 7
${more}`;
const moment = (time: number, all: string): Moment => ({ time, samples: readSamples(all) });

describe("figures", () => {
  it("are read as a Prometheus is told them", () =>
    assert.deepEqual(
      readSamples(
        '# TYPE a counter\na 1\nb{c="x\\"y\\\\z\\n",le="+Inf"} 2.5e+3 1795946400000\n\nno value\nd:e{} +Inf\n',
      ),
      [
        { name: "a", labels: {}, value: 1 },
        { name: "b", labels: { c: 'x"y\\z\n', le: "+Inf" }, value: 2500 },
        { name: "d:e", labels: {}, value: Infinity },
      ],
    ));

  it("are what has come between two moments, all and by site", () => {
    const { all, sites } = figuresOf(moment(10, text(100)), moment(15, text(150).replace(" 20\n", " 25\n")));
    assert.deepEqual(all, { requestsPerSecond: 11, errorsPerSecond: 1 });
    assert.deepEqual(sites, {
      "": { requestsPerSecond: 0, errorsPerSecond: 0 },
      "shop.example": { requestsPerSecond: 11, errorsPerSecond: 1 },
    });
  });

  it("count a counter that was not there, or has begun anew, from 0", () => {
    const { all } = figuresOf(moment(0, text(1000, "")), moment(1, text(30, 'nlb_requests_total{site="new"} 5\n')));
    assert.equal(all.requestsPerSecond, 35);
  });

  it("of a backend are those of attempts, with times as Prometheus makes them of buckets", () => {
    const attempts = (counts: readonly number[]) =>
      `nlb_attempts_total{app="shop",backend="shop-0",class="2xx"} ${counts[3]}\nnlb_attempts_total{app="shop",backend="shop-0",class="0xx"} 0\n` +
      ["0.1", "0.2", "0.4", "+Inf"].map((le, at) => `nlb_attempt_seconds_bucket{app="shop",backend="shop-0",le="${le}"} ${counts[at]}\n`).join(""); // prettier-ignore
    const { backends } = figuresOf(moment(0, attempts([10, 10, 10, 10])), moment(10, attempts([50, 90, 110, 110])));
    assert.deepEqual(backends, {
      "shop-0": { requestsPerSecond: 10, errorsPerSecond: 0, p50: 0.1 + 0.1 * (10 / 40), p99: 0.2 + 0.2 * (19 / 20) },
    });
    const slow = figuresOf(moment(0, attempts([0, 0, 0, 0])), moment(1, attempts([0, 0, 0, 2])));
    assert.deepEqual(slow.backends["shop-0"], { requestsPerSecond: 2, errorsPerSecond: 0, p50: 0.4, p99: 0.4 });
  });

  it("have an attempt without an answer as an error, and tell of retries, connections and backends", () => {
    const later = `nlb_attempts_total{backend="a-0",class="0xx"} 4
nlb_retries_total{app="a"} 4
nginx_connections_active 12
nlb_backends_wanted{app="a"} 3
nlb_backends_healthy{app="a"} 2
`;
    const { backends, retriesPerSecond, connections, wanted, healthy } = figuresOf(moment(0, ""), moment(2, later));
    assert.deepEqual(
      { backends, retriesPerSecond, connections, wanted, healthy },
      {
        backends: { "a-0": { requestsPerSecond: 2, errorsPerSecond: 2 } },
        retriesPerSecond: 2,
        connections: 12,
        wanted: { a: 3 },
        healthy: { a: 2 },
      },
    );
  });
});
