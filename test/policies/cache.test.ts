import assert from "node:assert/strict";
import { cacheRule } from "../../model/policies/cache";
import { Rig } from "../faults/rig";

describe("answers that are kept", function () {
  this.timeout(120_000);
  let rig: Rig;
  const cache = cacheRule.parse([{ paths: ["/assets"] }, { paths: ["/assets/all"], seconds: 60 }]);

  before(async () => {
    rig = await Rig.create("cache", 2, { cache, spoolMb: 64 });
  });
  after(() => rig?.remove());

  const age = "sets=Cache-Control:max-age=60";
  /** How often a backend was asked for a path that is asked for some times, one after the other. */
  const asks = async (path: string, times = 3, more: object = {}) => {
    const own = rig.path(path);
    const states = [];
    for (let time = 0; time < times; time++) {
      const { status, headers } = await rig.ask(own, more);
      states.push(`${status} ${headers["x-cache"]}`);
    }
    return [(await rig.seen())(own), ...states] as const;
  };

  it("are those of which the backend says so", async () => {
    assert.deepEqual(await asks(`/assets?bytes=3000000&${age}`), [1, "200 MISS", "200 HIT", "200 HIT"]);
    assert.deepEqual(await asks("/assets"), [3, "200 MISS", "200 MISS", "200 MISS"]);
    assert.deepEqual(await asks(`/elsewhere?${age}`), [3, "200 undefined", "200 undefined", "200 undefined"]);
  });

  it("are all of 200 where it is said for how long", async () => {
    assert.deepEqual(await asks("/assets/all"), [1, "200 MISS", "200 HIT", "200 HIT"]);
    assert.equal((await asks("/assets/all?status=500"))[0], 3);
  });

  it("are none that are for one user", async () => {
    assert.equal((await asks("/assets/all?sets=Set-Cookie:a=b"))[0], 3);
    assert.equal((await asks(`/assets?${age}`, 3, { headers: { Authorization: "Basic YTpi" } }))[0], 3);
    assert.equal((await asks(`/assets?${age},private`))[0], 3);
  });

  it("are got once by many who ask at a time", async () => {
    const own = rig.path(`/assets?seconds=0.5&${age}`);
    const answers = await Promise.all(Array.from({ length: 20 }, () => rig.ask(own)));
    assert.ok(answers.every(({ status }) => status === 200));
    assert.equal((await rig.seen())(own), 1);
  });

  it("outlive a reload, and none that was of another version is given", async () => {
    const own = rig.path(`/assets?${age}`);
    await rig.ask(own);
    await rig.change({ cache, spoolMb: 64, maxBodyMb: 5 });
    assert.equal((await rig.ask(own)).headers["x-cache"], "HIT");
    rig.version = "b";
    await rig.change({ cache, spoolMb: 64 });
    assert.equal((await rig.ask(own)).headers["x-cache"], "MISS");
  });

  it("come and go without a lost request", async () => rig.assertNoneLost(`/assets?${age}`, [{}, { cache }]));
});
