import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../../lib/until";
import { projectRoot } from "../../scripts/setup/project";

/** Says again and again that it goes on, and tells by files what it has seen; ends as soon as there is no folder for them. */
const program = (folder: string) => `
  const { existsSync, writeFileSync } = require("node:fs");
  const isLeft = require("./rollout/asker").watchAsker();
  writeFileSync(${JSON.stringify(join(folder, "began"))}, "");
  let said = false;
  setInterval(() => {
    process.stderr.write("goes on\\n");
    // Once: the folder is about to be removed then.
    if (isLeft() && !said) {
      said = true;
      writeFileSync(${JSON.stringify(join(folder, "left"))}, "");
    }
    if (!existsSync(${JSON.stringify(folder)})) process.exit();
  }, 20);`;

describe("a step that nobody waits for any more", () => {
  let folder: string;
  let shell: ChildProcess;
  const has = (name: string) => existsSync(join(folder, name));

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "nlb-asker-"));
    // The shell has something to do after it, and so is its parent, as that of the engine's plugin.
    const script = `"$0" -r ./scripts/typescript.cjs -e "$1"; true`;
    shell = spawn("sh", ["-c", script, process.execPath, program(folder)], { cwd: projectRoot });
    shell.stdout?.resume();
    shell.stderr?.resume();
    await until("it has begun", 10, () => has("began"));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  for (const [what, leave] of [
    ["whose shell was ended", () => shell.kill("SIGKILL")],
    ["whose output nobody reads", () => void (shell.stdout?.destroy(), shell.stderr?.destroy())],
  ] as const)
    it(`notices it, and goes on: one ${what}`, async () => {
      assert.equal(has("left"), false);
      leave();
      await until("it has noticed", 10, () => has("left"));
    });
});
