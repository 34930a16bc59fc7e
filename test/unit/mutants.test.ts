import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Interrupted } from "../../lib/errors";
import { placesOf, withCopy, type Copy } from "../mutants/run";
import { projectRoot } from "../../scripts/setup/project";
import { mutants } from "../mutants/table";

describe("faults", () => {
  it("are more than 30, each under a name of its own, and are all on the page", async () => {
    assert.ok(mutants.length >= 30);
    const page = await readFile(join(projectRoot, "docs", "mutants.md"), "utf8");
    const cells = [...page.matchAll(/^\| (.*?) +\| `/gm)].map(([, name]) => name);
    assert.deepEqual(
      cells,
      mutants.map(({ name }) => name),
      "npm run mutants -- --write",
    );
    assert.equal(new Set(cells).size, mutants.length);
  });

  it("change something", () =>
    assert.deepEqual(
      mutants.filter(({ find, replace }) => find === replace),
      [],
    ));

  it("have one place each that they are made in", async () => {
    const misplaced = await Promise.all(
      mutants.map(async ({ name, file, find }) => {
        const places = placesOf(find, await readFile(join(projectRoot, file), "utf8"));
        return places === 1 ? [] : [`${name}: ${places} places in ${file}`];
      }),
    );
    assert.deepEqual(misplaced.flat(), []);
  });
});

describe("a copy to make faults in", function () {
  this.timeout(60_000);
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "nlb-program-"));
    const files = {
      "sum.js": "exports.sum = (a, b) => a + b;\nexports.unused = () => a;\nexports.again = () => a;\n",
      "test/unit/sum.test.ts": `const { sum } = require("../../sum");
        describe("sum", () => {
          it("of nothing", () => { if (sum(0, 0) !== 0) throw new Error("no"); });
          it("of two", () => { if (sum(1, 2) !== 3) throw new Error("no"); });
        });`,
    };
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), text);
    }
    await mkdir(join(root, "node_modules"));
    await symlink(join(projectRoot, "node_modules", "mocha"), join(root, "node_modules", "mocha"));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  const never = new AbortController().signal;
  const judge = (copy: Copy, find: string, replace: string) =>
    copy.judge({ name: "x", file: "sum.js", find, replace, tests: ["sum"] });

  it("tells which test has noticed, and what else came of a fault", async () => {
    await withCopy(root, never, async (copy) => {
      assert.deepEqual(await judge(copy, "a + b", "a - b"), { outcome: "killed", detail: "sum of two" });
      // The one before was taken back.
      assert.deepEqual(await judge(copy, "exports.unused", "exports.used"), { outcome: "survived", detail: "" });
      assert.equal((await judge(copy, "a + b", "a +")).outcome, "not loaded");
      assert.deepEqual(await judge(copy, "() => a", "0"), {
        outcome: "not applied",
        detail: '"() => a" is 2 times in sum.js',
      });
      assert.deepEqual((await judge(copy, "a * b", "0")).outcome, "not applied");
      const missing = { name: "x", file: "no.js", find: "a", replace: "b", tests: ["sum"] };
      assert.deepEqual((await copy.judge(missing)).outcome, "not applied");
    });
    assert.match(await readFile(join(root, "sum.js"), "utf8"), /a \+ b/);
  });

  it("goes after the work, after a failure, and after Ctrl-C", async () => {
    let folder = "";
    const gone = () => assert.ok(folder !== "" && !existsSync(folder), folder);
    const noted = async (copy: Copy) => {
      ({ folder } = copy);
      assert.ok(existsSync(join(folder, "sum.js")));
      return Promise.resolve("done");
    };
    assert.equal(await withCopy(root, never, noted), "done");
    gone();
    await assert.rejects(
      withCopy(root, never, async (copy) => noted(copy).then(() => Promise.reject(new Error("no")))),
      /no/,
    );
    gone();
    const interruption = new AbortController();
    const work = withCopy(root, interruption.signal, async (copy) => {
      await noted(copy);
      const verdict = copy.runTests(["sum"]);
      interruption.abort(new Interrupted());
      return verdict;
    });
    await assert.rejects(work, Interrupted);
    gone();
  });
});
