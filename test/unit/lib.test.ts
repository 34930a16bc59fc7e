import assert from "node:assert/strict";
import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { failureOf, Interrupted, messageOf, UserError } from "../../lib/errors";
import { pack, unpack } from "../../lib/pack";
import { lastWords, run, start } from "../../lib/process";
import { Deadline, until } from "../../lib/until";

describe("until", () => {
  it("looks until there is something to see, and gives it", async () => {
    let looks = 0;
    assert.equal(await until("third", 5, () => (++looks === 3 ? "seen" : undefined)), "seen");
    assert.equal(looks, 3);
    // Nothing and no: all else is something.
    assert.equal(await until("zero", 5, () => Promise.resolve(0)), 0);
    assert.equal(await until("empty", 5, () => ""), "");
  });

  it("looks once even when there is no time, and then names what did not come true", async () => {
    let looks = 0;
    const look = () => ++looks > 1;
    await assert.rejects(until("it is over", 0, look), { message: "not within 0 s: it is over" });
    assert.equal(looks, 1);
    await assert.rejects(
      until(
        () => Promise.resolve(new UserError("see its log")),
        0,
        () => false,
      ),
      { name: "UserError", message: "see its log" },
    );
  });

  it("waits between two looks", async () => {
    const started = performance.now();
    let looks = 0;
    await until("third", { within: 5, pollMilliseconds: 30 }, () => ++looks === 3);
    assert.ok(performance.now() - started >= 55, `${performance.now() - started} ms`);
  });

  it("goes on for as long as its deadline is renewed", async () => {
    const within = new Deadline(0.2);
    const started = performance.now();
    let looks = 0;
    await until("slow but moving", { within, pollMilliseconds: 50 }, () => {
      within.renew();
      return ++looks === 8;
    });
    assert.ok(performance.now() - started > 200);
    assert.ok(!within.isOver && within.milliseconds > 0 && within.milliseconds <= 200);
    assert.equal(new Deadline(0).milliseconds, 0);
  });

  it("ends at once with the signal's reason: before, in a pause, and in a look", async () => {
    const reason = new Interrupted();
    let looks = 0;
    const never = () => {
      looks += 1;
      return false;
    };
    await assert.rejects(until("never", { within: 60, signal: AbortSignal.abort(reason) }, never), reason);
    assert.equal(looks, 0);

    const pausing = new AbortController();
    const wait = until("never", { within: 60, pollMilliseconds: 60_000, signal: pausing.signal }, never);
    setImmediate(() => pausing.abort(reason));
    await assert.rejects(wait, reason);

    const looking = new AbortController();
    const aborts = () => {
      looking.abort(reason);
      return true;
    };
    await assert.rejects(until("seen too late", { within: 60, signal: looking.signal }, aborts), reason);
  });

  it("hands on what a look throws", async () => {
    const fails = () => Promise.reject(new Error("no such thing"));
    await assert.rejects(until("never", 5, fails), { message: "no such thing" });
  });
});

describe("errors", () => {
  it("have words, whatever was thrown", () => {
    assert.equal(messageOf(new Error("told")), "told");
    assert.equal(messageOf("text"), "text");
    assert.equal(messageOf(undefined), "undefined");
    assert.equal(messageOf(Object.assign(new Error(""), { code: "ECONNRESET" })), "ECONNRESET");
    // What Node.js gives when it has tried a name's addresses in vain.
    assert.equal(
      messageOf(new AggregateError([new Error("refused by ::1"), new Error("and by 127.0.0.1")])),
      "refused by ::1; and by 127.0.0.1",
    );
    assert.equal(messageOf(new TypeError("")), "TypeError");
  });

  it("of the user show their message, others where they are", () => {
    assert.deepEqual(failureOf(new UserError("bad option", 2)), { text: "bad option", exitCode: 2 });
    assert.deepEqual(failureOf(new Interrupted()), { text: "interrupted", exitCode: 130 });
    const bug = failureOf(new RangeError("beyond"));
    assert.equal(bug.exitCode, 1);
    assert.match(bug.text, /^RangeError: beyond\n {4}at .*lib\.test\.ts/);
    assert.deepEqual(failureOf("thrown text"), { text: "thrown text", exitCode: 1 });
  });
});

describe("a process", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "nlb-process-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const isGone = async (pid: string) =>
    /^gone$|\) Z /.test(await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "gone"));

  it("gives output, lines and outcome", async () => {
    const lines: string[] = [];
    const result = await run("sh", ["-c", "echo out; echo err >&2; printf unended; exit 3"], {
      onLine: (line) => void lines.push(line),
    });
    assert.deepEqual(result, { outcome: "failed", code: 3, stdout: "out\nunended", stderr: "err\n" });
    assert.deepEqual(lines.sort(), ["err", "out", "unended"]);
    assert.equal(lastWords(result), "err");
    assert.equal(lastWords({ stdout: "1\n2\n3\n", stderr: "\n" }, 2), "2\n3");
    assert.equal((await run("true", [])).outcome, "succeeded");
  });

  it("gets its input, folder and environment", async () => {
    const options = { cwd: folder, env: { GREETING: "hello", HOME: undefined }, input: "read\n" };
    const { stdout } = await run("sh", ["-c", 'cat; pwd; echo "$GREETING ${HOME-no home}"'], options);
    assert.equal(stdout, `read\n${folder}\nhello no home\n`);
    // One that ends without reading is not an error of this one.
    assert.equal((await run("true", [], { input: "x".repeat(1 << 20) })).outcome, "succeeded");
    // Without input it reads none, instead of waiting for a terminal.
    assert.equal((await run("cat", [])).outcome, "succeeded");
  });

  it("that doesn't exist is a result", async () => {
    const { outcome, code, stderr } = await run("no-such-program", []);
    assert.deepEqual({ outcome, code }, { outcome: "not found", code: undefined });
    assert.match(stderr, /ENOENT/);
    assert.equal(start("no-such-program", []).hasEnded(), true);
  });

  it("that takes too long is ended, with its children", async () => {
    const pidFile = join(folder, "pid");
    const command = `sleep 60 & echo $! > ${pidFile}; wait`;
    assert.equal((await run("sh", ["-c", command], { timeoutSeconds: 0.3 })).outcome, "timed out");
    const pid = (await readFile(pidFile, "utf8")).trim();
    await until("the child is gone", 5, () => isGone(pid));
  });

  it("ends with the signal's reason, and is not started after it", async () => {
    const interruption = new AbortController();
    const reason = new Interrupted();
    const running = run("sleep", ["60"], { signal: interruption.signal });
    interruption.abort(reason);
    await assert.rejects(running, reason);
    const file = join(folder, "made");
    await assert.rejects(run("touch", [file], { signal: interruption.signal }), reason);
    await assert.rejects(readFile(file), { code: "ENOENT" });
  });

  it("that was started can be watched and asked to end", async () => {
    const started = start("sh", ["-c", "trap 'echo asked; exit 7' INT; echo begun; while :; do sleep 0.05; done"]);
    await until("it has begun", 5, () => started.output().includes("begun"));
    assert.equal(started.hasEnded(), false);
    started.kill("SIGINT");
    assert.deepEqual(await started.ended, { outcome: "failed", code: 7, stdout: "begun\nasked\n", stderr: "" });
    assert.equal(started.hasEnded(), true);
    started.kill("SIGINT"); // nobody is there any more
    started.killAll("SIGKILL");
    const killed = start("sleep", ["60"]);
    killed.killAll("SIGKILL");
    assert.deepEqual(await killed.ended, { outcome: "failed", code: undefined, stdout: "", stderr: "" });
  });

  it("writes to a log instead", async () => {
    const log = await open(join(folder, "log"), "a");
    const { stdout, code } = await run("sh", ["-c", "echo out; echo err >&2"], { logTo: log.fd });
    await log.close();
    assert.deepEqual({ stdout, code }, { stdout: "", code: 0 });
    assert.equal(await readFile(join(folder, "log"), "utf8"), "out\nerr\n");
  });
});

describe("a text for an environment variable", () => {
  it("stays as it is where it fits into one, and else gets shorter; it is read as it was", () => {
    const short = JSON.stringify({ a: "é".repeat(50_000) });
    const long = JSON.stringify({ names: Array.from({ length: 10_000 }, (_, at) => `shop-${at}-0123456789`) });
    assert.equal(pack(short), short);
    assert.ok(long.length > 131_072 && pack(long).length < 120_000);
    for (const text of [short, long]) assert.equal(unpack(pack(text)), text);
  });
});
