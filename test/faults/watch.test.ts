import assert from "node:assert/strict";
import { start, type Started } from "../../lib/process";
import type { Load } from "../../scripts/load/load";
import { projectRoot } from "../../scripts/setup/project";
import type { Watched } from "../../scripts/watch/observe";
import { FixtureApp, fixtureLoad } from "../e2e/app";
import { assertNoneLost } from "../e2e/books";
import { TestStack, takePort, type Outputs } from "../e2e/stack";
import { until } from "../e2e/until";

describe("npm run watch, on the real engine, under load", function () {
  this.timeout(300_000);
  let app: FixtureApp;
  let stack: TestStack;
  let outputs: Outputs;
  let load: Load;
  let watching: Started | undefined;

  const seen = (): Watched[] =>
    (watching?.output() ?? "")
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Watched);

  before(async () => {
    app = await FixtureApp.create();
    await app.write("v1");
    const [port] = [takePort(), takePort()];
    stack = await TestStack.create("watch", {
      backendCount: 2,
      drainSeconds: 4,
      metrics: { port },
      apps: [{ name: "fixture", path: app.path }],
    });
    outputs = await stack.up();
    load = fixtureLoad(outputs.url, { slow: false });
    const { PULUMI_BACKEND_URL, PULUMI_CONFIG_PASSPHRASE } = stack.environment();
    const script = ["-r", "./scripts/typescript.cjs", "scripts/watch.ts", "--stack", stack.name, "--json"];
    watching = start(process.execPath, script, {
      cwd: projectRoot,
      env: { PULUMI_BACKEND_URL, PULUMI_CONFIG_PASSPHRASE },
    });
  });
  after(async () => {
    watching?.killAll("SIGKILL");
    await load?.stop();
    await stack?.remove();
    await app?.remove();
  });

  it("has as many requests a second as its clients ask, of each backend its part", async () => {
    await until("figures of whole windows", 60, () => seen().filter(({ figures }) => figures).length > 7);
    const before = load.mark();
    const from = seen().length;
    await until("ten more", 30, () => seen().length > from + 10);
    const { sent, seconds } = { sent: load.mark().sent, seconds: 10 };
    assert.ok(before.sent > 0);
    const rates = seen().slice(-4).map(({ figures }) => figures?.all.requestsPerSecond ?? 0); // prettier-ignore
    const mean = rates.reduce((sum, one) => sum + one, 0) / rates.length;
    const asked = sent / seconds;
    assert.ok(mean > asked * 0.6 && mean < asked * 1.5, `${mean} a second of ${asked}`);
    const { figures, backends, balancer, configuration, problem } = seen().at(-1) as Watched;
    assert.deepEqual([balancer, configuration, problem], ["healthy", outputs.lastChange.configAfter, undefined]);
    assert.deepEqual(backends.map(({ alias }) => alias), outputs.backends.map(({ alias }) => alias).sort()); // prettier-ignore
    for (const { alias } of backends) assert.ok((figures?.backends[alias]?.requestsPerSecond ?? 0) > mean / 4, alias);
    assert.equal(figures?.all.errorsPerSecond, 0);
    assert.ok((figures?.connections ?? 0) > 0);
  });

  it("has the steps of a roll while it goes on, and then the new backends", async () => {
    await app.write("v2");
    outputs = await stack.up();
    assertNoneLost(load.mark());
    await until("nothing goes on any more", 10, () => seen().at(-1)?.change === undefined);
    const steps = new Set(seen().flatMap(({ change }) => change?.step ?? []));
    assert.ok(steps.size > 0, [...steps].join());
    for (const step of steps) assert.ok(step in outputs.lastChange.seconds, step);
    assert.deepEqual(seen().at(-1)?.backends.map(({ alias }) => alias), outputs.backends.map(({ alias }) => alias).sort()); // prettier-ignore
  });

  it("ends at Ctrl-C, which what it has started hears of, too", async () => {
    watching?.killAll("SIGINT");
    const ended = await watching?.ended;
    assert.deepEqual([ended?.code, ended?.stderr], [0, ""]);
  });
});
