import assert from "node:assert/strict";
import { Deadline } from "../../lib/until";
import { constants } from "node:fs";
import { connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { docker } from "../../rollout/docker";
import type { Account } from "../../scripts/load/books";
import { startLoad, type Load } from "../../scripts/load/load";
import { assertNoneLost } from "../e2e/books";
import { DerivedImages } from "../e2e/derived-images";
import { takePort } from "../e2e/stack";
import { busyness, until } from "../e2e/until";
import { Patient, answers, assertAnswers } from "./patient";

/** How often each replacement is made. */
const rounds = Number(process.env["ENTRY_ROUNDS"] ?? 10);

/** How many clients the load has. */
const clients = 18;

/** POSTs that last, so that one whose nginx ends too early is lost for certain, and short requests for the moments in between. */
function heavyLoad(url: string): Load {
  const lasting = { path: "/slow?seconds=0.2", method: "POST", body: () => "x" } as const;
  const short = { path: "/", method: "GET", pauseMilliseconds: 2 } as const;
  return startLoad({
    url,
    maxSeconds: 1200,
    profiles: [
      { name: "kept POST", keepAlive: true, clients: 6, ...lasting },
      { name: "fresh POST", keepAlive: false, clients: 6, ...lasting },
      { name: "kept GET", keepAlive: true, clients: 3, ...short },
      { name: "fresh GET", keepAlive: false, clients: 3, ...short },
    ],
  });
}

function say(what: string, { sent, lost, longestGap }: Account): void {
  process.stdout.write(
    `      ${what}: ${lost} of ${sent} lost, at most ${Math.round(longestGap)} ms between answers\n`,
  );
}

describe("the entry, under load", function () {
  this.timeout(1_200_000);
  let patient: Patient;
  const derived = new DerivedImages("entry");
  /** nginx as before, in images of their own. */
  const images: string[] = [];

  before(async () => {
    patient = await Patient.create("entry");
    const { nginxImage } = await patient.stack.baseImages();
    images.push(await derived.make(nginxImage), await derived.make(nginxImage));
    patient.startLoad(heavyLoad(patient.outputs.url));
  });
  after(async () => {
    await patient?.remove();
    await derived.remove();
  });
  beforeEach(() => patient.recover());

  /** Another image for the entry. */
  const entryImage = async (instructions: readonly string[] = []) =>
    derived.make((await patient.stack.baseImages()).entryImage, instructions);
  /** In place of the program that stores the socket. */
  const noStore = `RUN printf '%s\\n' '#!/bin/sh' 'echo "no socket today" >&2' 'exit 1' > /usr/bin/s6-fdholder-store && chmod 755 /usr/bin/s6-fdholder-store`;

  const entry = async () => (await patient.stack.containers()).entry?.id ?? "";
  const pidOf = async (container: string) => Number(await docker("inspect", "--format", "{{.State.Pid}}", container));
  /** One in a container, say, may not: then it is asked for it again by each update. */
  const limitsMemory = async () => (await docker("info", "--format", "{{.MemoryLimit}}")).trim() === "true";
  const assertNoChanges = async () =>
    (await limitsMemory()) && (await patient.stack.engineOk("preview", "--expect-no-changes"));

  it(`loses nothing when the balancer is replaced for another image, ${rounds} times`, async () => {
    for (let round = 0; round < rounds; round++) {
      const before = await patient.balancer();
      await patient.stack.configure({ nginxImage: images[round % 2] });
      await patient.upOk();
      assert.notEqual(await patient.balancer(), before);
    }
    const account = patient.closeBooks();
    say("image", account);
    assertNoneLost(account);
    await patient.assertWhole();
    await assertNoChanges();
  });

  it(`loses nothing when the balancer gets other memory, ${rounds} times`, async () => {
    for (let round = 0; round < rounds; round++) {
      await patient.stack.configure({ balancerMemoryMb: 512 + round });
      await patient.upOk();
    }
    const account = patient.closeBooks();
    say("memory", account);
    assertNoneLost(account);
    await patient.assertWhole();
  });

  for (const [what, configOf] of [
    ["port", () => ({ port: takePort() })],
    ["address", (round: number) => ({ bindAddress: round % 2 === 0 ? "127.0.0.2" : "127.0.0.1" })],
  ] as const)
    it(`loses nothing when the balancer moves to another ${what}, ${rounds} times: both answer, then the old one is closed`, async () => {
      await patient.endLoad();
      let before: Load = heavyLoad(patient.outputs.url);
      let sent = 0;
      for (let round = 0; round < rounds; round++) {
        const change = configOf(round);
        await patient.stack.configure(change);
        const next = new URL(patient.outputs.url);
        if ("port" in change) next.port = String(change.port);
        else next.hostname = change.bindAddress;
        const update = patient.upOk();
        // Without a pause: the old one is closed soon. One that Docker has taken before the entry listens may wait for seconds.
        const deadline = new Deadline(60);
        while ((await answers(next.href, 0.3)) !== undefined) assert.ok(!deadline.isOver, "the new address answers");
        // Clients move when they can.
        const moved = before.stop();
        const after = heavyLoad(next.href);
        await update;
        const [old, now] = [await moved, after.mark()];
        assert.deepEqual([old.lost, now.lost], [0, 0], JSON.stringify([...old.losses, ...now.losses]));
        await patient.assertWhole();
        sent += old.sent + now.sent;
        before = after;
      }
      process.stdout.write(`      ${what}: 0 of ${sent} lost\n`);
      patient.startLoad(before);
      await assertNoChanges();
    });

  for (const [what, config] of [
    ["on", () => ({})],
    ["back", () => ({ nginxImage: images[0] })],
  ] as const)
    it(`loses nothing when an update that replaces it fails, and the next one goes ${what}`, async () => {
      await patient.app.write(`good-${what}`);
      await patient.stack.configure({ nginxImage: images[0] });
      await patient.upOk();
      patient.closeBooks();
      await patient.app.write(`bad-${what}`, "crash");
      await patient.stack.configure({ nginxImage: images[1] });
      const { code, output } = await patient.up();
      assert.notEqual(code, 0);
      assert.match(output, /does not run/);
      await patient.app.write(`better-${what}`);
      await patient.stack.configure(config());
      await patient.upOk();
      patient.assertNoneLost();
      await patient.assertWhole();
    });

  for (const [index, [after, milliseconds]] of [
    [/Container balancer-nginx created replacement/, 0],
    [/Command balancer-installed updating/, 0],
    [/Command balancer-installed updating/, 400],
    [/Command balancer-installed updating/, 600],
    [/Command balancer-installed updating/, 800],
    [/Command balancer-installed updating/, 1000],
    [/Command balancer-installed updating/, 1300],
    [/Command balancer-installed updating/, 1700],
    [/Command balancer-installed updating/, 2200],
    [/Container balancer-nginx deleting original/, 0],
  ].entries() as Iterable<[number, [RegExp, number]]>)
    it(`loses nothing when a replacement and a roll are killed ${milliseconds} ms after '${after.source}', and goes on`, async () => {
      await patient.app.write(`killed-${index}`);
      await patient.stack.configure({ nginxImage: images[index % 2] });
      const run = patient.stack.start("up");
      const sees = `'${after.source}' in the output`;
      await until(sees, 60, () => run.hasEnded() || after.test(run.output()));
      await pause(milliseconds);
      run.kill("SIGKILL");
      if ((await run.ended).code === null) await patient.stack.engineOk("cancel", "--yes");
      await patient.upOk("--refresh");
      patient.assertNoneLost();
      await patient.assertWhole();
    });

  /** What was lost when something happened, and how long nobody was answered. */
  async function account(what: string, happens: () => Promise<unknown>): Promise<Account> {
    patient.closeBooks();
    await happens();
    await until("requests are answered", 30, async () => (await answers(patient.outputs.url)) === undefined);
    await until("nothing is out of order", 60, async () => (await patient.drift()).length === 0);
    const books = patient.closeBooks();
    say(what, books);
    return books;
  }

  /** Requests under way when nginx dies are lost, each client's one at most; nobody is refused. */
  function assertOnlyInFlight({ lost, refused, wrong, timedOut, losses }: Account, deaths = 1): void {
    assert.deepEqual([refused, wrong, timedOut], [0, 0, 0], JSON.stringify(losses));
    assert.ok(lost <= clients * deaths, `${lost} lost`);
  }

  it("is replaced once by two updates at once, of which the engine lets one go on, and loses nothing", async () => {
    const before = await patient.balancer();
    await patient.stack.configure({ nginxImage: images[patient.stack.configured("nginxImage") === images[0] ? 1 : 0] });
    const runs = await Promise.all([patient.up(), patient.up()]);
    const [done, refused] = runs.sort((a, b) => Number(a.code) - Number(b.code));
    assert.equal(done?.code, 0, done?.output);
    if (refused?.code !== 0) assert.match(refused?.output ?? "", /the stack is currently locked/);
    assertNoneLost(patient.closeBooks());
    assert.notEqual(await patient.balancer(), before);
    await patient.upOk();
    await patient.assertWhole();
  });

  it("has a socket that lets no worker wait for a connection that another one has taken", async () => {
    const flags = await patient.inBalancer("grep flags /proc/1/fdinfo/3");
    assert.equal(parseInt(flags.split(/\s+/)[1] ?? "", 8) & constants.O_NONBLOCK, constants.O_NONBLOCK, flags);
  });

  it("keeps who connects waiting while nginx is restarted, and loses nothing", async () => {
    const books = await account("docker restart", async () => docker("restart", await patient.balancer()));
    assert.equal(books.lost, 0, JSON.stringify(books.losses));
  });

  it("keeps who connects waiting while nginx is stopped, and loses nothing", async () => {
    const books = await account("docker stop, start", async () => {
      const balancer = await patient.balancer();
      await docker("stop", balancer);
      await pause(2000);
      await docker("start", balancer);
    });
    assert.equal(books.lost, 0, JSON.stringify(books.losses));
  });

  it("loses what is in flight, and refuses nobody, when nginx is killed", async () => {
    const killed = async () => process.kill(await pidOf(await patient.balancer()), "SIGKILL");
    assertOnlyInFlight(await account("SIGKILL", killed));
  });

  it("loses what is in flight, and refuses nobody, when nginx has no memory left", async function () {
    if (!(await limitsMemory())) this.skip();
    const balancer = await patient.balancer();
    const files = "/sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control";
    const deaths = async () =>
      Number(/^oom_kill (\d+)$/m.exec(await patient.inBalancer(`cat ${files} 2>/dev/null || true`))?.[1]);
    const before = await deaths();
    const { hostname, port } = new URL(patient.outputs.url);
    const uploads: Socket[] = [];
    const books = await account("OOM", async () => {
      await docker("update", "--memory", "24m", "--memory-swap", "24m", balancer);
      // Bodies that do not end lie in memory.
      for (let count = 0; count < 400; count++) {
        const upload = connect(Number(port), hostname).on("error", () => undefined);
        upload.write(`POST /echo HTTP/1.1\r\nHost: upload\r\nContent-Length: 130000\r\n\r\n${"x".repeat(120_000)}`);
        uploads.push(upload);
      }
      await until("the kernel kills for memory", 30, async () => (await deaths().catch(() => before)) > before);
      for (const upload of uploads) upload.destroy();
      await docker("update", "--memory", "1g", "--memory-swap", "1g", balancer);
    });
    assertOnlyInFlight(books, (await deaths()) - before);
    await patient.upOk("--refresh");
  });

  it("is noticed by nginx when it was restarted alone", async () => {
    const { longestGap } = await account("entry restarted", async () => docker("restart", await entry()));
    assert.ok(longestGap < 3000 * busyness(), `${longestGap} ms`);
  });

  it("is noticed by nginx when it has crashed", async () => {
    const { longestGap } = await account("entry killed", async () =>
      process.kill(await pidOf(await entry()), "SIGKILL"),
    );
    assert.ok(longestGap < 4000 * busyness(), `${longestGap} ms`);
  });

  for (const [what, order] of [
    ["the entry first", ["entry", "balancer"]],
    ["nginx first", ["balancer", "entry"]],
  ] as const)
    it(`starts in any order: ${what}`, async () => {
      const ids = { entry: await entry(), balancer: await patient.balancer() };
      await account(what, async () => {
        await docker("stop", ids.balancer, ids.entry);
        for (const one of order) {
          await docker("start", ids[one]);
          await pause(1000);
        }
      });
    });

  it("is started by an update when it was stopped, and publishes another image's with a gap that the preview announces", async () => {
    await docker("stop", await entry());
    assert.match((await patient.drift()).join("\n"), /^The entry of \S+ is exited\.$/m);
    await patient.upOk();
    await patient.assertWhole();

    await patient.stack.configure({ entryImage: await entryImage() });
    assert.match(await patient.stack.engineOk("preview"), /This update has a gap .* is replaced by another image\./);
    const { longestGap } = await account("entry's image", () => patient.upOk());
    assert.ok(longestGap < 1000 * busyness(), `${longestGap} ms`);
    await patient.assertWhole();
  });

  it("takes the port from nobody when a new entry does not start, and goes on with one that does", async () => {
    const before = await patient.balancer();
    await patient.stack.configure({ entryImage: await entryImage([noStore]) });
    const books = await account("an entry that doesn't start", async () => {
      const { code, output } = await patient.up();
      assert.notEqual(code, 0);
      assert.match(output, /The entry does not start \(restarting\)\. Its last log lines:\n[^|]*\| no socket today/);
      await assertAnswers(patient.outputs.url);
    });
    assert.equal(books.lost, 0, JSON.stringify(books.losses));
    assert.equal(await patient.balancer(), before);
    await patient.stack.configure({ entryImage: await entryImage() });
    await account("one that does", () => patient.upOk());
    await patient.assertWhole();
  });

  for (const milliseconds of [0, 700, 1000, 1300, 1600, 2000])
    it(`goes on when its replacement is killed ${milliseconds} ms after it has begun`, async () => {
      await patient.stack.configure({ entryImage: await entryImage() });
      const run = patient.stack.start("up");
      await until("the step that installs is taken", 60, () =>
        /Command balancer-installed updating/.test(run.output()),
      );
      await pause(milliseconds);
      run.kill("SIGKILL");
      if ((await run.ended).code === null) await patient.stack.engineOk("cancel", "--yes");
      await account(`killed after ${milliseconds} ms`, () => patient.upOk("--refresh"));
      await patient.assertWhole();
    });

  it("moves to all addresses of the same port with a gap that the preview announces", async () => {
    await patient.stack.configure({ bindAddress: "0.0.0.0" });
    assert.match(
      await patient.stack.engineOk("preview"),
      /This update has a gap .* Docker can't publish 0\.0\.0\.0:\d+ beside 127\.0\.0\.[12]:/,
    );
    const { longestGap } = await account("127.0.0.1 to 0.0.0.0", () => patient.upOk());
    assert.ok(longestGap < 1000 * busyness(), `${longestGap} ms`);
    await patient.assertWhole();
  });
});
