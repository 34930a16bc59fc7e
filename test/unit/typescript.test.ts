import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const checkout = join(__dirname, "..", "..");

describe("TypeScript that Node.js loads", () => {
  let root: string;
  let cache: string;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "nlb-typescript-"));
    cache = join(root, "node_modules", ".cache", "stripped-types");
    await mkdir(join(root, "scripts"));
    await mkdir(join(root, "node_modules"));
    await copyFile(join(checkout, "scripts", "typescript.cjs"), join(root, "scripts", "typescript.cjs"));
    await symlink(join(checkout, "node_modules", "sucrase"), join(root, "node_modules", "sucrase"));
    await writeProgram("one");
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  /** A program that says a word, and whether types had to be stripped for it. */
  async function writeProgram(word: string): Promise<void> {
    await writeFile(
      join(root, "program.ts"),
      `import { sep } from "node:path";
const word: string = ${JSON.stringify(word)};
const stripping = Object.keys(require.cache).some((file) => file.includes(["sucrase", "dist"].join(sep)));
console.log(word, stripping ? "stripped" : "kept");
`,
    );
  }

  async function run(): Promise<string> {
    const args = ["-r", "./scripts/typescript.cjs", "program.ts"];
    return (await promisify(execFile)(process.execPath, args, { cwd: root })).stdout.trim();
  }

  it("is stripped of its types once", async () => {
    assert.equal(await run(), "one stripped");
    assert.equal(await run(), "one kept");
    assert.deepEqual(await readdir(cache), ["program.ts.js"]);
  });

  it("is stripped again when it has changed, in the place of what was kept", async () => {
    await run();
    await writeProgram("two");
    assert.equal(await run(), "two stripped");
    assert.equal(await run(), "two kept");
    assert.deepEqual(await readdir(cache), ["program.ts.js"]);
  });

  it("is stripped again when half of it was kept", async () => {
    await run();
    const kept = join(cache, "program.ts.js");
    await truncate(kept, (await readFile(kept)).length - 10);
    assert.equal(await run(), "one stripped");
    assert.equal(await run(), "one kept");
  });

  it("runs where nothing can be kept", async () => {
    await writeFile(join(root, "node_modules", ".cache"), "a file where the folder would be");
    assert.equal(await run(), "one stripped");
    assert.equal(await run(), "one stripped");
  });
});
