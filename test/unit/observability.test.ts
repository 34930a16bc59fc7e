import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../../scripts/setup/project";
import { alerts, dashboard, dashboardExpressions, faultsOf, knownMetrics, namesIn } from "../observability/expressions";

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
  const rules = alerts();

  it("name metrics and labels that there are", () => {
    assert.ok(rules.length >= 12);
    assert.deepEqual(
      rules.flatMap(({ expression, shown }) => faultsOf(expression, shown)),
      [],
    );
  });

  it("say how bad it is, and what to do, by commands that there are", () => {
    const { scripts } = JSON.parse(read("package.json")) as { readonly scripts: Readonly<Record<string, string>> };
    for (const { text, title } of rules) {
      assert.match(text, /severity: (?:critical|warning)\n[^]*summary: \S[^]*description: \S/, title);
      const commands = [...text.matchAll(/npm run ([\w:]+)/g)].map(([, command = ""]) => command);
      assert.ok(commands.length > 0, title);
      assert.deepEqual(
        commands.filter((command) => !(command in scripts)),
        [],
        title,
      );
    }
  });

  it("are each seen to fire by a test", () => {
    const tests = read("test/observability/alerts.test.yml");
    const fired = [...tests.matchAll(/labels: '\{[^']*alertname="(\w+)"/g)].map(([, name]) => name);
    assert.deepEqual([...new Set(fired)].sort(), rules.map(({ title }) => title).sort());
  });
});

describe("the dashboard", () => {
  const { schemaVersion, panels, templating } = dashboard();
  const variables = templating.list.map(({ name }) => name);

  it("names metrics and labels that there are, and shows labels that are left", () => {
    const expressions = dashboardExpressions();
    assert.ok(expressions.length > 25);
    assert.deepEqual(
      expressions.flatMap(({ expression, shown }) => faultsOf(expression, shown)),
      [],
    );
    for (const { query } of templating.list.slice(1)) {
      const [, metric = "", label = ""] = /^label_values\((\w+), (\w+)\)$/.exec(typeof query === "string" ? query : query.query) ?? []; // prettier-ignore
      assert.deepEqual(faultsOf(metric, [label]), []);
    }
  });

  it("names variables that it has, and asks no other source than the one that is chosen", () => {
    assert.deepEqual(variables, ["datasource", "job", "site", "app"]);
    const named = new Set([...JSON.stringify(dashboard()).matchAll(/\$\{?(\w+)/g)].map(([, name]) => name));
    assert.deepEqual([...named].sort(), [...variables, "__rate_interval", "__all"].sort());
    const sources = [...JSON.stringify(dashboard()).matchAll(/"uid":"([^"]*)"/g)].map(([, uid]) => uid);
    assert.deepEqual([...new Set(sources)].sort(), ["${datasource}", "nginx-load-balancer"]);
  });

  it("has its rows, and no panel over another", () => {
    assert.equal(schemaVersion, 42);
    const rows = panels.filter(({ type }) => type === "row").map(({ title }) => title);
    assert.deepEqual(rows, ["Overview", "Sites", "Apps", "Backends", "Changes", "Certificates"]);
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
    const taken = new Map<string, string>();
    for (const { title, gridPos } of panels) {
      assert.ok(gridPos.x + gridPos.w <= 24, title);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          assert.equal(taken.get(`${x},${y}`), undefined, title);
          taken.set(`${x},${y}`, title);
        }
    }
  });
});
