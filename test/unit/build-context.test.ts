import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { sentPaths } from "../../lib/build-context";
import { hashTree } from "../../lib/tree-hash";

describe("build context", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "nlb-context-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const write = (path: string, text = "") => {
    mkdirSync(dirname(join(folder, path)), { recursive: true, mode: 0o755 });
    writeFileSync(join(folder, path), text, { mode: 0o644 });
  };

  describe("is what Docker sends", () => {
    const files = ["a.txt", "b.md", "d/a.txt", "d/e/b.md", "d/e/f/c.py", "x+y", "xfoo", "q/foo"];
    const all = "a.txt b.md d d/a.txt d/e d/e/b.md d/e/f d/e/f/c.py empty link q q/foo x+y xfoo";
    // Each was compared with the code that Docker's client uses, as were 18,000 random ones.
    const rows: [ignore: string, sent: string][] = [
      ["", all],
      ["# d\n\n   \n", all],
      ["*", ""],
      ["**", ""],
      ["d", "a.txt b.md empty link q q/foo x+y xfoo"],
      ["/d/\r\n", "a.txt b.md empty link q q/foo x+y xfoo"],
      ["./d/../d//", "a.txt b.md empty link q q/foo x+y xfoo"],
      ["\uFEFFd\n  q  \n", "a.txt b.md empty link x+y xfoo"],
      [" # d", all],
      ["../d\n.\n/\n", all],
      ["*.txt", "b.md d d/a.txt d/e d/e/b.md d/e/f d/e/f/c.py empty link q q/foo x+y xfoo"],
      ["*/*.txt", "a.txt b.md d d/e d/e/b.md d/e/f d/e/f/c.py empty link q q/foo x+y xfoo"],
      ["**/*.txt", "b.md d d/e d/e/b.md d/e/f d/e/f/c.py empty link q q/foo x+y xfoo"],
      ["**/foo", "a.txt b.md d d/a.txt d/e d/e/b.md d/e/f d/e/f/c.py empty link q x+y xfoo"],
      ["**foo", "a.txt b.md d d/a.txt d/e d/e/b.md d/e/f d/e/f/c.py empty link q x+y"],
      ["d/**", "a.txt b.md d empty link q q/foo x+y xfoo"],
      ["d/**/c.py\nd/e/**", "a.txt b.md d d/a.txt d/e empty link q q/foo x+y xfoo"],
      ["?", "a.txt b.md empty link x+y xfoo"],
      ["[a-d]*", "empty link q q/foo x+y xfoo"],
      ["[^a-d]*", "a.txt b.md d d/a.txt d/e d/e/b.md d/e/f d/e/f/c.py"],
      ["x\\+y\nx*\n!x\\foo", "a.txt b.md d d/a.txt d/e d/e/b.md d/e/f d/e/f/c.py empty link q q/foo"],
      ["*\n!d/e/b.md", "d d/e d/e/b.md"],
      ["*\n!d/e\nd/e/f", "d d/e d/e/b.md"],
      ["*\n! /q/ ", "q q/foo"],
      ["d\n!**/*.md", "a.txt b.md d d/e d/e/b.md empty link q q/foo x+y xfoo"],
      ["!d\nd", "a.txt b.md empty link q q/foo x+y xfoo"],
      ["d/a.txt\n!d", "a.txt b.md d d/e d/e/b.md d/e/f d/e/f/c.py empty link q q/foo x+y xfoo"],
      ["*\n!empty\n!link", "empty link"],
      ["D", all],
    ];
    for (const [ignore, sent] of rows)
      it(`with ${JSON.stringify(ignore)}`, () => {
        for (const path of files) write(path);
        mkdirSync(join(folder, "empty"));
        symlinkSync("d", join(folder, "link"));
        write(".dockerignore", ignore);
        const paths = sentPaths(folder).filter((path) => path !== ".dockerignore");
        assert.equal(paths.join(" "), sent);
      });

    it("by Dockerfile.dockerignore where there is one", () => {
      for (const path of files) write(path);
      write(".dockerignore", "");
      write("Dockerfile.dockerignore", "*\n!b.md");
      assert.deepEqual(sentPaths(folder), ["b.md"]);
    });

    for (const pattern of ["!", "!/", "[z-a]"])
      it(`unless a pattern is one that it doesn't take: ${pattern}`, () => {
        write(".dockerignore", `a\n${pattern}\n`);
        assert.throws(() => sentPaths(folder), {
          message: `${join(folder, ".dockerignore")}: got "${pattern}", expected a pattern that Docker takes`,
        });
      });
  });

  describe("hash", () => {
    const at = (path: string) => join(folder, path);
    const rows: [what: string, change: () => void, changes: boolean][] = [
      ["a file's content", () => write("app.py", "print(2)"), true],
      ["a file's name", () => renameSync(at("app.py"), at("main.py")), true],
      ["another file", () => write("src/new.py"), true],
      ["an ignored file", () => write("ignored/x", "2"), false],
      ["the Dockerfile, ignored as it is", () => write("Dockerfile", "FROM b"), true],
      ["a file's time", () => utimesSync(at("app.py"), 1, 1), false],
      ["the executable bit", () => chmodSync(at("app.py"), 0o755), true],
      ["a file that only its owner reads", () => chmodSync(at("app.py"), 0o600), true],
      ["a folder that only its owner enters", () => chmodSync(at("src"), 0o700), true],
      ["the set-user-id bit", () => chmodSync(at("app.py"), 0o4755), true],
      ["an ignored file's mode", () => chmodSync(at("ignored/x"), 0o600), false],
      ["an empty folder", () => mkdirSync(at("var")), true],
      ["where a link leads", () => (unlinkSync(at("link")), symlinkSync("src", at("link"))), true],
      ["what a link leads to", () => write("ignored/target", "2"), false],
      ["a link in a file's place", () => (unlinkSync(at("app.py")), symlinkSync("link", at("app.py"))), true],
      ["a pipe", () => execFileSync("mkfifo", [at("pipe")]), true],
    ];
    for (const [what, change, changes] of rows)
      it(`is ${changes ? "another" : "the same"} for ${what}`, () => {
        write(".dockerignore", "ignored\nDockerfile");
        write("Dockerfile", "FROM a");
        write("app.py", "print(1)");
        write("src/lib.py");
        write("ignored/x", "1");
        write("ignored/target", "1");
        symlinkSync("ignored/target", at("link"));
        const before = hashTree(folder);
        change();
        assert.equal(hashTree(folder) !== before, changes);
      });

    it("is that of the file that a linked Dockerfile leads to", () => {
      write("ignored/Dockerfile", "FROM a");
      write(".dockerignore", "ignored");
      symlinkSync("ignored/Dockerfile", at("Dockerfile"));
      const before = hashTree(folder);
      write("ignored/Dockerfile", "FROM b");
      assert.notEqual(hashTree(folder), before);
    });

    it("waits for no socket", async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(at("socket"), resolve));
      assert.match(hashTree(folder), /^[0-9a-f]{10}$/);
      await new Promise((resolve) => server.close(resolve));
    });

    it("doesn't depend on how the folder's path is spelled", () => {
      write("src/app.py", "print(1)");
      const path = relative("", folder);
      const spellings = [folder, path, `${folder}/`, `${folder}//`, `./${path}`, `${path}/src/..`];
      assert.equal(new Set(spellings.map(hashTree)).size, 1);
      write("src/app.py", "print(2)");
      assert.notEqual(
        hashTree(`${path}/`),
        hashTree(dirname(folder) + "/none/../" + folder.split("/").at(-1) + "/src"),
      );
    });
  });
});
