import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../../scripts/setup/project";
import { corpus } from "../faults/hostile/corpus";

describe("docs/hostile-input.md", () => {
  const page = readFileSync(join(projectRoot, "docs", "hostile-input.md"), "utf8").replaceAll("\\", "");

  for (const { title, rows } of corpus)
    it(`has every row of ${title}, which have names of their own`, () => {
      const part = page.split("\n### ").find((one) => one.startsWith(`${title}\n`)) ?? "";
      const missing = rows.filter(({ name }) => !part.includes(name));
      assert.deepEqual(missing, [], "node -r ./scripts/typescript.cjs test/faults/hostile/page.ts");
      assert.equal(new Set(rows.map(({ name }) => name)).size, rows.length);
    });
});
