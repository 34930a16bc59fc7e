import assert from "node:assert/strict";
import type { StackFigures } from "../../model/figures";
import type { Watched } from "../../scripts/watch/observe";
import { draw } from "../../scripts/watch/screen";

const figures: StackFigures = {
  all: { requestsPerSecond: 1204.4, errorsPerSecond: 0.2, p50: 0.0031, p99: 0.25 },
  sites: {
    "shop.example.test": { requestsPerSecond: 1200, errorsPerSecond: 0 },
    "": { requestsPerSecond: 4.4, errorsPerSecond: 0.2 },
  },
  backends: { "shop-0-aaaaaaaaaa": { requestsPerSecond: 600, errorsPerSecond: 0, p50: 0.003, p99: 0.02 } },
  retriesPerSecond: 0.4,
  connections: 12,
  wanted: { shop: 2 },
  healthy: { shop: 1 },
};
const watched: Watched = {
  time: "2026-11-29T10:05:04.223Z",
  balancer: "healthy",
  configuration: "0123456789abcdef",
  backends: [
    { alias: "shop-0-aaaaaaaaaa", app: "shop", health: "healthy" },
    { alias: "a-shop-with-a-very-long-name-indeed-1-bbbbbbbbbb", app: "shop", health: "exited" },
  ],
};
const url = "http://127.0.0.1:8080";
const screen = (more: Partial<Watched> = {}, rows = 24) =>
  draw(url, { ...watched, ...more }, rows, (style, text) => (style === "red" ? `!${text}` : text));

describe("the screen of watch", () => {
  it("shows all, sites, and backends as they are", () =>
    assert.deepEqual(screen({ figures, change: { step: "together", seconds: 3 } }), [
      "http://127.0.0.1:8080  healthy  configuration 0123456789abcdef  10:05:04",
      "a change goes on: together, 3 s",
      "connections 12, retries 0.4/s",
      "",
      "                                      req/s errors/s      p50      p99 health",
      "!all                                    1204      0.2   3.1 ms   250 ms",
      "shop.example.test                      1200      0.0        -        -",
      "!(no site)                               4.4      0.2        -        -",
      "",
      "shop-0-aaaaaaaaaa                       600      0.0   3.0 ms    20 ms healthy",
      "!a-shop-with-a-very…ed-1-bbbbbbbbbb      0.0      0.0        -        - exited",
    ]));

  it("says why there are no figures, and is within 80 columns", () => {
    const lines = screen({ problem: `${"x".repeat(90)}`, balancer: "gone" });
    assert.deepEqual(lines.slice(0, 4), [
      "http://127.0.0.1:8080  !gone  configuration 0123456789abcdef  10:05:04",
      "no change goes on",
      `!${"x".repeat(79)}…`,
      "",
    ]);
    assert.ok(screen({ figures }).every((line) => line.replace("!", "").length <= 80));
  });

  it("fits a terminal's rows, and counts what does not", () => {
    const backends = Array.from({ length: 40 }, (_, at) => ({ alias: `a-${at}`, app: "a", health: "healthy" }));
    const lines = screen({ figures, backends }, 20);
    assert.equal(lines.length, 18);
    assert.equal(lines.at(-1), "and 32 more");
  });
});
