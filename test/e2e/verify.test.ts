import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { projectRoot } from "../../scripts/setup/project";
import type { Report } from "../../scripts/verify/report";
import { certificateOf } from "../certificates";
import { FixtureApp } from "./app";
import { TestStack, takePort } from "./stack";
import { until } from "./until";

describe("npm run verify", function () {
  this.timeout(1_200_000);
  let app: FixtureApp;
  let stack: TestStack;
  const tlsPort = takePort();

  before(async () => {
    app = await FixtureApp.create();
    stack = await TestStack.create("verify", {
      backendCount: 2,
      drainSeconds: 4,
      apps: [
        { name: "fixture", path: app.path, hosts: ["*.shop.example"] },
        { name: "other", path: app.path, count: 1 },
      ],
    });
    const files = { certificateFile: join(stack.folder, "shop.crt"), privateKeyFile: join(stack.folder, "shop.key") };
    const own = await certificateOf(["*.shop.example"]);
    await writeFile(files.certificateFile, own.certificate);
    await writeFile(files.privateKeyFile, own.key);
    await stack.configure({ tls: { port: tlsPort, certificates: [files] } });
    await stack.up();
  });
  after(async () => {
    await stack.remove();
    await app.remove();
  });

  /** Starts the script as a user would, in a process of its own. */
  function start(...args: string[]): { child: ChildProcess; stderr: () => string; ended: Promise<VerifyRun> } {
    const script = ["-r", "./scripts/typescript.cjs", join("scripts", "verify.ts"), "--stack", stack.name, "--json"];
    const child = spawn(process.execPath, [...script, "--config-file", stack.configFile, ...args], {
      cwd: projectRoot,
      env: stack.environment(),
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const ended = new Promise<VerifyRun>((resolve, reject) => {
      child.on("error", reject).on("close", (code) => resolve({ code, stdout, stderr }));
    });
    return { child, stderr: () => stderr, ended };
  }

  interface VerifyRun {
    readonly code: number | null;
    readonly stdout: string;
    readonly stderr: string;
  }

  /** What must be the same before and after. */
  async function fingerprint(): Promise<unknown> {
    const { backends } = await stack.containers();
    return {
      file: await readFile(stack.configFile, "utf8"),
      live: await stack.liveText(),
      aliases: backends.map((b) => b.alias).sort(),
    };
  }

  it("takes every step, with TLS, loses nothing, and leaves the stack as it was", async () => {
    const before = await fingerprint();
    const { code, stdout, stderr } = await start("--host", "a.shop.example", "--post", "/echo").ended;
    assert.equal(code, 0, stdout + stderr);
    const report = JSON.parse(stdout) as Report;
    assert.deepEqual(
      report.steps.map(({ step }) => step),
      [
        ...["steady", "scale up", "scale down", "roll", "refused config"],
        ...["killed backend", "replaced balancer", "restore"],
      ],
    );
    for (const { step, sent, answered, lost, excused, truncated } of report.steps) {
      assert.ok(sent > 0, `${step} sent nothing`);
      assert.equal(lost, 0, step);
      assert.equal(sent, answered + excused + truncated, `the books of ${step} balance`);
    }
    assert.deepEqual([report.ok, report.problems, report.url], [true, [], `https://127.0.0.1:${tlsPort}`]);
    assert.match(report.notes.join("\n"), /^The certificate of a\.shop\.example is trusted for being served, since /);
    const resumed = report.steps.filter((step) => step.fullHandshakes > 0 && step.resumedHandshakes > 0);
    assert.equal(resumed.length, report.steps.length, "connections are made anew, and sessions resumed, in each step");
    assert.deepEqual(await fingerprint(), before);
  });

  it("exits with 1 for lost requests, and shows them", async () => {
    const before = await fingerprint();
    const { code, stdout } = await start("--path", "/not-there").ended;
    assert.equal(code, 1);
    const { ok, steps, problems, url } = JSON.parse(stdout) as Report;
    assert.deepEqual([ok, url], [false, stack.url]);
    assert.deepEqual(
      steps.map(({ step, sent, lost }) => [step, lost > 0 && lost === sent]),
      [["steady", true]],
      "it stops before it changes anything",
    );
    assert.equal(steps[0]?.losses[0]?.reason, "status 404");
    assert.match(problems.join("\n"), /^steady: \d+ of \d+ requests lost$/);
    assert.deepEqual(await fingerprint(), before);
  });

  it("puts the stack back when it is interrupted in the middle of an update", async () => {
    const before = await fingerprint();
    const run = start();
    await until("a step changes the stack", 60, async () => {
      const { backends } = await stack.containers();
      return backends.length > 3;
    });
    run.child.kill("SIGINT");
    const { code, stdout } = await run.ended;
    assert.equal(code, 130, stdout);
    assert.match(stdout, /"The stack is back as it was\."/);
    assert.deepEqual(await fingerprint(), before);
  });

  it("refuses a stack whose config has changes that are not rolled out", async () => {
    await stack.configure({ backendCount: 3 });
    const { code, stdout, stderr } = await start().ended;
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /has changes that are not rolled out: run npm run up first/);
    assert.equal((await stack.containers()).backends.length, 3);
  });
});
