import assert from "node:assert/strict";
import { docker, tryDocker } from "../../rollout/docker";
import { listContainers } from "../../rollout/containers";
import { readStatus } from "../../scripts/status";
import type { Load } from "../../scripts/load/load";
import { FixtureApp, fixtureLoad } from "../e2e/app";
import { assertNoneLost } from "../e2e/books";
import { TestStack } from "../e2e/stack";
import { until } from "../e2e/until";

/** What the command does is told to it by files of its volume; what it did, it tells by lines of another one. */
const script = `
cd /data
echo "$(cat /app/version.txt) begins, $GREETING"
echo "begin $(cat /app/version.txt)" >> runs
while [ -e hold ]; do sleep 0.1; done
if [ -e fail ]; then echo "the table is locked"; exit 3; fi
echo "end $(cat /app/version.txt)" >> runs
`;

describe("a command before the switch", function () {
  this.timeout(600_000);
  let app: FixtureApp;
  let stack: TestStack;
  let load: Load;
  const volume = `before-switch-data-${process.pid}`;

  /** Does something to the volume, as any container could. */
  const onVolume = async (command: string) => {
    const { pythonImage } = await stack.baseImages();
    const mounted = ["--rm", "--user", "0", "--volume", `${volume}:/data`, "--workdir", "/data"];
    return docker("run", ...mounted, "--entrypoint", "sh", pythonImage, "-c", command);
  };
  const runs = async () => (await onVolume("cat runs 2>/dev/null || true")).split("\n").filter(Boolean);
  const commands = async () => (await listContainers(stack.stackLabel)).filter(({ role }) => role === "before-switch");

  /** Starts an update to a version whose command waits until it is let go on. */
  const begin = async (version: string) => {
    await onVolume("touch hold; : > runs");
    await app.write(version);
    const run = stack.start("up");
    await until("the command's first line", 240, async () => run.hasEnded() || (await runs()).length > 0);
    assert.equal(run.hasEnded(), false, run.output());
    return run;
  };
  /** Starts an update that waits for the command of one that was killed. */
  const waiting = async () => {
    const run = stack.start("up");
    await until("the wait for the command", 60, () => run.hasEnded() || /still runs/.test(run.output()));
    assert.equal(run.hasEnded(), false, run.output());
    return run;
  };

  before(async () => {
    app = await FixtureApp.create();
    await app.write("v1");
    await docker("volume", "create", volume);
    stack = await TestStack.create("before-switch", {
      backendCount: 2,
      drainSeconds: 4,
      apps: [
        {
          name: "fixture",
          path: app.path,
          volumes: [`${volume}:/data:rw`],
          env: { GREETING: "two\nlines", DOCKER_HOST: "tcp://192.0.2.1:2375" },
        },
      ],
      beforeSwitch: [{ app: "fixture", command: ["sh", "-c", script] }],
    });
    // Docker gives an empty volume the rights that its place has in the image.
    await onVolume("touch runs; chmod 777 . runs");
  });
  after(async () => {
    await load?.stop();
    await stack?.remove();
    await app?.remove();
    await tryDocker("volume", "rm", volume);
  });

  it("is run once, with the image and the environment of the app, before there are backends", async () => {
    const run = await begin("v1");
    assert.deepEqual((await stack.containers()).backends, []);
    await onVolume("rm hold");
    const { code, output } = await run.ended;
    assert.equal(code, 0, output);
    assert.match(output, /fixture \| v1 begins, two[^]*fixture \| lines[^]*beforeSwitch of fixture: done in \d+ s/);
    assert.deepEqual(await runs(), ["begin v1", "end v1"]);
  });

  it("is not run again by updates that bring no other release, nor shown by previews and refreshes", async () => {
    await stack.engineOk("preview", "--refresh", "--expect-no-changes");
    await stack.configure({ backendCount: 3, revision: "again" });
    const { url, ...outputs } = await stack.up();
    assert.deepEqual(await runs(), ["begin v1", "end v1"]);
    assert.deepEqual((await readStatus(stack.stackLabel, { url, ...outputs })).drift, []);
    load = fixtureLoad(url, { slow: false, maxSeconds: 600 });
  });

  it("moves nothing where it fails, shows its log, and is run again by the same update", async () => {
    await onVolume("touch fail");
    const before = await stack.containers();
    await app.write("v2");
    load.mark();
    const { code, output } = await stack.engine("up");
    assert.notEqual(code, 0);
    assert.match(
      output,
      /beforeSwitch of fixture: the command ended with 3, after \d+ s\. Nothing has moved; the next update runs it again\. Its last log lines:\n.*\| .*v2 begins, two\n.*lines\n.*\| the table is locked/,
    );
    const { backends, balancer } = await stack.containers();
    assert.deepEqual(
      [balancer?.id, ...backends.map(({ id }) => id)],
      [before.balancer?.id, ...before.backends.map(({ id }) => id)],
    );
    await onVolume("rm fail");
    await stack.up();
    assert.deepEqual(await runs(), ["begin v1", "end v1", "begin v2", "begin v2", "end v2"]);
    assertNoneLost(load.mark(), 1);
    assert.equal((await commands()).length, 1);
  });

  it("is not run again for a release that comes back", async () => {
    await app.write("v1");
    await stack.up();
    await app.write("v2");
    await stack.up();
    assert.equal((await runs()).length, 5);
    assertNoneLost(load.mark(), 1);
  });

  it("goes on where an update is killed, and is waited for by the next one", async () => {
    const killed = await begin("v3");
    killed.kill("SIGKILL");
    await killed.ended;
    await stack.engineOk("cancel", "--yes");
    const next = await waiting();
    await onVolume("rm hold");
    const { output, code } = await next.ended;
    assert.equal(code, 0, output);
    assert.match(output, /beforeSwitch of fixture: has run for this release, in /);
    assert.deepEqual(await runs(), ["begin v3", "end v3"]);
    assertNoneLost(load.mark(), 1);
  });

  it("is waited for by Ctrl-C, which then moves nothing", async () => {
    const run = await begin("v4");
    const ids = async () => (await stack.containers()).backends.map(({ id }) => id);
    const before = await ids();
    run.kill("SIGINT");
    await onVolume("rm hold");
    const { output, code } = await run.ended;
    assert.notEqual(code, 0, output);
    assert.deepEqual(await runs(), ["begin v4", "end v4"]);
    assert.deepEqual(await ids(), before);
    await stack.up();
    assert.deepEqual(await runs(), ["begin v4", "end v4"]);
    assertNoneLost(load.mark(), 1);
  });

  it("is not run again where it has ended before the engine could note it", async () => {
    const killed = await begin("v5");
    killed.kill("SIGKILL");
    await killed.ended;
    await onVolume("rm hold");
    await until("the command's end", 20, async () => (await commands()).every(({ state }) => state !== "running"));
    await stack.engineOk("cancel", "--yes");
    await stack.up();
    assert.deepEqual(await runs(), ["begin v5", "end v5"]);
  });

  it("is waited for, not killed, where the source is put back meanwhile", async () => {
    const killed = await begin("v6");
    killed.kill("SIGKILL");
    await killed.ended;
    await stack.engineOk("cancel", "--yes");
    await app.write("v5");
    const next = await waiting();
    await onVolume("rm hold");
    assert.equal((await next.ended).code, 0, next.output());
    assert.deepEqual(await runs(), ["begin v6", "end v6"]);
    assertNoneLost(load.mark(), 1);
    await stack.engineOk("preview", "--expect-no-changes");
  });

  it("leaves nothing when the stack goes, nor when the setting does", async () => {
    await stack.configure({ beforeSwitch: undefined });
    await stack.up();
    assert.deepEqual(await commands(), []);
    assertNoneLost(load.mark(), 1);
    await load?.stop();
    await stack.engineOk("destroy");
    assert.deepEqual(await stack.leftovers(), []);
  });
});
