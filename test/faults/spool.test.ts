import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { docker } from "../../rollout/docker";
import { busyness, until } from "../e2e/until";
import type { Answer } from "./asking";
import { Rig } from "./rig";

const megabytes = 30;
const large = `/?bytes=${megabytes * 1e6}`;
const slowly = { bytesPerSecond: 2e6 };

describe("answers that clients take slowly", function () {
  this.timeout(120_000);
  let rig: Rig;
  afterEach(() => rig?.remove());

  /** MiB; nginx removes the files' names as it makes them. */
  const spooled = async (): Promise<number> => {
    const output = await docker("exec", rig.name, "df", "--output=used", "--block-size=1K", "/var/spool/nginx");
    return Number(output.split("\n")[1]) / 1024;
  };
  const download = (count: number) => Array.from({ length: count }, () => rig.ask(rig.path(large), slowly));

  async function othersAreAnswered(downloads: readonly Promise<Answer>[]): Promise<void> {
    const others: Answer[] = [];
    for (let i = 0; i < 20; i++) others.push(await rig.ask(rig.path("/")));
    const haveEnded = await Promise.race([Promise.all(downloads).then(() => true), pause(1, false)]);
    assert.equal(haveEnded, false);
    const wrong = others.filter(({ status, seconds }) => status !== 200 || seconds > busyness());
    assert.deepEqual(wrong, [], await rig.log());
  }

  it("keep no backend waiting: what is asked meanwhile is answered within a second, and they come whole", async () => {
    rig = await Rig.create("slow", 2, { spoolMb: 2048 }, { threads: 4 });
    const downloads = download(16);
    await until("all have begun", 20, async () => (await spooled()) > 200);
    await othersAreAnswered(downloads);
    for (const { status, bytes } of await Promise.all(downloads))
      assert.deepEqual([status, bytes], [200, megabytes * 1e6]);
    await until("the spool is empty", 10, async () => (await spooled()) < 1);
  });

  it("take no more of the disk than the setting says, all of them together", async () => {
    rig = await Rig.create("many", 2, { spoolMb: 16 });
    const downloads = download(80);
    await until("the spool is full", 20, async () => (await spooled()) > 12);
    for (let i = 0; i < 10; i++) {
      await othersAreAnswered(downloads);
      const most = await spooled();
      assert.ok(most < 17, `${most} MiB`);
    }
  });

  it("find room beside streams of events, which have none", async () => {
    rig = await Rig.create("events", 2, { spoolMb: 2048, requestTimeoutSeconds: 20 });
    const headers = { Accept: "text/event-stream" };
    const path = rig.path("/slow?seconds=8");
    const streams = Array.from({ length: 80 }, () => rig.ask(path, { headers }));
    await until("all are open", 5, async () => (await rig.seen())(path) === streams.length);
    const downloads = download(2);
    await until("the downloads are on the disk", 6, async () => (await spooled()) > 20);
    for (const { status } of await Promise.all([...streams, ...downloads])) assert.equal(status, 200);
  });

  it("are cut when the disk is full, and nothing else is", async () => {
    rig = await Rig.create("full", 2, { spoolMb: 2048 }, { spool: "8m" });
    const all = Promise.all(download(4));
    const others: Answer[] = [];
    for (let isOver = false; !isOver; isOver = await Promise.race([all.then(() => true), pause(50, false)]))
      others.push(await rig.ask(rig.path("/")));
    assert.deepEqual(
      others.filter(({ status }) => status !== 200),
      [],
    );
    const cut = (await all).filter(({ bytes }) => bytes < megabytes * 1e6);
    assert.ok(cut.length > 0);
    for (const { status } of cut) assert.equal(status, 0);
    await until("there is room again", 10, async () => (await spooled()) < 1);
    assert.equal((await rig.ask(rig.path("/"))).status, 200);
  });
});
