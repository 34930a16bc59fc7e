import assert from "node:assert/strict";
import type { Answer } from "../../scripts/load/exchange";
import { startLoad, type Load, type Profile } from "../../scripts/load/load";
import { docker } from "../../rollout/docker";
import { metricsLogFile } from "../../model/layout";
import { readStatus } from "../../scripts/status";
import { stackFaults } from "../cis";
import { FixtureApp } from "../e2e/app";
import { assertNoneLost } from "../e2e/books";
import { takePort, TestStack } from "../e2e/stack";
import { until } from "../e2e/until";
import { alerts, dashboardExpressions, exporterMetrics } from "../observability/expressions";
import { Prometheus, type Sample } from "./prometheus";

const expecting = (wanted: number) => ({
  check: ({ status }: Answer) => (status === wanted ? undefined : `status ${status}`),
});
const common = { clients: 2, pauseMilliseconds: 4 } as const;

/** What is asked, and as what it is to be counted. */
const rows: readonly (Profile & { readonly counted: string })[] = [
  {
    ...{ name: "kept GET", method: "GET", path: "/", host: "shop.example.test", keepAlive: true, ...common },
    counted: "shop.example.test|shop|2xx",
  },
  {
    ...{ name: "fresh GET", method: "GET", path: "/", host: "www.shop.example.test", keepAlive: false, ...common },
    counted: "www.shop.example.test|shop|2xx",
  },
  {
    ...{ name: "app's 404", method: "GET", path: "/nothing", host: "shop.example.test", keepAlive: true, ...common },
    ...expecting(404),
    counted: "shop.example.test|shop|4xx",
  },
  {
    ...{ name: "POST", method: "POST", path: "/echo", host: "blog.example.test", keepAlive: true, ...common },
    body: () => "x".repeat(2000),
    counted: "blog.example.test|blog|2xx",
  },
  {
    ...{ name: "redirect", method: "GET", path: "/", host: "old.example.test", keepAlive: true, ...common },
    ...expecting(308),
    counted: "old.example.test||3xx",
  },
  {
    ...{ name: "nobody's name", method: "GET", path: "/", host: "else.example.test", keepAlive: false, ...common },
    ...expecting(421),
    counted: "||4xx",
  },
];

describe("metrics, asked by a Prometheus", function () {
  this.timeout(180_000);
  let app: FixtureApp;
  let stack: TestStack;
  let load: Load | undefined;
  let prometheus: Prometheus;
  const [port, connectionsPort] = [takePort(), takePort()];
  const metrics = { port, bindAddress: "127.0.0.1" };

  const sum = async (expression: string) => (await prometheus.query(`sum(${expression})`))[0]?.value ?? 0;
  /** Sums by the labels of an expression, each as a text. */
  const counted = (samples: readonly Sample[], ...names: string[]) =>
    samples.map(({ labels, value }) => `${names.map((name) => labels[name] ?? "").join("|")} ${value}`).sort();
  const inBalancer = async (script: string) =>
    docker("exec", (await stack.containers()).balancer?.id ?? "", "sh", "-c", script);
  const status = async () => readStatus(stack.stackLabel, await stack.outputs());

  before(async () => {
    app = await FixtureApp.create();
    const apps = [
      { name: "shop", path: app.path, hosts: ["shop.example.test", "www.shop.example.test"], count: 2 },
      { name: "blog", path: app.path, hosts: ["blog.example.test"], count: 1 },
    ];
    const redirects = [{ from: "old.example.test", to: "shop.example.test" }];
    stack = await TestStack.create("metrics", { drainSeconds: 4, apps, redirects, metrics });
    await stack.up();
    prometheus = await Prometheus.create({
      requests: `127.0.0.1:${port}`,
      connections: `127.0.0.1:${connectionsPort}`,
    });
    await until("both are asked", 20, async () => (await sum("up")) === 2);
  });
  after(async () => {
    await load?.stop({ graceSeconds: 0 });
    await prometheus?.remove();
    await stack?.remove();
    await app?.remove();
  });

  const startAll = async () => {
    const { url } = await stack.outputs();
    load = startLoad({ url, maxSeconds: 1200, profiles: rows });
    return load;
  };

  it("count each request once, by site, app and class, through a roll, a new file of the log and another balancer", async () => {
    const running = await startAll();
    await until("requests are counted", 20, async () => (await sum("nlb_requests_total")) > 500);
    const logBefore = await inBalancer(`readlink ${metricsLogFile}`);
    // Nothing that mtail knows, in whole lines, between which nginx writes: the file is to be followed by another one.
    const lines = `(("x" x 499) . "\\n") x 2000`;
    await inBalancer(`perl -e 'open my $log, ">>", shift; syswrite $log, ${lines} for 1 .. 35' ${metricsLogFile}`);
    await app.write("2");
    await stack.up();
    await until("another file", 20, async () => (await inBalancer(`readlink ${metricsLogFile}`)) !== logBefore);
    const [balancer = ""] = await stack.urns(/::balancer-nginx$/);
    await stack.up("--replace", balancer);
    const atThat = running.account().sent;
    await until("some more requests", 20, () => running.account().sent > atThat + 500);
    const account = await running.stop();
    assertNoneLost(account, 2000);

    const wanted = new Map<string, number>();
    for (const { name, counted: key } of rows)
      wanted.set(key, (wanted.get(key) ?? 0) + (account.byProfile[name]?.answered ?? 0));
    const expected = [...wanted].map(([key, count]) => `${key} ${count}`).sort();
    const found = async () =>
      counted(await prometheus.query("sum by (site, app, class) (nlb_requests_total)"), "site", "app", "class");
    const isAll = async () => (await sum("nlb_requests_total")) >= account.answered;
    await until("all are counted", 15, isAll).catch(() => undefined);
    assert.deepEqual(await found(), expected);
    const total = (key: RegExp) =>
      [...wanted].reduce((count, [name, value]) => count + (key.test(name) ? value : 0), 0);
    for (const name of ["shop", "blog"]) {
      const requests = total(new RegExp(`\\|${name}\\|`));
      assert.equal(await sum(`nlb_request_seconds_count{app="${name}"}`), requests);
      const retries = await sum(`nlb_retries_total{app="${name}"}`);
      // Each attempt is one whose address was known by then, those of the new version's backends included.
      assert.equal(await sum(`nlb_attempts_total{app="${name}"}`), requests + retries);
    }
    assert.equal((await prometheus.query('nlb_attempts_total{class="2xx", backend!=""} > 0')).length, 6);
  });

  it("never drop, and tell what the stack is", async () => {
    const counters = ["requests_total", "response_bytes_total", "retries_total", "attempts_total"];
    for (const name of [...counters, "request_seconds_count", "attempt_seconds_count"]) {
      assert.notDeepEqual(await prometheus.query(`nlb_${name}`), []);
      assert.deepEqual(await prometheus.query(`resets(nlb_${name}[10m]) > 0`), [], name);
    }
    const { release } = await stack.outputs();
    const told = async (name: string, label: string) => counted(await prometheus.query(name), label);
    await until("the new configuration", 20, async () =>
      (await told("nlb_configuration_info", "id")).includes(`${release.id} 1`),
    );
    assert.deepEqual(await told("nlb_configuration_info", "id"), [`${release.id} 1`]);
    assert.deepEqual(await told("nlb_backends_wanted", "app"), ["blog 1", "shop 2"]);
    await until("all are healthy", 20, async () => (await sum("nlb_backends_healthy")) === 3);
    const [changed] = await prometheus.query("time() - nlb_last_change_timestamp_seconds");
    assert.ok(changed && changed.value > 0 && changed.value < 300, JSON.stringify(changed));
    assert.ok((await sum("nlb_last_change_seconds")) > 0);
    assert.equal(await sum("nginx_up"), 1);
    assert.ok((await sum("nginx_connections_active")) >= 1);
  });

  it("are all that the dashboard and the alerts ask for", async () => {
    const text = await (await fetch(`http://127.0.0.1:${connectionsPort}/metrics`)).text();
    const told = new Set(text.split("\n").map((line) => line.split(/[ {]/)[0]));
    assert.deepEqual(
      exporterMetrics.filter((name) => !told.has(name)),
      [],
    );
    for (const name of ["mtail_lines_total", "process_resident_memory_bytes", "up"])
      assert.notDeepEqual(await prometheus.query(name), [], name);
    // Nothing has failed, and there is no TLS.
    const empty = ["First certificate ends in", "Errors' share, by site", "Time left"];
    const found = new Map<string, boolean>();
    for (const { title, expression } of dashboardExpressions()) {
      const asked = expression.replaceAll(/"\$(?:job|site|app)"/g, '".*"').replaceAll("$__rate_interval", "10m");
      const samples = await prometheus.query(asked);
      found.set(title, (found.get(title) ?? true) && samples.some(({ value }) => !Number.isNaN(value)));
    }
    assert.deepEqual(
      [...found].flatMap(([title, isFull]) => (isFull ? [] : title)),
      empty,
    );
    for (const { expression } of alerts()) await prometheus.query(expression);
  });

  it("are what promtool wants them to be", async () => {
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    const own = text.split("\n").filter((line) => /^(?:# \w+ )?nlb_/.test(line));
    assert.ok(own.length > 100);
    assert.equal(await prometheus.lint(`${own.join("\n")}\n`), "");
  });

  it("take less than 50 MB with 200 backends", async () => {
    const lines = Array.from({ length: 200 }, (_, at) => {
      const address = `192.0.2.${at}:5000`;
      const request = `r|many.example.test|200|0.0${10 + (at % 90)}|900|many|${address}|200|0.0${10 + (at % 90)}`;
      return [`b|${address}|many|many-${at}-0123456789ab`, ...Array.from({ length: 50 }, () => request)].join("\n");
    }).join("\n");
    const balancer = (await stack.containers()).balancer?.id ?? "";
    const chunks = lines.match(/(?:.*\n?){1,800}/g) ?? [];
    for (const chunk of chunks.filter(Boolean))
      await docker("exec", balancer, "sh", "-c", `printf '%s\n' "$0" >>${metricsLogFile}`, chunk.trimEnd());
    await until("they are counted", 20, async () => (await sum('nlb_attempts_total{app="many"}')) === 10_000);
    assert.equal((await prometheus.query('nlb_attempt_seconds_count{app="many"}')).length, 200);
    const most = await prometheus.query("max by (job) (max_over_time(process_resident_memory_bytes[5m]))");
    const megabytes = most.map(({ labels, value }) => `${labels["job"]} ${(value / 1e6).toFixed(1)} MB`).join(", ");
    process.stdout.write(`      at most: ${megabytes}\n`);
    const both = most.reduce((total, { value }) => total + value, 0);
    assert.ok(most.length === 2 && both < 50e6, megabytes);
  });

  it("are told of by the status, and drift is when one has gone, which an update mends", async () => {
    const both = [`http://127.0.0.1:${port}/metrics`, `http://127.0.0.1:${connectionsPort}/metrics`];
    const whole = await status();
    assert.deepEqual(
      whole.metrics,
      both.map((url) => ({ url, health: "running" })),
    );
    assert.deepEqual(whole.drift, []);
    assert.deepEqual(await stackFaults(stack.stackLabel), []);
    const [mtail = ""] = (
      await docker(
        "ps",
        "--quiet",
        "--filter",
        `label=nginx-load-balancer.stack=${stack.stackLabel}`,
        "--filter",
        "label=nginx-load-balancer.role=metrics",
      )
    ).split("\n");
    await docker("stop", mtail);
    assert.deepEqual((await status()).drift, [`What answers a Prometheus at 127.0.0.1:${port} is exited.`]);
    await stack.up();
    assert.deepEqual((await status()).drift, []);
    await until("both are asked", 20, async () => (await sum("up")) === 2);
  });

  it("are switched off and on again under load without a loss, and move to another port", async () => {
    const running = await startAll();
    await until("there is load", 20, () => running.account().sent > 200);
    await stack.configure({ metrics: undefined });
    await stack.up();
    assert.deepEqual((await status()).metrics, []);
    await assert.rejects(fetch(`http://127.0.0.1:${port}/metrics`));
    // One after it: each has the other one's port, or one that nobody has.
    await stack.configure({ metrics: { ...metrics, port: port - 1 } });
    await stack.up();
    await stack.configure({ metrics });
    await stack.up();
    await until("both are asked", 20, async () => (await sum("up")) === 2);
    await until("requests are counted", 20, async () => (await sum('nlb_requests_total{app="shop"}')) > 100);
    assertNoneLost(await running.stop(), 1000);
    assert.deepEqual((await status()).drift, []);
    await stack.engineOk("preview", "--expect-no-changes");
  });

  it("leave nothing behind when the stack goes", async () => {
    await stack.engineOk("destroy");
    assert.deepEqual(await stack.leftovers(), []);
  });
});
