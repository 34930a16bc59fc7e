import assert from "node:assert/strict";
import { start, type Started } from "../../lib/process";
import type { LogLine, RequestLine } from "../../model/log";
import { docker } from "../../rollout/docker";
import type { Load } from "../../scripts/load/load";
import { projectRoot } from "../../scripts/setup/project";
import { FixtureApp, fixtureLoad } from "../e2e/app";
import { assertNoneLost } from "../e2e/books";
import { TestStack, type Outputs } from "../e2e/stack";
import { until } from "../e2e/until";

describe("npm run logs, on the real engine, under load", function () {
  this.timeout(300_000);
  let app: FixtureApp;
  let stack: TestStack;
  let outputs: Outputs;
  let load: Load;
  let following: Started | undefined;

  const logs = async (...args: string[]): Promise<LogLine[]> => {
    const { code, output } = await stack.script("logs", "--json", ...args);
    assert.equal(code, 0, output);
    return output.split("\n").filter(Boolean).map((line) => JSON.parse(line) as LogLine); // prettier-ignore
  };
  const requests = async (...args: string[]) => (await logs("--only", "requests", ...args)) as RequestLine[];
  /** Asks so often, one after the other; gives the ids with the backends that answered, by the begin of their containers' ids. */
  const ask = async (target: string, count: number, headers: Record<string, string> = {}) => {
    const answered = new Map<string, string>();
    for (let at = 0; at < count; at++) {
      const answer = await fetch(outputs.url + target, { headers });
      assert.equal(answer.status, 200);
      await answer.text();
      answered.set(answer.headers.get("x-request-id") ?? "", answer.headers.get("x-backend") ?? "");
    }
    assert.equal(answered.size, count);
    return answered;
  };
  /** Waits until the log has so many requests of a target. */
  const logged = async (target: string, count: number) => {
    let found: RequestLine[] = [];
    await until(`${count} lines of ${target}`, 20, async () => {
      found = (await requests("--tail", "all")).filter((line) => line.target === target);
      return found.length >= count;
    });
    return found;
  };
  /** Fails unless each request is there once, with the backend that answered it. */
  const assertTold = async (target: string, answered: ReadonlyMap<string, string>) => {
    const found = await logged(target, answered.size);
    const names = new Map((await stack.containers()).backends.map(({ id, alias }) => [id.slice(0, 12), alias]));
    const told = Object.fromEntries(found.map(({ id, backend }) => [id, backend]));
    const wanted = Object.fromEntries([...answered].map(([id, from]) => [id, names.get(from)]));
    assert.deepEqual(told, wanted);
    assert.equal(found.length, answered.size);
  };

  before(async () => {
    app = await FixtureApp.create();
    await app.write("v1");
    stack = await TestStack.create("logs", {
      backendCount: 2,
      drainSeconds: 4,
      apps: [{ name: "fixture", path: app.path }],
    });
    outputs = await stack.up();
    load = fixtureLoad(outputs.url, { slow: false });
  });
  after(async () => {
    following?.killAll("SIGKILL");
    await load?.stop();
    await stack?.remove();
    await app?.remove();
  });

  it("says where requests are not logged, and shows what backends print", async () => {
    const { code, output } = await stack.script("logs", "--tail", "5");
    assert.equal(code, 0);
    assert.match(output, /^Requests are not logged: that takes `accessLog: json`\.$/m);
    assert.match(output, /"kind":"backend"/);
  });

  it("has the log begin with a reload, each request with the backend that answered it", async () => {
    await stack.configure({ accessLog: "json", logMb: 16 });
    await stack.engineOk("up");
    assertNoneLost(load.mark());
    await assertTold("/?begin", await ask("/?begin", 40));
  });

  it("knows new backends from their first request on, and those that were restarted", async () => {
    await stack.configure({ backendCount: 4 });
    await stack.engineOk("up");
    await app.write("v2");
    await stack.engineOk("up");
    assertNoneLost(load.mark());
    const unknown = (await requests("--status", "200", "--tail", "all")).filter(({ attempts }) =>
      attempts.some(({ backend }) => backend === ""),
    );
    assert.deepEqual(unknown, []);
    const { backends } = await stack.containers();
    // Ended and started in the other order, they have each other's addresses.
    await load.stop();
    const [first, second] = backends.map(({ id }) => id) as [string, string];
    await docker("stop", "--time", "1", first, second);
    await docker("start", second, first);
    await until("all serve", 60, async () => {
      const { backends: now } = await stack.containers();
      return now.every(({ health }) => health === "healthy");
    });
    await until("all answer", 30, async () => new Set((await ask("/?warm", 12)).values()).size === 4);
    await assertTold("/?again", await ask("/?again", 40));
    load = fixtureLoad(outputs.url, { slow: false });
  });

  it("follows over files that end and begin, in order and each line once, until Ctrl-C", async () => {
    const script = ["-r", "./scripts/typescript.cjs", "scripts/logs.ts", "--stack", stack.name, "--follow", "--json"];
    following = start(process.execPath, [...script, "--only", "requests", "--tail", "0"], { cwd: projectRoot });
    // The last one may not be whole yet.
    const output = () => following?.output().split("\n").slice(0, -1) ?? [];
    await until("it follows", 30, () => output().length > 0);
    const long = { "User-Agent": "x".repeat(8_000) };
    const sent = new Map<string, string>();
    // A file has 4 MiB.
    for (let round = 0; round < 12; round++)
      for (const [id, from] of await ask("/?long", 120, long)) sent.set(id, from);
    const { balancer } = await stack.containers();
    const files = (await docker("exec", balancer?.id ?? "", "sh", "-c", "ls /var/log/balancer/access-*.log")).trim();
    assert.ok(files.split("\n").length > 2, files);
    const found = () =>
      output().flatMap((line) => {
        const one = JSON.parse(line) as RequestLine;
        return one.target === "/?long" ? one : [];
      });
    await until("all are shown", 30, () => found().length >= sent.size);
    assert.deepEqual(new Set(found().map(({ id }) => id)), new Set(sent.keys()));
    assert.equal(found().length, sent.size);
    const times = output().map((line) => (JSON.parse(line) as RequestLine).time);
    const early = times.flatMap((time, at) =>
      time < (times[at - 1] ?? "") ? `${at}: ${time} after ${times[at - 1]}` : [],
    );
    assert.deepEqual(early, []);
    // As a terminal does: what it has started hears of it, too.
    following.killAll("SIGINT");
    assert.equal((await following.ended).code, 0);
    assertNoneLost(load.mark());
  });

  it("ends with a reload; a destroy leaves nothing of it", async () => {
    await stack.configure({ accessLog: "off" });
    await stack.engineOk("up");
    assertNoneLost(load.mark());
    await load.stop();
    await stack.engineOk("destroy");
    assert.deepEqual(await stack.leftovers(), []);
  });
});
