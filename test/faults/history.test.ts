import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { rename } from "node:fs/promises";
import { hostname, userInfo } from "node:os";
import { join } from "node:path";
import { docker } from "../../rollout/docker";
import { projectRoot } from "../../scripts/setup/project";
import { Canaries } from "./canaries";
import { FixtureApp, fixtureLoad } from "../e2e/app";
import { assertNoneLost } from "../e2e/books";
import { TestStack } from "../e2e/stack";
import { until } from "../e2e/until";
import type { Load } from "../../scripts/load/load";

/** A change as `history --json` tells of it. */
interface Told {
  readonly n: number;
  readonly by: string;
  readonly from: string;
  readonly to: string;
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly seconds: Readonly<Record<string, number>>;
  readonly inFlight: { readonly drainBegan: number };
  readonly result: string;
  readonly failure?: string;
  readonly diff: string;
}

describe("the history, and going back in it", function () {
  this.timeout(600_000);
  let app: FixtureApp;
  let stack: TestStack;
  let load: Load;
  const token = `token-of-an-app-${process.pid}`;

  const history = async () => {
    const { code, output } = await stack.script("history", "--json");
    assert.equal(code, 0, output);
    return JSON.parse(output) as Told[];
  };
  const backends = async () => (await stack.containers()).backends.map(({ id }) => id).sort();
  const config = () => readFileSync(stack.configFile, "utf8");
  const rollback = (...args: string[]) => stack.script("rollback", "--config-file", stack.configFile, ...args);

  before(async () => {
    app = await FixtureApp.create();
    await app.write("v1");
    stack = await TestStack.create("history", { backendCount: 2, drainSeconds: 4, healthTimeoutSeconds: 8 });
  });
  after(async () => {
    await load?.stop();
    await stack?.remove();
    await app?.remove();
  });

  it("is not there before there is a stack, which is said", async () => {
    const { code, output } = await stack.script("history");
    assert.deepEqual(
      [code, output.trim()],
      [1, `Stack ${stack.name} has no balancer, hence no history: npm run up starts it.`],
    );
  });

  it("tells of an update that worked, of one that scaled, and of one that failed", async () => {
    await stack.configure({ apps: [{ name: "fixture", path: app.path, env: { TOKEN: token } }] });
    const { url } = await stack.up();
    load = fixtureLoad(url, { slow: false, maxSeconds: 600 });
    await stack.configure({ backendCount: 3 });
    await stack.up();
    await app.write("v2", "crash");
    assert.notEqual((await stack.engine("up")).code, 0);
    const [failed, scaled, first] = await history();
    const by = `${userInfo().username}@${hostname()}`;
    assert.deepEqual([first, scaled, failed].map((one) => [one?.n, one?.by, one?.result]), [[1, by, "done"], [2, by, "done"], [3, by, "failed"]]); // prettier-ignore
    assert.deepEqual([first?.from, scaled?.from, failed?.from], ["none", first?.to, scaled?.to]);
    assert.deepEqual([first, scaled].map((one) => [one?.added.length, one?.removed.length]), [[2, 0], [1, 0]]); // prettier-ignore
    assert.deepEqual([failed?.added.length, failed?.removed.length], [3, 3]);
    assert.match(failed?.failure ?? "", /crashed as told/);
    const lines = scaled?.diff.split("\n").filter((line) => line.startsWith("+ ")) ?? [];
    assert.ok(
      lines.some((line) => line.includes(scaled?.added[0] ?? "?")),
      scaled?.diff,
    );
    assert.ok((scaled?.seconds["candidate"] ?? 0) > 0);
  });

  it("has nothing of an update that changes nothing", async () => {
    await app.write("v1");
    await stack.up();
    const before = (await history()).length;
    await stack.up();
    assert.equal((await history()).length, before);
  });

  it("is shown as a table, and each change with its diff", async () => {
    const table = await stack.script("history");
    assert.match(
      table.output,
      /│ change │ when .*\n.*\n(?:│ .*\n)*│ +1 │ .* none -> [0-9a-f]{16} +│ \+2 -0 +│ +[\d.]+ │ done +│/,
    );
    const { output } = await stack.script("history", "show", "2");
    assert.match(
      output,
      /^change 2, .*: done\nbalancer: configuration .*\n  \+1: fixture-2-.*\n[^]*\n--- .*\n\+\+\+ .*\n@@ /,
    );
  });

  it("tells nginx nothing of what apps are told", async () => {
    const { balancer } = await stack.containers();
    const kept = await docker("exec", balancer?.id ?? "", "cat", "/etc/nginx/live/history.jsonl");
    assert.ok(kept.includes("fixture-2-") && !kept.includes(token));
  });

  it("changes nothing where the answer is no, and without a terminal asks for --yes", async () => {
    await stack.configure({ backendCount: 4 });
    await stack.up();
    const before = [config(), await backends()];
    const { code, output } = await rollback("2");
    assert.deepEqual([code, output.trim()], [2, "There is no terminal to ask at: --yes goes on without asking."]);
    const answered = await onTerminal(stack, "n");
    assert.match(
      answered.output,
      /backendCount: 4 -> 3[^]*Go back to change 2\? \[y\/N\] [^]*Nothing has been changed\./,
    );
    assert.equal(answered.code, 1);
    assert.deepEqual([config(), await backends()], before);
  });

  it("changes nothing at Ctrl-C, nor where the preview fails", async () => {
    const before = [config(), await backends()];
    const interrupted = await onTerminal(stack, "\u0003");
    assert.notEqual(interrupted.code, 0, interrupted.output);
    assert.deepEqual([config(), await backends()], before);
    await rename(join(app.path, "Dockerfile"), join(app.path, "gone"));
    const { code, output } = await rollback("2", "--yes");
    assert.notEqual(code, 0, output);
    assert.match(output, /fixture: its folder .* is gone\. Bring it back first\.[^]*apps\[0\]\.path: got/);
    await rename(join(app.path, "gone"), join(app.path, "Dockerfile"));
    assert.deepEqual([config(), await backends()], before);
  });

  it("goes back under load without losing a request, and comes again by going back once more", async () => {
    load.mark();
    const { code, output } = await rollback("2", "--yes");
    assert.equal(code, 0, output);
    assert.match(output, /backendCount: 4 -> 3/);
    assert.equal((await backends()).length, 3);
    assert.match(config(), /backendCount: "3"/);
    const again = await rollback("--yes");
    assert.equal(again.code, 0, again.output);
    assert.equal((await backends()).length, 4);
    assertNoneLost(load.mark(), 100);
    assert.deepEqual((await history()).slice(0, 2).map(({ added, removed }) => [added.length, removed.length]), [[1, 0], [0, 1]]); // prettier-ignore
  });

  it("brings an app's environment back, and shows it in no command line meanwhile", async () => {
    const apps = [{ name: "fixture", path: app.path, env: { TOKEN: "another" } }];
    await stack.configure({ apps });
    await stack.up();
    const { result, seen } = await new Canaries({ token }).inCommandLinesOf(rollback("--yes"));
    assert.equal(result.code, 0, result.output);
    assert.match(result.output, /apps\[0\]\.env\.TOKEN: a text that is not shown -> a text that is not shown/);
    assert.deepEqual([seen, result.output.includes(token), config().includes(token)], [[], false, true]);
  });

  it("says which source can't be brought back", async () => {
    await app.write("v3");
    await stack.configure({ backendCount: 2 });
    await stack.up();
    const { output } = await rollback("2", "--yes");
    assert.match(
      output,
      /What the settings alone can't bring back:\n +fixture: .* is another source than it was, .*Check out the one of then first/,
    );
  });

  it("goes on where its file is torn or none, and holds up no update where it can't be written", async () => {
    const last = (await history())[0]?.n ?? 0;
    const upAfter = async (script: string, backendCount: number) => {
      const { balancer } = await stack.containers();
      await docker("exec", balancer?.id ?? "", "sh", "-c", `cd /etc/nginx/live && ${script}`);
      await stack.configure({ backendCount });
      return stack.engineOk("up");
    };
    await upAfter(`printf '{"n": 9' >>history.jsonl`, 1);
    assert.equal((await history())[0]?.n, last + 1);
    assert.match(await upAfter("mkdir history.jsonl.new", 2), /This change is not in the history: .*can't be written/);
    assert.equal((await history())[0]?.n, last + 1);
    await upAfter("rm history.jsonl && mkdir history.jsonl", 1);
    assert.deepEqual((await history()).map(({ n, result }) => [n, result]), [[1, "done"]]); // prettier-ignore
  });

  it("goes with the stack", async () => {
    await load.stop();
    await stack.engineOk("destroy");
    assert.deepEqual(await stack.leftovers(), []);
  });
});

/** Runs the rollback to change 2 at a terminal, and answers its question. */
async function onTerminal(stack: TestStack, answer: string): Promise<{ code: number | null; output: string }> {
  const words = ["node", "-r", "./scripts/typescript.cjs", join("scripts", "rollback.ts"), "--stack", stack.name, "--config-file", stack.configFile, "2"]; // prettier-ignore
  const child = spawn("script", ["--quiet", "--return", "--command", words.join(" "), "/dev/null"], {
    cwd: projectRoot,
    env: stack.environment(),
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  const ended = new Promise<number | null>((resolve, reject) => child.on("error", reject).on("close", resolve));
  await until("the question", 120, () => output.includes("[y/N]") || child.exitCode !== null);
  child.stdin.write(answer === "\u0003" ? answer : `${answer}\n`);
  return { code: await ended, output };
}
