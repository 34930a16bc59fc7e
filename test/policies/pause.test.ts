import assert from "node:assert/strict";
import { Agent } from "node:http";
import { connect } from "node:net";
import { text as readAll } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { controlCommand, livePlace } from "../../model/layout";
import { accessRule } from "../../model/policies/access";
import { limitSchema } from "../../model/policies/limits";
import { docker } from "../../rollout/docker";
import { settings } from "../components";
import { until } from "../e2e/until";
import { CertifiedHost } from "../faults/certified";
import { Rig } from "../faults/rig";

const [app] = settings.apps as [(typeof settings.apps)[number]];
const apps = [
  { ...app, name: "shop", hosts: ["shop.example"] },
  { ...app, name: "api", hosts: ["shop.example"], paths: ["/api"], stripPrefix: true },
  { ...app, name: "rest" },
];
/** Longer than a test takes. */
const holdSeconds = 50;
const pause = (more: { sites?: string[]; holdSeconds?: number } = {}) => ({ sites: [], holdSeconds, ...more });

describe("pause", function () {
  this.timeout(120_000);
  let host: CertifiedHost;
  let rig: Rig;
  let open: Parameters<Rig["change"]>[0];

  before(async () => {
    host = await CertifiedHost.create();
    open = { apps, drainSeconds: holdSeconds + 1, tls: host.settings() };
    rig = await Rig.create("pause", 3, open);
  });
  after(async () => {
    await rig?.remove();
    await host?.remove();
  });

  const ask = (name: string, path = "/", more: object = {}) => rig.ask(path, { headers: { Host: name }, ...more });

  /** Until so many wait: nginx works on each, and on what each has asked the balancer's own server. */
  const untilWaiting = async (count: number) =>
    until(`${count} requests wait`, 15, async () => {
      const text = await docker("exec", rig.name, ...controlCommand(livePlace.folder, "/connections"));
      return Number(/Writing: (\d+)/.exec(text)?.[1]) > 2 * count;
    });

  /** Ends a pause when all that is asked waits, and gives what came of it. */
  async function afterPause<T>(asked: readonly Promise<T>[], after = open): Promise<T[]> {
    let answered = 0;
    for (const one of asked) void one.then(() => answered++);
    await untilWaiting(asked.length);
    assert.equal(answered, 0);
    await rig.change(after);
    return Promise.all(asked);
  }

  it("holds requests of any kind until it is taken away, over other updates, too; then backends get each once", async () => {
    await rig.change({ ...open, pause: pause() });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const body = Buffer.alloc(5 << 20, "a");
    const paths = ["/api/a%20b?c=%2F", "/", "/", "/"].map((path) => rig.path(path));
    const [encoded = "", posted = "", kept = "", keptNext = ""] = paths;
    const socket = await host.handshake(await host.connect(rig.host), "h2");
    const http2 = host.askTogether(socket, "/http2", Array<Record<string, string>>(20).fill({}));
    const asked = [
      ask("shop.example", encoded),
      ask("any.example", posted, { method: "POST", body, agent: new Agent({ keepAlive: true }) }),
      ask("any.example", kept, { agent }).then(async () => ask("any.example", keptNext, { agent })),
    ];
    await untilWaiting(23);
    await rig.change({ ...open, pause: pause(), accessLog: "errors" });
    const before = await rig.seen();
    assert.deepEqual(
      [...paths, "/http2"].map((path) => before(path.replace("/api", ""))),
      [0, 0, 0, 0, 0],
    );
    const answers = await afterPause(asked);
    assert.deepEqual(
      answers.map(({ status, text, headers }) => [status, text, headers["x-target"]]),
      [
        [200, "0", encoded.slice(4)],
        [200, String(body.length), posted],
        [200, "0", keptNext],
      ],
    );
    const statuses = (await http2).map(({ status }) => status);
    const seen = await rig.seen();
    assert.deepEqual([statuses, seen("/http2")], [Array(20).fill(200), 20]);
    assert.deepEqual(
      paths.map((path) => seen(path.replace("/api", ""))),
      [1, 1, 1, 1],
    );
  });

  it("lets the requests of a site go on that is named no more", async () => {
    await rig.change({ ...open, pause: pause() });
    const [shop, rest] = [ask("shop.example"), ask("any.example")];
    let isAnswered = false;
    void shop.then(() => (isAnswered = true));
    await untilWaiting(2);
    await rig.change({ ...open, pause: pause({ sites: ["shop.example"] }) });
    assert.deepEqual([(await rest).status, (await ask("any.example")).status, isAnswered], [200, 200, false]);
    const [answer] = await afterPause([shop]);
    assert.equal(answer?.status, 200);
  });

  it("answers 503 when it takes longer, also in a worker that is to end; an update's own check doesn't wait", async () => {
    const short = { ...open, drainSeconds: 4, pause: pause({ holdSeconds: 3 }) };
    await rig.change(short);
    const [path, asked] = ["/late?seconds=0", [ask("shop.example", "/late?seconds=0"), ask("a.example", "/late", { method: "POST", body: Buffer.alloc(1 << 20) })]]; // prettier-ignore
    await untilWaiting(2);
    await rig.change({ ...short, accessLog: "errors" });
    for (const { status, headers, seconds } of await Promise.all(asked)) {
      assert.deepEqual([status, headers["retry-after"], headers["cache-control"]], [503, "3", "no-store"]);
      assert.ok(seconds >= 3 && seconds < 4, `${seconds} s`);
    }
    const seen = await rig.seen();
    assert.deepEqual([seen(path), seen("/late")], [0, 0]);
    const checked = await rig.ask("/", { headers: { "X-Balancer-Check": "0".repeat(16) } });
    assert.match(`${checked.status} ${String(checked.headers["x-balancer-check"])}`, /^200 0{16} [\d.]+:5000$/);
    assert.equal((await rig.ask("/", { headers: { "X-Balancer-Check": "1".repeat(16) } })).status, 503);
  });

  it("comes after all that nginx answers by itself, and counts no request twice", async () => {
    const limit = { name: "two", paths: ["/two"], requestsPerSecond: "1/60", burst: 1, connections: 5 };
    const settled = {
      ...open,
      redirects: [{ from: "www.shop.example", to: "shop.example" }],
      limits: { dryRun: false, rules: [limitSchema.parse(limit)] },
      access: accessRule.parse([
        { paths: ["/closed"], allow: ["192.0.2.1"] },
        { paths: ["/asked"], authRequest: { app: "rest", path: "/gate", headers: ["X-User"] } },
      ]),
    };
    const maintenance = { sites: ["shop.example"], allow: [], retryAfterSeconds: 9 };
    await rig.change({ ...settled, maintenance, pause: pause() });
    const waiting = [ask("a.example", "/two"), ask("a.example", "/two"), ask("a.example", "/asked/echo")];
    await untilWaiting(3);
    const atOnce = [
      ask("a.example", "/two"),
      ask("a.example", "/closed"),
      ask("a.example", "/asked", { headers: { Host: "a.example", "X-Say": "401" } }),
      ask("www.shop.example"),
      ask("shop.example"),
    ];
    assert.deepEqual(
      (await Promise.all(atOnce)).map(({ status }) => status),
      [429, 403, 401, 308, 503],
    );
    const answers = await afterPause(waiting, settled);
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200],
    );
    assert.match(answers[2]?.text ?? "", /^X-User: someone$/m);
  });

  for (const [what, more] of [
    ["serverConfig", { serverConfig: "auth_request off;\nclient_max_body_size 2m;" }],
    [
      "locationConfig",
      { locations: [{ hosts: [], paths: ["/"], maxBodyMb: 2, locationConfig: "add_header X-Own yes;" }] },
    ],
  ] as const)
    it(`holds requests that are handed on as ${what} says`, async () => {
      await rig.change({ ...open, ...more, pause: pause() });
      const post = async (name: string, path: string, mb: number) =>
        ask(name, path, { method: "POST", body: Buffer.alloc(mb << 20) });
      assert.equal((await post("a.example", "/", 3)).status, 413);
      const asked = [post("a.example", "/a", 1), post("shop.example", "/api/b", 2)];
      assert.deepEqual(
        (await afterPause(asked)).map(({ status, text, headers }) => [status, text, headers["x-target"]]),
        [
          [200, String(1 << 20), "/a"],
          [200, String(2 << 20), "/b"],
        ],
      );
    });

  it("holds WebSockets before they begin, and forgets whoever has gone", async () => {
    await rig.change({ ...open, pause: pause() });
    const gone = rig.path("/gone");
    assert.equal(await rig.raw(`GET ${gone} HTTP/1.1`, "Host: a.example"), "");
    const socket = connect({ host: rig.host, port: 8080 });
    socket.write("GET /upgrade HTTP/1.1\r\nHost: a.example\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
    const answer = readAll(socket);
    await untilWaiting(1);
    await rig.change(open);
    assert.match(await answer, /^HTTP\/1.1 101 [^]*\r\n\r\ntunnel$/);
    assert.equal((await rig.seen())(gone), 0);
  });

  it("answers at the end with a page for 503, if there is one", async () => {
    const pages = { "503.html": "<p>Later</p>" };
    await rig.change({ ...open, pages, pause: pause({ holdSeconds: 1 }) });
    const { status, text, headers } = await ask("a.example");
    assert.deepEqual([status, text, headers["retry-after"]], [503, pages["503.html"], "1"]);
  });

  it("comes and goes without a lost request", async () => {
    await rig.change(open);
    let isOver = false;
    const clients = [new Agent({ keepAlive: true, maxSockets: 1 }), false].map(async (agent) => {
      const lost: number[] = [];
      while (!isOver) {
        const { status, text } = await ask("a.example", "/", { method: "POST", body: Buffer.alloc(300_000), agent });
        if (text !== "300000") lost.push(status);
      }
      return lost;
    });
    await rig.assertNoneLost("/", [{ ...open, pause: pause() }, open], { headers: { Host: "shop.example" } });
    isOver = true;
    assert.deepEqual((await Promise.all(clients)).flat(), []);
  });

  it("answers those that wait with 503 where nginx has been told to end", async () => {
    await rig.change({ ...open, pause: pause() });
    const asked = [ask("a.example"), ask("shop.example", "/api", { method: "POST", body: Buffer.alloc(1 << 20) })];
    await untilWaiting(2);
    await docker("kill", "--signal", "QUIT", rig.name);
    for (const { status, headers } of await Promise.all(asked))
      assert.deepEqual([status, headers["retry-after"]], [503, String(holdSeconds)]);
  });
});

describe("pause of a site that many ask", function () {
  this.timeout(120_000);
  let rig: Rig;
  after(() => rig?.remove());

  it("has 800 for each of nginx's workers wait, and leaves room for other sites", async () => {
    const open = { apps: [apps[0], apps[2]] as typeof apps, drainSeconds: 40, requestTimeoutSeconds: 30 };
    rig = await Rig.create("pause-crowd", 6, open, { workers: 1 });
    await rig.change({ ...open, pause: pause({ sites: ["shop.example"], holdSeconds: 39 }) });
    const answers = new Map<number, number>();
    const asked = Array.from({ length: 1000 }, async (_, at) => {
      // They go on in the turns in which they have come: all at once would be more than a backend takes.
      await sleep(2 * at);
      const { status } = await rig.ask("/", { headers: { Host: "shop.example" } });
      answers.set(status, (answers.get(status) ?? 0) + 1);
    });
    await until("those are refused that find no room", 15, async () => answers.get(503) === 200);
    assert.equal((await rig.ask("/")).status, 200);
    assert.deepEqual([...answers], [[503, 200]]);
    await rig.change(open);
    await Promise.all(asked);
    assert.deepEqual([...answers], [[503, 200], [200, 800]]); // prettier-ignore
  });
});
