import assert from "node:assert/strict";
import { docker } from "../../rollout/docker";
import { FixtureApp, fixtureLoad, type Mode } from "./app";
import { assertNoneLost } from "./books";
import { TestStack, type Outputs } from "./stack";
import type { Load } from "../../scripts/load/load";

describe("changes that fail, under load", function () {
  this.timeout(1_200_000);
  let app: FixtureApp;
  let stack: TestStack;
  let outputs: Outputs;
  let load: Load;

  before(async () => {
    app = await FixtureApp.create();
    stack = await TestStack.create("failed", {
      backendCount: 2,
      drainSeconds: 4,
      healthTimeoutSeconds: 8,
      apps: [{ name: "fixture", path: app.path }],
    });
    outputs = await stack.up();
    load = fixtureLoad(outputs.url, { maxSeconds: 1200, slow: false });
  });
  after(async () => {
    await load?.stop();
    await stack.remove();
    await app.remove();
  });
  beforeEach(() => void load.mark());

  /** Runs an update that has to fail and to leave everything that serves as it was. */
  async function failingUp(...messages: RegExp[]): Promise<void> {
    const before = await stack.liveText();
    const start = Date.now();
    const { code, output } = await stack.engine("up");
    assert.notEqual(code, 0, "the update was to fail");
    for (const message of messages) assert.match(output, message);
    assert.ok(Date.now() - start < 40_000, "it fails within its time-out");
    assert.equal(await stack.liveText(), before, "the live configuration is as it was");
    assertNoneLost(load.mark());
  }

  /** Runs an update that has to work, with exactly the wanted containers afterwards. */
  async function converges(version: string): Promise<void> {
    outputs = await stack.up();
    assertNoneLost(load.mark());
    const { backends } = await stack.containers();
    assert.deepEqual(backends.map(({ alias }) => alias).sort(), outputs.backends.map(({ alias }) => alias).sort());
    assert.equal(await stack.liveText(), outputs.upstreamConfig);
    for (let sent = 0; sent < 10; sent++) assert.equal(await (await fetch(outputs.url)).text(), version);
    await stack.engineOk("preview", "--expect-no-changes");
  }

  const bad: [mode: Mode, messages: RegExp[]][] = [
    [
      "unhealthy",
      [
        /Backend fixture-\d-[0-9a-f]+ (did not get healthy within 8 s|does not run)/,
        /Its last log lines:/,
        /\| .*gunicorn/,
      ],
    ],
    [
      "unhealthy-inside",
      [/Backend fixture-\d-[0-9a-f]+ (did not get healthy within 8 s: its healthcheck fails|does not run)/],
    ],
    ["crash", [/Backend fixture-\d-[0-9a-f]+ does not run/, /\| fixture: crashed as told/]],
    [
      "localhost-only",
      [/Backend fixture-\d-[0-9a-f]+ did not get healthy within 8 s: not reachable through the balancer/],
    ],
  ];
  for (const [mode, messages] of bad) {
    it(`survives a version that is ${mode}, and goes back to the old one`, async () => {
      await app.write(`bad ${mode}`, mode);
      await failingUp(...messages);
      await app.write("v1");
      await converges("v1");
    });
  }

  it("survives a crashing version twice, and goes on to a good one", async () => {
    await app.write("bad", "crash");
    await failingUp(/does not run/);
    await failingUp(/does not run/);
    await app.write("v2");
    await converges("v2");
  });

  it("survives an image that doesn't build", async () => {
    await app.breakBuild(true);
    await failingUp(/images-fixture/, /failed to solve: .*pip install/);
    await app.breakBuild(false);
    await converges("v2");
  });

  it("shows nginx's own words for a configuration that it refuses", async () => {
    await stack.configure({ serverConfig: "no_such_directive on;" });
    await failingUp(/nginx refuses the configuration:/, /unknown directive "no_such_directive"/);
    await stack.configure({ serverConfig: undefined });
    await converges("v2");
  });

  it("finds out beside the live balancer that clients would get errors", async () => {
    await stack.configure({ serverConfig: "return 503;" });
    await failingUp(/a client that asks for \/health gets 503/);
    await stack.configure({ serverConfig: undefined });
    await converges("v2");
  });

  it("puts the previous configuration back when the public address fails after the reload", async () => {
    const before = await stack.liveText();
    await stack.configure({ serverConfig: 'if ($server_port = "8080") {\n  return 503;\n}' });
    const { code, output } = await stack.engine("up");
    assert.notEqual(code, 0);
    assert.match(
      output,
      /At the balancer's address http:\/\/127\.0\.0\.1:\d+ a client that asks for \/health gets 503\. The previous configuration is back\./,
    );
    assert.equal(await stack.liveText(), before);
    load.mark();
    assert.equal((await fetch(outputs.url)).status, 200);
    await stack.configure({ serverConfig: undefined });
    await converges("v2");
  });

  describe("with a new balancer at the same time, on an idle host", () => {
    let balancer: string[];

    before(async () => {
      await load.stop();
      balancer = await stack.urns(/::balancer-nginx$/);
    });

    const replacing = async (serverConfig: string | undefined) => {
      await stack.configure({ serverConfig });
      return stack.engine("up", "--replace", ...balancer);
    };

    it("brings in another configuration: only the new one is asked what clients ask", async () => {
      const { code, output } = await replacing("add_header X-Fixture new always;");
      assert.equal(code, 0, output);
      outputs = await stack.outputs();
      assert.equal((await fetch(outputs.url)).headers.get("X-Fixture"), "new");
    });

    it("has the older balancer serve again when the public address fails", async () => {
      const before = await stack.liveText();
      const { code, output } = await replacing('if ($server_port = "8080") {\n  return 503;\n}');
      assert.notEqual(code, 0);
      assert.match(output, /a client that asks for \/health gets 503\. The previous configuration is back\./);
      assert.equal(await stack.liveText(), before);
      assert.equal((await fetch(outputs.url)).status, 200);
      const rows = await docker("container", "inspect", "--format", "{{.State.Running}}", outputs.balancer);
      assert.equal(rows.trim(), "true");
      await stack.configure({ serverConfig: undefined });
      outputs = await stack.up();
      assert.equal((await fetch(outputs.url)).status, 200);
      await stack.engineOk("preview", "--expect-no-changes");
    });
  });
});
