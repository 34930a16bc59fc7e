import assert from "node:assert/strict";
import { chmod, cp, mkdir, mkdtemp, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { hashTree, hashValue } from "../../lib/tree-hash";

describe("hash of a build context", () => {
  let folder: string;
  const write = async (path: string, text: string) => {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  };
  beforeEach(async () => {
    folder = join(await mkdtemp(join(tmpdir(), "nlb-tree-")), "context");
    await write("Dockerfile", "FROM scratch\n");
    await write(".dockerignore", "Dockerfile\n.dockerignore\nnotes\n");
    await write("lib/app.py", "app\n");
    await write("serve.sh", "exec app\n");
    await write("notes", "to do\n");
    await symlink("lib", join(folder, "link"));
  });
  afterEach(() => rm(dirname(folder), { recursive: true, force: true }));

  const changes: [what: string, change: () => Promise<unknown>][] = [
    ["another text in a file", () => write("lib/app.py", "App\n")],
    ["another text in the Dockerfile, although it is ignored", () => write("Dockerfile", "FROM other\n")],
    ["another .dockerignore, although it is ignored", () => write(".dockerignore", "Dockerfile\n.dockerignore\n")],
    ["a file more", () => write("more", "")],
    ["a file less", () => rm(join(folder, "serve.sh"))],
    ["a file in another place", () => cp(join(folder, "serve.sh"), join(folder, "lib", "serve.sh"))],
    ["an executable bit", () => chmod(join(folder, "serve.sh"), 0o755)],
    [
      "a link elsewhere",
      async () => {
        await rm(join(folder, "link"));
        await symlink("lib/app.py", join(folder, "link"));
      },
    ],
    [
      "a file in place of a link",
      async () => {
        await rm(join(folder, "link"));
        await write("link", "lib");
      },
    ],
  ];
  for (const [what, change] of changes)
    it(`differs for ${what}`, async () => {
      const before = hashTree(folder);
      await change();
      assert.match(hashTree(folder), /^[0-9a-f]{10}$/);
      assert.notEqual(hashTree(folder), before);
    });

  it("stays for what Docker isn't sent, for other times, and in another place", async () => {
    const before = hashTree(folder);
    await write("notes", "done\n");
    await utimes(join(folder, "serve.sh"), 1, 1);
    const copy = join(dirname(folder), "copy");
    await cp(folder, copy, { recursive: true, verbatimSymlinks: true });
    assert.deepEqual([hashTree(folder), hashTree(copy)], [before, before]);
  });
});

describe("hash of a value", () => {
  it("is the same in whatever order keys were written, and another for another value", () => {
    assert.match(hashValue({}), /^[0-9a-f]{10}$/);
    assert.equal(hashValue({ a: 1, b: { c: 2, d: 3 } }), hashValue({ b: { d: 3, c: 2 }, a: 1 }));
    const values = [{ a: 1 }, { a: "1" }, { a: [1, 2] }, { a: [2, 1] }, { b: 1 }, {}, [], "", null];
    assert.equal(new Set(values.map(hashValue)).size, values.length);
  });
});
