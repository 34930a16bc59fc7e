import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const root = join(__dirname, "..", "..");

/** Runs a program as Pulumi.yaml has it run, and gives what it prints. */
async function runPreloaded(program: string, environment: Record<string, string> = {}): Promise<string> {
  const args = ["-r", "./scripts/preload.cjs", "-e", program];
  const env = { ...process.env, ...environment };
  return (await promisify(execFile)(process.execPath, args, { cwd: root, env })).stdout.trim();
}

/** Lists the files that have been loaded, from their packages' names on. */
const loadedFiles = `
  console.log(Object.keys(require.cache).map((file) => file.split("node_modules/").pop()).join("\\n"));`;

describe("what the program is started with", function () {
  this.timeout(20_000);

  it("loads nothing that the program does not use", async () => {
    const files = await runPreloaded(`
      require("@pulumi/pulumi/cmd/run/tracing");
      require("@pulumi/docker");
      require("@pulumi/command");
      require("./model/settings");
      ${loadedFiles}`);
    const loaded = (path: string) => files.split("\n").some((file) => file.startsWith(path));
    for (const used of ["@pulumi/pulumi/", "zod/"]) assert.ok(loaded(used), used);
    const unused = [
      "typescript/",
      "@npmcli/arborist/",
      "normalize-package-data/",
      "@pulumi/pulumi/automation/",
      "js-yaml/",
      "zod/v4/locales/index.cjs",
      "@opentelemetry/sdk-trace-node/",
      "source-map-support/",
    ];
    for (const path of unused) assert.ok(!loaded(path), path);
  });

  it("loads it all the same where something uses it", async () => {
    const text = await runPreloaded(`
      const pulumi = require("@pulumi/pulumi");
      const number = 7;
      pulumi.runtime.serializeFunction(() => number).then(({ text }) => console.log(text));`);
    assert.match(text, /number: 7/);
    const names = await runPreloaded(`
      const { automation } = require("@pulumi/pulumi");
      console.log(automation.LocalWorkspace.name, typeof require("zod").locales.de);`);
    assert.equal(names, "LocalWorkspace function");
  });

  it("also packages of the program's own folder", async () => {
    const count = await runPreloaded(`
      const { runtime } = require("@pulumi/pulumi");
      runtime.computeCodePaths({}).then((paths) => console.log(paths.size));`);
    assert.ok(Number(count) > 0);
  });

  it("fails a program that leaves promises behind, and tells where they come from when it is asked to", async () => {
    const program = `
      const makeProperties = () => require("@pulumi/pulumi/runtime/rpc").transferProperties({}, "unit", { a: 1 });
      makeProperties();`;
    const failure = (environment?: Record<string, string>) =>
      runPreloaded(program, environment).then(
        () => assert.fail("the program has succeeded"),
        (error: { stderr: string }) => error.stderr,
      );
    const message = await failure();
    assert.match(message, /detected that 4 promises were still active/);
    assert.ok(!message.includes("makeProperties"));
    assert.match(await failure({ PULUMI_DEBUG_PROMISE_LEAKS: "true" }), /Promise leak detected:[^]*at makeProperties/);
  });

  it("leaves an error's place in the program as it is in its source", async () => {
    const line = await runPreloaded(`
      try { require("./model/deal").deal([], 1); }
      catch (error) { console.log(/deal\\.ts:(\\d+)/.exec(error.stack)[1]); }`);
    const source = await readFile(join(root, "model", "deal.ts"), "utf8");
    assert.ok(source.split("\n")[Number(line) - 1]?.includes("throw new RangeError"));
  });
});
