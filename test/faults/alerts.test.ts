import assert from "node:assert/strict";
import { alertRules, Prometheus } from "./prometheus";

describe("alerts", function () {
  this.timeout(120_000);
  let prometheus: Prometheus;
  before(async () => (prometheus = await Prometheus.create({})));
  after(() => prometheus?.remove());

  it("are rules that promtool takes", async () => {
    assert.match(await prometheus.promtool("check", "rules", alertRules), /SUCCESS: \d+ rules found/);
  });

  it("fire on what they are for, and on nothing else", async () => {
    assert.match(await prometheus.promtool("test", "rules", "/data/test/observability/alerts.test.yml"), /SUCCESS/);
  });
});
