import assert from "node:assert/strict";
import { stickySchema, stickyToken } from "../../model/policies/sticky";
import { livePlace } from "../../model/layout";
import { docker } from "../../rollout/docker";
import { settings } from "../components";
import { Rig } from "../faults/rig";

const [app] = settings.apps as [(typeof settings.apps)[number]];

describe("clients that come back to the backend that they had", function () {
  this.timeout(120_000);
  let rig: Rig;
  const sticky = { apps: [{ ...app, name: "shop", sticky: stickySchema.parse({ hours: 2, secure: false }) }] };

  before(async () => {
    rig = await Rig.create("sticky", 4, sticky);
  });
  after(() => rig?.remove());

  const cookieIn = ({ headers }: { headers: NodeJS.Dict<string | string[]> }) => String(headers["set-cookie"] ?? "");
  /** A client that keeps its cookies. */
  const browser = () => {
    let cookie = "";
    return async (path = "/") => {
      const answer = await rig.ask(path, { headers: cookie === "" ? {} : { Cookie: `a=b; ${cookie}` } });
      assert.equal(answer.status, 200);
      const [own = ""] = cookieIn(answer).split(";");
      if (own !== "") cookie = own;
      return answer;
    };
  };
  const use = async (...numbers: number[]) => {
    rig.used = numbers.map((number) => rig.backends[number] ?? "");
    await rig.change(sticky);
  };

  it("get a cookie that tells neither the backend's name nor its address", async () => {
    const cookie = cookieIn(await browser()());
    assert.match(cookie, /^sticky-shop=[0-9a-f]{20}; expires=.*; max-age=7200; httponly; samesite=lax; path=\/$/i);
    const answer = await rig.ask("/");
    assert.ok(cookieIn(answer).includes(stickyToken(`${answer.from}-a`)));
  });

  it("are balanced at first, and stay through reloads and more backends; they move once when theirs retires", async () => {
    await use(0, 1, 2);
    const browsers = Array.from({ length: 12 }, browser);
    const all = async () => Promise.all(browsers.map(async (ask) => (await ask()).from));
    const first = await all();
    assert.deepEqual(new Set(first), new Set(rig.backends.slice(0, 3)));
    await use(0, 1, 2, 3);
    for (let round = 0; round < 5; round++) assert.deepEqual(await all(), first);
    await use(1, 2, 3);
    const second = await all();
    for (const [at, from] of second.entries())
      if (first[at] !== rig.backends[0]) assert.equal(from, first[at]);
      else assert.notEqual(from, rig.backends[0]);
    await use(3, 2, 1);
    for (let round = 0; round < 5; round++) assert.deepEqual(await all(), second);
  });

  it("are served by another one while theirs is dead, and stay there", async () => {
    const browsers = Array.from({ length: 12 }, browser);
    const all = async () => Promise.all(browsers.map(async (ask) => (await ask()).from));
    const first = await all();
    await docker("kill", rig.backends[1] ?? "");
    // The cookie of an answer that another one gave in its place is still that of the dead one.
    await all();
    const second = await all();
    assert.ok(second.every((from) => from !== rig.backends[1]));
    assert.ok(second.every((from, at) => first[at] === rig.backends[1] || from === first[at]));
    await rig.start(rig.backends[1] ?? "");
    await rig.change(sticky);
    assert.deepEqual(await all(), second);
  });

  it("don't keep a probe from the backend that it is for", async () => {
    const socket = ["curl", "--silent", "--unix-socket", `${livePlace.folder}/probe.sock`];
    for (const backend of rig.used) {
      const cookie = ["--header", `Cookie: sticky-shop=${stickyToken(`${backend}-a`)}`];
      const answer = await docker(
        "exec",
        rig.name,
        ...socket,
        "--header",
        "X-Probe-Pool: backends",
        ...cookie,
        "--include",
        "http://balancer/",
      );
      assert.match(answer, new RegExp(`X-Backend: ${backend}\\r`));
    }
  });

  it("come and go without a lost request", async () =>
    rig.assertNoneLost("/", [{ apps: [{ ...app, name: "shop" }] }, sticky]));
});
