import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const checkout = join(__dirname, "..", "..");

// Stands for npm: counts its runs, and installs what bootstrap.cjs needs next. Like the real one it removes
// node_modules first.
const fakeNpm = `
const fs = require("node:fs");
fs.appendFileSync("npm-runs", process.argv.slice(2).join(" ") + "\\n");
fs.rmSync("node_modules", { recursive: true, force: true });
fs.mkdirSync("node_modules");
if (fs.existsSync("npm-fails")) process.exit(7);
fs.symlinkSync(${JSON.stringify(join(checkout, "node_modules", "sucrase"))}, "node_modules/sucrase");
`;

describe("bootstrap.cjs", () => {
  let root: string;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "bootstrap-test-"));
    await mkdir(join(root, "scripts"));
    for (const name of ["bootstrap.cjs", "typescript.cjs"])
      await copyFile(join(checkout, "scripts", name), join(root, "scripts", name));
    await writeFile(join(root, "package.json"), JSON.stringify({ dependencies: { sucrase: "1.0.0" } }));
    await writeFile(join(root, "package-lock.json"), "{}");
    await writeFile(join(root, "npm.cjs"), fakeNpm);
    await writeFile(
      join(root, "scripts", "hello.ts"),
      "const args: string[] = process.argv.slice(2); console.log(args.join()); process.exitCode = args.length;",
    );
  });

  afterEach(() => rm(root, { recursive: true, force: true }));

  function bootstrap(...args: string[]) {
    return spawnSync(process.execPath, [join(root, "scripts", "bootstrap.cjs"), ...args], {
      encoding: "utf8",
      env: { ...process.env, npm_execpath: join(root, "npm.cjs") },
    });
  }

  async function npmRuns(): Promise<number> {
    const log = await readFile(join(root, "npm-runs"), "utf8").catch(() => "");
    return log.split("\n").length - 1;
  }

  it("installs once, then runs the script with its arguments and its exit code", async () => {
    for (let round = 0; round < 2; round += 1) {
      const { stdout, status } = bootstrap("scripts/hello", "a", "b");
      assert.deepEqual([stdout, status], ["a,b\n", 2]);
    }
    assert.equal(await npmRuns(), 1);
  });

  it("installs again for another lock file, but not for another script in package.json", async () => {
    bootstrap("scripts/hello");
    await writeFile(join(root, "package.json"), JSON.stringify({ scripts: {}, dependencies: { sucrase: "1.0.0" } }));
    bootstrap("scripts/hello");
    assert.equal(await npmRuns(), 1);
    await writeFile(join(root, "package-lock.json"), "{ }");
    bootstrap("scripts/hello");
    assert.equal(await npmRuns(), 2);
  });

  it("stops when npm fails, and installs at the next run", async () => {
    await writeFile(join(root, "npm-fails"), "");
    const failed = bootstrap("scripts/hello");
    assert.equal(failed.status, 1);
    assert.match(failed.stderr, /npm packages: npm ci failed \(exit code 7\)/);
    await rm(join(root, "npm-fails"));
    assert.equal(bootstrap("scripts/hello").status, 0);
    assert.equal(await npmRuns(), 2);
  });

  it("takes packages without its stamp for half an installation", async () => {
    await mkdir(join(root, "node_modules"));
    await symlink(join(checkout, "node_modules", "sucrase"), join(root, "node_modules", "sucrase"));
    assert.equal(bootstrap("scripts/hello").status, 0);
    assert.equal(await npmRuns(), 1);
  });

  it("installs nothing for --help, nor with --no-install", async () => {
    const help = bootstrap("scripts/hello", "--help");
    assert.deepEqual([help.status, /after npm ci, --help tells more/.test(help.stdout)], [0, true]);
    const checked = bootstrap("scripts/hello", "--no-install");
    assert.deepEqual([checked.status, /npm packages: missing/.test(checked.stderr)], [1, true]);
    assert.equal(await npmRuns(), 0);
    bootstrap("scripts/hello");
    assert.equal(bootstrap("scripts/hello", "--help").stdout, "--help\n");
  });

  it("names what it does not know", () => {
    assert.match(bootstrap("../evil").stderr, /got "..\/evil"/);
    assert.match(bootstrap("scripts/nope").stderr, /There is no scripts\/nope.ts/);
  });
});
