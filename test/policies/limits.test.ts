import assert from "node:assert/strict";
import { limitSchema } from "../../model/policies/limits";
import { docker, tryDocker } from "../../rollout/docker";
import { until } from "../e2e/until";
import { Rig } from "../faults/rig";

const limitsOf = (...rules: readonly object[]) => ({
  limits: { dryRun: false, rules: rules.map((each) => limitSchema.parse(each)) },
});
/** One in a minute, and some more at first: none comes to it in the time of a test. */
const few = { name: "few", paths: ["/few"], requestsPerSecond: "1/60", burst: 2 };

describe("limits", function () {
  this.timeout(120_000);
  let rig: Rig;
  afterEach(() => rig?.remove());

  /** Statuses of requests that are sent one after the other. */
  async function statuses(path: string, count: number, headers: Record<string, string> = {}): Promise<number[]> {
    const all: number[] = [];
    for (let at = 0; at < count; at++) all.push((await rig.ask(path, { headers })).status);
    return all;
  }

  /** The zones that nginx's log says have refused something. */
  async function refusing(what: string): Promise<string[]> {
    const { stderr } = await tryDocker("logs", rig.name);
    const lines = stderr.split("\n").filter((line) => line.includes(`[warn]`) && line.includes(what));
    return [...new Set(lines.map((line) => /zone "([a-z]+_[a-z]+)_/.exec(line)?.[1] ?? line))].sort();
  }

  it("are for each client, with a burst, and answered with how long to wait, and all else that answers have", async () => {
    const each = { name: "each", requestsPerSecond: 100, burst: 100 };
    const answers = { "X-Frame-Options": "DENY" };
    const headers = [{ hosts: [], paths: ["/"], requests: {}, answers }];
    rig = await Rig.create("limits", 2, { ...limitsOf(few, each), headers });
    assert.deepEqual(await statuses("/few/a", 5), [200, 200, 200, 429, 429]);
    assert.deepEqual(await statuses("/fewer", 2), [200, 200]);
    const answer = await rig.ask("/few", { method: "POST", body: Buffer.from("x") });
    assert.deepEqual(
      [answer.text, answer.headers["retry-after"], answer.headers["content-type"], answer.headers["x-frame-options"]],
      ["Too many requests.\n", "63", "text/plain", "DENY"],
    );
    assert.deepEqual(await refusing("limiting requests, excess"), ["requests_few"]);
  });

  it("are all of those that are for a path, by a header's value, and of all requests together", async () => {
    const keys = { ...few, name: "keys", paths: ["/few/keys"], by: "header X-Api-Key", burst: 1 };
    rig = await Rig.create("limits-by", 2, limitsOf({ ...few, by: "all", burst: 6 }, keys));
    const keyed = async (key: string, count: number) => statuses("/few/keys", count, { "x-api-key": key });
    assert.deepEqual(await keyed("a", 3), [200, 200, 429]);
    assert.deepEqual(await keyed("b", 3), [200, 200, 429]);
    assert.deepEqual(await statuses("/few/keys", 3), [200, 200, 200]);
    assert.deepEqual(await keyed("c", 1), [429]);
    assert.deepEqual(await refusing("limiting requests, excess"), ["requests_few", "requests_keys"]);
  });

  it("go on counting over reloads, also when rates change and rules come and go; by something else, they begin anew", async () => {
    rig = await Rig.create("limits-reload", 2, limitsOf(few));
    assert.deepEqual(await statuses("/few", 4), [200, 200, 200, 429]);
    await rig.change(limitsOf({ name: "a", requestsPerSecond: 1000, burst: 1000, connections: 50 }, few));
    assert.deepEqual(await statuses("/few", 1), [429]);
    await rig.change(limitsOf({ ...few, requestsPerSecond: "2/60", burst: 3 }));
    assert.deepEqual(await statuses("/few", 2), [200, 429]);
    await rig.change(limitsOf({ ...few, by: "all" }));
    assert.deepEqual(await statuses("/few", 4), [200, 200, 200, 429]);
  });

  for (const [what, trust] of [
    ["behind", () => ({ behindProxy: true })],
    ["trusted", (gateway: string) => ({ trustedProxies: [gateway] })],
  ] as const)
    it(`are for the client that a proxy tells: ${what}`, async () => {
      rig = await Rig.create(`limits-${what}`, 2, (gateway) => ({ ...limitsOf(few), ...trust(gateway) }));
      const from = (address: string) => ({ "X-Forwarded-For": address });
      assert.deepEqual(await statuses("/few", 4, from("192.0.2.1")), [200, 200, 200, 429]);
      assert.deepEqual(await statuses("/few", 1, from("192.0.2.2")), [200]);
    });

  it("only log with dryRun", async () => {
    const some = { name: "some", paths: ["/few"], connections: 1 };
    const { limits } = limitsOf(few, some);
    rig = await Rig.create("limits-dry", 2, { limits: { ...limits, dryRun: true } });
    assert.deepEqual(await statuses("/few", 4), [200, 200, 200, 200]);
    const both = await Promise.all([rig.ask("/few?seconds=1"), rig.ask("/few?seconds=1")]);
    assert.deepEqual(
      both.map(({ status }) => status),
      [200, 200],
    );
    assert.deepEqual(await refusing("limiting requests, dry run"), ["requests_few"]);
    assert.deepEqual(await refusing("limiting connections, dry run"), ["connections_some"]);
  });

  it("bound what is open at a time, WebSockets too, beside the spool, which answers of other paths go on to have", async () => {
    const some = { name: "some", paths: ["/some"], connections: 2 };
    rig = await Rig.create("limits-open", 2, { ...limitsOf(some), spoolMb: 2048 });
    const slow = [0, 1, 2].map(() => rig.ask("/some?seconds=1"));
    const answers = (await Promise.all(slow)).map(({ status, headers }) => `${status} ${headers["retry-after"] ?? ""}`);
    assert.deepEqual(answers.sort(), ["200 ", "200 ", "429 1"]);
    assert.deepEqual(await refusing("limiting connections by"), ["connections_some"]);
    const upgrade = ["Host: a", "Connection: upgrade", "Upgrade: websocket"];
    const sockets = await Promise.all([0, 1, 2].map(() => rig.raw("GET /some/upgrade?stays=1 HTTP/1.1", ...upgrade)));
    assert.deepEqual(sockets.map((text) => text.slice(9, 12)).sort(), ["101", "101", "429"]);
    // nginx hears of it a moment later that their clients have gone.
    await until("a request finds room again", 10, async () => (await rig.ask("/some")).status === 200);
    const large = "?bytes=30000000";
    const spooled = async () =>
      Number(
        (await docker("exec", rig.name, "df", "--output=used", "--block-size=1M", "/var/spool/nginx")).split("\n")[1],
      );
    const direct = rig.ask(`/some${large}`, { bytesPerSecond: 2e7 });
    assert.deepEqual([(await direct).status, await spooled()], [200, 0]);
    const kept = rig.ask(`/other${large}`, { bytesPerSecond: 5e6 });
    await until("it is on the disk", 20, async () => (await spooled()) > 10);
    assert.equal((await kept).bytes, 30e6);
  });

  it("lose nothing that they don't refuse when they come, change and go", async () => {
    rig = await Rig.create("limits-on", 2);
    const wide = { name: "wide", requestsPerSecond: 50_000, burst: 10_000, connections: 1000 };
    await rig.assertNoneLost("/a", [limitsOf(wide, few), limitsOf({ ...wide, connections: undefined, by: "all" }), {}]);
  });
});
