import assert from "node:assert/strict";
import { request, type IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { text as readAll } from "node:stream/consumers";
import { docker, tryDocker } from "../../rollout/docker";
import type { Load } from "../../scripts/load/load";
import { readStatus } from "../../scripts/status";
import { FixtureApp, fixtureLoad } from "./app";
import { assertNoneLost } from "./books";
import { NamelessVolumes, ofStack } from "./nameless-volumes";
import { TestStack, type Outputs } from "./stack";
import { until } from "./until";

describe("changes under load", function () {
  this.timeout(1_200_000);
  let app: FixtureApp;
  let stack: TestStack;
  let outputs: Outputs;
  let load: Load;
  let volumes: NamelessVolumes;

  before(async () => {
    app = await FixtureApp.create();
    stack = await TestStack.create("changes", {
      backendCount: 2,
      drainSeconds: 8,
      healthTimeoutSeconds: 20,
      apps: [{ name: "fixture", path: app.path }],
    });
    volumes = await NamelessVolumes.watch(ofStack(stack.stackLabel));
    outputs = await stack.up();
    load = fixtureLoad(outputs.url, { maxSeconds: 1200 });
  });
  after(async () => {
    const sending = load?.sending;
    await load?.stop();
    await stack.remove();
    await app.remove();
    assert.ok(sending, "the load went on to the end");
    assertNoneLost(load.total());
    assert.deepEqual(await volumes.abandoned(), [], "volumes went with their containers");
    await volumes.close();
  });
  beforeEach(() => void load.mark());

  const healthyBackends = async () => {
    const filters = [`label=nginx-load-balancer.stack=${stack.stackLabel}`, "label=nginx-load-balancer.role=backend"];
    const options = [...filters, "health=healthy"].flatMap((filter) => ["--filter", filter]);
    return (await docker("ps", "--quiet", ...options)).split("\n").filter(Boolean).length;
  };

  it("scales 2 -> 10 -> 2 and loses nothing", async () => {
    await stack.configure({ backendCount: 10 });
    outputs = await stack.up();
    assert.equal(outputs.lastChange.added.length, 8);
    assertNoneLost(load.mark());
    await stack.configure({ backendCount: 2 });
    outputs = await stack.up();
    assert.equal(outputs.lastChange.removed.length, 8);
    assertNoneLost(load.mark());
  });

  it("scales to and from one backend, rolls a single one, and loses nothing", async () => {
    await stack.configure({ backendCount: 1 });
    await stack.up();
    await stack.configure({ revision: "single" });
    await stack.up();
    await stack.configure({ backendCount: 2 });
    await stack.up();
    assertNoneLost(load.mark());
  });

  it("rolls all backends, at no time with fewer healthy ones, and none of the old version answers afterwards", async () => {
    await until("all are healthy", 30, async () => (await healthyBackends()) === 2);
    await app.write("v2");
    let rolled = false;
    const roll = stack.up().finally(() => (rolled = true));
    const counts: number[] = [];
    while (!rolled) counts.push(await healthyBackends());
    outputs = await roll;
    assert.ok(counts.length > 10 && Math.min(...counts) >= 2, `healthy backends during the roll: ${counts.join(" ")}`);
    assertNoneLost(load.mark());
    // What is sent from here on, after `up` has returned, is answered by the new version alone.
    await until("many requests were sent", 20, async () => (load.account().byTag["v2"] ?? 0) > 300);
    assert.deepEqual(Object.keys(load.mark().byTag), ["v2"]);
  });

  it("applies a balancer setting by one reload of the same container", async () => {
    const { balancer } = outputs;
    await stack.configure({ requestTimeoutSeconds: 30 });
    outputs = await stack.up();
    assert.equal(outputs.balancer, balancer);
    assert.deepEqual([outputs.lastChange.added, outputs.lastChange.removed], [[], []]);
    assertNoneLost(load.mark());
    assert.deepEqual((await readStatus(stack.stackLabel, outputs)).drift, []);
  });

  it("leaves the backends as they are for another app, another spelling of a path and more time to start", async () => {
    const before = outputs.backends.map(({ containerName }) => containerName);
    const startPeriods = async () => {
      const format = "{{.Config.Healthcheck.StartPeriod}}";
      const names = outputs.backends.map(({ containerName }) => containerName);
      return (await docker("inspect", "--format", format, ...names)).split("\n").filter(Boolean).sort();
    };
    const apps = ["fixture", "second"].map((name) => ({ name, path: `${app.path}/` }));
    await stack.configure({ backendCount: 3, healthTimeoutSeconds: 180, apps });
    outputs = await stack.up();
    const names = outputs.backends.map(({ containerName }) => containerName);
    assert.deepEqual([outputs.lastChange.added.length, outputs.lastChange.removed], [1, []]);
    assert.deepEqual(
      before.filter((name) => !names.includes(name)),
      [],
    );
    assert.deepEqual(await startPeriods(), ["1m0s", "1m0s", "3m0s"]);
    await stack.engineOk("preview", "--refresh", "--expect-no-changes");
    // An edit is seen under this spelling, too, and what is new has all of the new settings.
    await app.write("v3");
    outputs = await stack.up();
    assert.deepEqual(await startPeriods(), ["3m0s", "3m0s", "3m0s"]);
    assertNoneLost(load.mark());
    await stack.configure({ backendCount: 2, healthTimeoutSeconds: 20, apps: [{ name: "fixture", path: app.path }] });
    outputs = await stack.up();
    assert.equal(outputs.lastChange.added.length, 0);
    assertNoneLost(load.mark());
  });

  it("takes uploads that are larger together than its file system in memory", async () => {
    const [megabytes, clients] = [8, 16];
    const { port } = new URL(outputs.url);
    const body = Buffer.alloc(megabytes * 1_000_000);
    const uploads = Array.from({ length: clients }, () => {
      const upload = request({ port, method: "POST", path: "/length", headers: { "Content-Length": body.length } });
      const answer = new Promise<string>((resolve, reject) => {
        upload.on("error", reject).on("response", (response) => resolve(readAll(response)));
      });
      return { upload, answer };
    });
    // All but the last byte of each, so that none of them is done before the balancer has the others, too.
    await Promise.all(
      uploads.map(({ upload, answer }) =>
        Promise.race([answer, new Promise((sent) => upload.write(body.subarray(1), sent))]),
      ),
    );
    for (const { upload } of uploads) upload.end(body.subarray(0, 1));
    const answers = await Promise.all(uploads.map(({ answer }) => answer));
    assert.deepEqual(new Set(answers), new Set([String(body.length)]));
  });

  it("has an answer on disk that its client takes slowly", async () => {
    await stack.configure({ maxBodyMb: 40 });
    outputs = await stack.up();
    const { port } = new URL(outputs.url);
    // More than the kernel keeps for the connections on the way.
    const body = Buffer.alloc(30_000_000, "a");
    const sent = request({ port, method: "POST", path: "/echo", headers: { "Content-Length": body.length } }).end(body);
    const response = await new Promise<IncomingMessage>((resolve, reject) =>
      sent.on("error", reject).on("response", resolve),
    );
    const files = "ls -l /proc/[0-9]*/fd 2>/dev/null | grep -c ' /var/spool/nginx/proxy/.* (deleted)'";
    await until("what it has not taken is there", 10, async () => {
      const { stdout } = await tryDocker("exec", outputs.balancer, "sh", "-c", files);
      return Number(stdout) > 0;
    });
    assert.equal((await readAll(response)).length, body.length);
    await stack.configure({ maxBodyMb: undefined });
  });

  it("tells an app who its client is: what nginx sees, or what a proxy in front has said", async () => {
    const claims = {
      "X-Real-IP": "192.0.2.1",
      "X-Forwarded-For": "192.0.2.1",
      "X-Forwarded-Proto": "https",
      "X-Forwarded-Host": "shop.example",
    };
    const told = async (headers: Record<string, string>) =>
      (await (await fetch(`${outputs.url}/told`, { headers })).json()) as Record<string, string | null>;
    const seen = await told({});
    const address = seen["HTTP_X_REAL_IP"] ?? "";
    assert.deepEqual(seen, {
      HTTP_HOST: new URL(outputs.url).host,
      HTTP_X_REAL_IP: address,
      HTTP_X_FORWARDED_FOR: address,
      HTTP_X_FORWARDED_PROTO: "http",
      HTTP_X_FORWARDED_HOST: null,
    });
    assert.equal(isIP(address), 4);
    assert.deepEqual(await told(claims), seen);
    await stack.configure({ behindProxy: true });
    outputs = await stack.up();
    assert.deepEqual(await told(claims), {
      HTTP_HOST: new URL(outputs.url).host,
      HTTP_X_REAL_IP: "192.0.2.1",
      HTTP_X_FORWARDED_FOR: `192.0.2.1, ${address}`,
      HTTP_X_FORWARDED_PROTO: "https",
      HTTP_X_FORWARDED_HOST: "shop.example",
    });
    assert.deepEqual(await told({}), seen);
  });
});
