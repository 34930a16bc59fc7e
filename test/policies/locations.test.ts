import assert from "node:assert/strict";
import { settings } from "../components";
import { Rig } from "../faults/rig";

const [app] = settings.apps as [(typeof settings.apps)[number]];

describe("what is otherwise for some hosts and paths", function () {
  this.timeout(120_000);
  let rig: Rig;
  const all = { hosts: [], paths: ["/"] };
  const slow = { ...all, paths: ["/slow", "/slower"], requestTimeoutSeconds: 4, maxBodyMb: 1 };
  const idle = { ...all, paths: ["/events"], idleSeconds: 4 };
  const own = {
    ...all,
    paths: ["/own"],
    maxBodyMb: 2,
    locationConfig:
      "proxy_set_header X-Env own;\nadd_header X-Own 'of \"mine\"' always;\nlimit_except GET POST { deny all; }\n",
  };
  const shop = { hosts: ["shop.example"], paths: ["/own"], maxBodyMb: 3 };

  const apps = [
    { ...app, name: "shop", hosts: ["shop.example"] },
    { ...app, name: "rest" },
  ];

  before(async () => {
    rig = await Rig.create("locations", 2, { apps, locations: [slow, idle, own, shop] });
  });
  after(() => rig?.remove());

  const megabytes = (count: number) => ({ method: "POST", body: Buffer.alloc(count << 20) });
  const at = (host: string) => ({ headers: { Host: host } });

  it("is how long a backend may be silent", async () => {
    const [waited, ended] = await Promise.all([rig.ask("/slow?seconds=3"), rig.ask("/a?seconds=3")]);
    assert.deepEqual([waited?.status, ended?.status], [200, 504]);
  });

  it("is how large a body may be", async () => {
    const statusOf = async (path: string, count: number, host = "rest.example") =>
      (await rig.ask(path, { ...megabytes(count), ...at(host) })).status;
    assert.deepEqual(
      await Promise.all([statusOf("/slow?seconds=0", 1), statusOf("/slow?seconds=0", 2), statusOf("/a", 2)]),
      [200, 413, 200],
    );
    assert.deepEqual(
      await Promise.all([
        statusOf("/own", 2),
        statusOf("/own", 3),
        statusOf("/own", 3, "shop.example"),
        statusOf("/own", 4, "shop.example"),
      ]),
      [200, 413, 200, 413],
    );
  });

  it("is how long a stream of events may be silent, and nothing else", async () => {
    const events = { headers: { Accept: "text/event-stream" } };
    const answers = [
      rig.ask("/events?seconds=3", events),
      rig.ask("/events?seconds=3"),
      rig.ask("/a?seconds=3", events),
    ];
    assert.deepEqual(
      (await Promise.all(answers)).map(({ status }) => status),
      [200, 504, 504],
    );
  });

  it("is how long a WebSocket may be silent, also where nothing is spooled", async () => {
    const socket = { headers: { Connection: "Upgrade", Upgrade: "websocket" } };
    for (const spoolMb of [settings.spoolMb, 0]) {
      await rig.change({ apps, locations: [slow, idle, own, shop], spoolMb });
      const answers = await Promise.all([rig.ask("/events?seconds=3", socket), rig.ask("/a?seconds=3", socket)]);
      assert.deepEqual(
        answers.map(({ status }) => status),
        [200, 504],
      );
    }
  });

  it("are directives of nginx", async () => {
    const { text } = await rig.ask("/own/echo", { headers: { Host: "rest.example", "X-Forwarded-For": "192.0.2.1" } });
    assert.match(text, /^Host: rest.example$/m);
    assert.match(text, /^X-Env: own$/m);
    assert.doesNotMatch(text, /192\.0\.2\.1/);
    const answer = await rig.ask("/own/a");
    assert.deepEqual([answer.status, answer.headers["x-own"]], [200, 'of "mine"']);
    assert.equal((await rig.ask("/own", { method: "DELETE" })).status, 403);
    assert.equal((await rig.ask("/owner", { method: "DELETE" })).status, 200);
  });

  it("come and go without a lost request", async () =>
    rig.assertNoneLost("/own", [{ apps }, { apps, locations: [slow, idle, own, shop] }]));
});
