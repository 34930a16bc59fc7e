import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../../lib/process";
import { takeOptions } from "../../scripts/cli";
import { projectRoot } from "../../scripts/setup/project";

describe("options of commands that hand others on", () => {
  const rows: [args: string, stack: string, install: boolean, rest: string][] = [
    ["", "dev", true, ""],
    ["--refresh --diff", "dev", true, "--refresh --diff"],
    ["--stack two --refresh", "two", true, "--refresh"],
    ["--refresh --stack=org/two", "org/two", true, "--refresh"],
    ["-s two --no-install", "two", false, ""],
    ["--stack-name x", "dev", true, "--stack-name x"],
  ];
  for (const [args, stack, install, rest] of rows)
    it(`of '${args}'`, () => {
      const words = (text: string) => text.split(" ").filter(Boolean);
      assert.deepEqual(takeOptions(words(args), ""), { stack, install, rest: words(rest) });
    });

  for (const args of [["--stack"], ["--stack", "--refresh"], ["--stack="]])
    it(`refuse '${args.join(" ")}'`, () => {
      assert.throws(() => takeOptions(args, "the help"), /--stack: got ".*", expected a stack's name\n\nthe help/);
    });
});

describe("--help of every npm script", () => {
  let home: string;
  before(async () => {
    home = await mkdtemp(join(tmpdir(), "nlb-help-"));
  });
  after(() => rm(home, { recursive: true, force: true }));

  const manifest = async () =>
    (JSON.parse(await readFile(join(projectRoot, "package.json"), "utf8")) as { scripts: Record<string, string> })
      .scripts;

  it("prints a usage, ends with 0 and changes nothing", async function () {
    this.timeout(120_000);
    const scripts = Object.entries(await manifest()).filter(([, command]) => command.startsWith("node scripts/"));
    assert.ok(scripts.length >= 9);
    for (const [name, command] of scripts)
      for (const option of ["--help", "-h"]) {
        const [, bootstrap = "", script = "", ...args] = command.split(" ");
        assert.equal(bootstrap, "scripts/bootstrap.cjs");
        const node = ["-r", "./scripts/typescript.cjs", `${script}.ts`, ...args, option];
        // Nothing to be found: neither a home with an engine in it, nor Docker, nor any other program.
        const env = { HOME: home, PULUMI_HOME: undefined, PATH: home, DOCKER_HOST: "unix:///no/such/socket" };
        const { code, stdout, stderr } = await run(process.execPath, node, { cwd: projectRoot, env });
        assert.deepEqual([code, stderr], [0, ""], name);
        assert.match(stdout, /^Usage: npm (run )?[a-z]+/, name);
      }
    assert.deepEqual(await readdir(home), []);
  });
});
