import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { docker, tryDocker } from "../../rollout/docker";
import { busyness, until } from "../e2e/until";
import type { Answer } from "./asking";
import { Rig } from "./rig";

/** What happens to a backend, and how it becomes whole again; nobody can tell whether one that is `silent` got a request. */
interface Fault {
  readonly name: string;
  readonly silent?: boolean;
  hurt(rig: Rig, backend: string): Promise<unknown>;
  mend(rig: Rig, backend: string): Promise<unknown>;
}

const start = (_: Rig, backend: string) => docker("start", backend);

const faults: readonly Fault[] = [
  { name: "killed", hurt: (_, backend) => docker("kill", "--signal", "KILL", backend), mend: start },
  {
    name: "removed",
    hurt: (_, backend) => docker("rm", "--force", backend),
    mend: (rig, backend) => rig.start(backend),
  },
  {
    name: "deaf",
    hurt: (_, backend) =>
      docker(
        "exec",
        backend,
        "python3",
        "-c",
        "import urllib.request as r; r.urlopen('http://localhost:5000/deaf').read()",
      ),
    mend: (_, backend) => docker("restart", "--time", "0", backend),
  },
  {
    name: "off its network",
    silent: true,
    hurt: (rig, backend) => docker("network", "disconnect", "--force", rig.name, backend),
    mend: (rig, backend) => docker("network", "connect", rig.name, backend),
  },
  {
    name: "frozen",
    silent: true,
    hurt: (_, backend) => docker("pause", backend),
    mend: (_, backend) => docker("unpause", backend),
  },
  {
    name: "back with another address",
    async hurt(rig, backend) {
      await docker("stop", "--time", "0", backend);
      await rig.start(`${backend}-squatter`);
      await docker("start", backend);
    },
    mend: (_, backend) => tryDocker("rm", "--force", `${backend}-squatter`),
  },
];

const timeoutSeconds = 2;

for (const count of [2, 4])
  describe(`requests before ${count} backends`, function () {
    this.timeout(120_000);
    let rig: Rig;
    before(async () => (rig = await Rig.create(`req${count}`, count, { requestTimeoutSeconds: timeoutSeconds })));
    after(() => rig?.remove());

    /** What was asked at once, and again and again while nginx hears of it; each method as often. */
    async function volleys(): Promise<(Answer & { method: string; path: string })[]> {
      const asked: Promise<Answer & { method: string; path: string }>[] = [];
      for (const wait of [0, 150, 200, 250, 300, 300, 300]) {
        await pause(wait);
        for (const method of ["GET", "POST", "PUT", "GET", "POST", "PUT"]) {
          const path = rig.path("/");
          const body = method === "GET" ? {} : { body: Buffer.alloc(300, "b") };
          asked.push(rig.ask(path, { method, ...body }).then((answer) => ({ ...answer, method, path })));
        }
      }
      return Promise.all(asked);
    }

    for (const fault of faults)
      it(`are answered by another one when one is ${fault.name}`, async () => {
        const [backend = ""] = rig.backends;
        await rig.whole();
        await fault.hurt(rig, backend);
        const answers = await volleys();
        const log = await rig.log(60);
        const seen = await rig.seen();
        await fault.mend(rig, backend);
        const longest = (fault.silent ? timeoutSeconds + 1.2 : 1.3) * busyness();
        const wrong = answers.flatMap(({ method, path, status, seconds }) => {
          const isSafe = method !== "POST";
          const isWrong =
            seconds > longest || (status !== 200 && (isSafe || !fault.silent)) || (!isSafe && seen(path) > 1);
          const what = `${method} ${path}: ${status} after ${seconds.toFixed(2)} s, seen ${seen(path)} times`;
          return isWrong ? [`${what}: ${log.split("\n").find((line) => line.includes(` ${path} `))}`] : [];
        });
        assert.equal(wrong.length, 0, `${wrong.length} of ${answers.length}:\n${wrong.join("\n")}`);
      });

    if (count === 4)
      it("are answered by the others when two are killed", async () => {
        await rig.whole();
        const two = rig.backends.slice(0, 2);
        await docker("kill", "--signal", "KILL", ...two);
        const answers = await volleys();
        await docker("start", ...two);
        const wrong = answers.filter(({ status, seconds }) => status !== 200 || seconds > 2 * busyness());
        assert.deepEqual(wrong, [], await rig.log(60));
      });

    it("in flight at one that is killed: GET is answered by another one, POST fails and is sent once", async () => {
      await rig.whole();
      const [get, post] = [rig.path("/slow?seconds=1.5"), rig.path("/slow?seconds=1.5")];
      const posts = rig.backends.map(() => rig.ask(post, { method: "POST" }));
      const gets = rig.backends.map(() => rig.ask(get));
      await until("all have got their requests", 5, async () => {
        const seen = await rig.seen();
        return seen(get) === count && seen(post) === count;
      });
      const byBackend = await Promise.all(rig.backends.map(async (backend) => (await rig.seen([backend]))(post)));
      const most = Math.max(...byBackend);
      const backend = rig.backends[byBackend.indexOf(most)] ?? "";
      await docker("kill", "--signal", "KILL", backend);
      const answers = await Promise.all([...gets, ...posts]);
      const seen = await rig.seen();
      await docker("start", backend);
      const statuses = answers.map(({ status }) => status);
      assert.deepEqual(
        statuses.slice(0, count),
        gets.map(() => 200),
      );
      assert.equal(statuses.slice(count).filter((status) => status === 502).length, most);
      assert.equal(seen(post), count);
    });

    it("that end a connection without an answer fail: GET has been sent to a few, POST to one", async () => {
      await rig.whole();
      for (const [method, times] of [
        ["GET", [2, 3, 4, 5]],
        ["POST", [1]],
      ] as const) {
        const path = rig.path("/drop");
        const { status } = await rig.ask(path, { method });
        assert.equal(status, 502);
        const seen = (await rig.seen())(path);
        assert.ok((times as readonly number[]).includes(seen), `${method} was sent ${seen} times`);
      }
    });

    for (const page of ["/?header=100000", "/drop", "/slow?seconds=2.5"])
      it(`for other pages are answered while each server fails with ${page}`, async () => {
        await rig.whole();
        const until = performance.now() + 6000;
        const answers: Promise<Answer>[] = [];
        const bad: Promise<Answer>[] = [];
        for (let i = 0; performance.now() < until; i++) {
          if (i % 10 === 0) bad.push(rig.ask(page));
          answers.push(rig.ask("/"));
          await pause(25);
        }
        assert.ok((await Promise.all(bad)).every(({ status }) => status === 502 || status === 504));
        const all = await Promise.all(answers);
        const lost = all.filter(({ status, seconds }) => status !== 200 || seconds > busyness());
        assert.deepEqual(lost, [], `${lost.length} of ${all.length}: ${await rig.log()}`);
      });

    it("are answered with 11 kB of headers", async () => assert.equal((await rig.ask("/?header=11000")).status, 200));

    it("leave a frozen one alone, but for a few", async () => {
      await rig.whole();
      const backend = rig.backends[0] ?? "";
      await docker("pause", backend);
      const start = performance.now();
      const answers: Promise<Answer & { at: number }>[] = [];
      for (let i = 0; i < 200; i++) {
        const at = (performance.now() - start) / 1000;
        answers.push(rig.ask("/").then((answer) => ({ ...answer, at })));
        await pause(30);
      }
      const all = await Promise.all(answers);
      await docker("unpause", backend);
      assert.ok(
        all.every(({ status }) => status === 200),
        await rig.log(),
      );
      const late = all.slice(all.findIndex(({ at }) => at > timeoutSeconds + 0.5));
      const slow = late.filter(({ seconds }) => seconds > busyness());
      assert.ok(slow.length <= 3, `${slow.length} of ${late.length} that were asked later waited`);
      assert.ok(all.every(({ status }) => status === 200));
    });

    it("fail within bounds when all are gone, and are answered again as soon as one is back", async () => {
      await rig.whole();
      await docker("kill", "--signal", "KILL", ...rig.backends);
      const answers = await volleys();
      for (const { status, seconds } of answers) {
        assert.ok(status === 502 || status === 504, `${status}`);
        assert.ok(seconds < 5 * busyness(), `${seconds}`);
      }
      await docker("start", rig.backends[0] ?? "");
      await until("it answers", 4, async () => (await rig.ask("/")).status === 200);
      for (const { status } of await volleys()) assert.equal(status, 200);
      await docker("start", ...rig.backends);
    });

    it("fail with 504 within bounds when all are frozen, a POST is sent once", async () => {
      await rig.whole();
      await docker("pause", ...rig.backends);
      const answers = await volleys();
      const log = await rig.log(60);
      await docker("unpause", ...rig.backends);
      await pause(100);
      const seen = await rig.seen();
      for (const { method, path, status, seconds } of answers) {
        assert.equal(status, 504, `${method} ${path} ${seconds}\n${log}`);
        if (method === "POST") assert.equal(seen(path), 1);
        else assert.ok(seconds < (3 * timeoutSeconds + 1) * busyness(), `${seconds}`);
      }
    });

    it("take a large body along to another one, and their path as it was written", async () => {
      await rig.whole();
      await docker("kill", "--signal", "KILL", rig.backends[0] ?? "");
      const path = rig.path("/a%20b//%2F?c=%2f");
      const body = Buffer.alloc(20e6, "b");
      const answers = await Promise.all(rig.backends.map(() => rig.ask(path, { method: "POST", body })));
      await docker("start", rig.backends[0] ?? "");
      assert.deepEqual(
        answers.map(({ status, text }) => [status, text]),
        answers.map(() => [200, String(body.length)]),
      );
      assert.equal((await rig.seen())(path), count);
    });
  });

// As a user's own directives for the server block, in which nothing else may be a way past them.
const ownPages = `
error_page 502 504 =503 /sorry; # error_page 500 /never;
error_page
  404 "/missing"; proxy_intercept_errors on;
location = /sorry { return 200 "sorry\n"; }
location = /missing { error_page 502 /else; return 200 'missing };'; }
`;

describe("requests with error pages of the user's own", function () {
  this.timeout(60_000);
  let rig: Rig;
  before(async () => (rig = await Rig.create("pages", 2, { serverConfig: ownPages })));
  after(() => rig?.remove());

  const pages = async () =>
    Promise.all(["/?status=404", "/?status=502", "/drop", "/?status=500"].map((path) => rig.ask(path)));
  const shown = (answers: Answer[]) => answers.map(({ status, text }) => [status, text]);

  it("get them for what the backends answer, and in place of what they don't", async () => {
    assert.deepEqual(shown(await pages()), [
      [404, "missing };"],
      [503, "sorry\n"],
      [503, "sorry\n"],
      [500, "0"],
    ]);
  });

  it("that are errors themselves are asked for once", async () => {
    const other = await Rig.create("page", 1, {
      serverConfig: "proxy_intercept_errors on; error_page 404 /?status=404;",
    });
    try {
      assert.equal((await other.ask("/lost?status=404")).status, 404);
      assert.equal((await other.seen())("/?status=404"), 1);
    } finally {
      await other.remove();
    }
  });

  it("get them at the second try", async () => {
    await rig.whole();
    await docker("kill", "--signal", "KILL", rig.backends[0] ?? "");
    for (const wait of [0, 300, 300, 300, 300]) {
      await pause(wait);
      for (const answer of await Promise.all(rig.backends.map(() => rig.ask("/?status=404"))))
        assert.deepEqual([answer.status, answer.text], [404, "missing };"]);
    }
    await docker("kill", "--signal", "KILL", rig.backends[1] ?? "");
    assert.deepEqual(shown([await rig.ask("/")]), [[503, "sorry\n"]]);
  });
});
