import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../../scripts/setup/project";
import { faultsOf, knownMetrics, namesIn } from "../observability/expressions";

const read = (path: string) => readFileSync(join(projectRoot, path), "utf8");

describe("names in expressions", () => {
  it("are found with their labels, whatever stands around them", () => {
    const expression =
      'a_total{x="}y{",z!~"q"} * on (job, x) b{le="1"} / sum by (k) (rate(c_total[5m:30s] offset 1m)) > 3e2 and d unless up == 0.5';
    assert.deepEqual(namesIn(expression), {
      metrics: [
        { name: "a_total", labels: ["x", "z"] },
        { name: "b", labels: ["le"] },
        { name: "c_total", labels: [] },
        { name: "d", labels: [] },
        { name: "up", labels: [] },
      ],
      grouped: ["job", "x", "k"],
    });
  });

  it("are told of when no metric or label is called so", () => {
    const metrics = knownMetrics();
    assert.deepEqual(metrics.get("nlb_requests_total"), ["job", "instance", "site", "app", "class"]);
    assert.deepEqual(metrics.get("nlb_attempt_seconds_bucket"), ["job", "instance", "app", "backend", "le"]);
    assert.deepEqual(metrics.get("nlb_last_change_timestamp_seconds"), ["job", "instance"]);
    assert.equal(metrics.has("nlb_attempt_seconds"), false);
    for (const [expression, shown, fault] of [
      ["nlb_request_total", [], "there is no metric nlb_request_total"],
      ['nlb_retries_total{backend="x"}', [], "nlb_retries_total has no label backend"],
      ["sum by (site) (nlb_retries_total)", [], "nlb_retries_total has no label site"],
      ["sum by (app) (nlb_requests_total)", ["site"], "site is shown, which it has not"],
      ["nlb_retries_total", ["site"], "site is shown, which it has not"],
      ["vector(1)", [], "it names no metric"],
    ] as const)
      assert.deepEqual(faultsOf(expression, shown), [`${expression}: ${fault}`]);
    assert.deepEqual(faultsOf("sum by (app) (nlb_retries_total)", ["app"]), []);
  });
});

describe("alerts", () => {
  const text = read("docs/observability/alerts.yml");
  const rules = text
    .split(/^ +- alert: /m)
    .slice(1)
    .map((rule) => ({
      rule,
      name: rule.split("\n")[0] ?? "",
      expression: /^ +expr: (.+)$/m.exec(rule)?.[1] ?? "",
      shown: [...rule.matchAll(/\$labels\.(\w+)/g)].map(([, label = ""]) => label),
    }));

  it("name metrics and labels that there are", () => {
    assert.ok(rules.length >= 12);
    assert.deepEqual(
      rules.flatMap(({ expression, shown }) => faultsOf(expression, shown)),
      [],
    );
  });

  it("say how bad it is, and what to do, by commands that there are", () => {
    const { scripts } = JSON.parse(read("package.json")) as { readonly scripts: Readonly<Record<string, string>> };
    for (const { rule, name } of rules) {
      assert.match(rule, /severity: (?:critical|warning)\n[^]*summary: \S[^]*description: \S/, name);
      const commands = [...rule.matchAll(/npm run ([\w:]+)/g)].map(([, command = ""]) => command);
      assert.ok(commands.length > 0, name);
      assert.deepEqual(
        commands.filter((command) => !(command in scripts)),
        [],
        name,
      );
    }
  });

  it("are each seen to fire by a test", () => {
    const tests = read("test/observability/alerts.test.yml");
    const fired = [...tests.matchAll(/labels: '\{[^']*alertname="(\w+)"/g)].map(([, name]) => name);
    assert.deepEqual([...new Set(fired)].sort(), rules.map(({ name }) => name).sort());
  });
});
