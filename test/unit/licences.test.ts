import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../../scripts/setup/project";

interface Package {
  readonly version?: string;
  readonly license?: string;
  readonly dev?: boolean;
}

/** Those that ask for no more than that their text and their authors' names come along. */
const allowed = new Set(
  "0BSD Apache-2.0 BlueOak-1.0.0 BSD-2-Clause BSD-3-Clause CC0-1.0 ISC MIT Python-2.0 Unlicense".split(" "),
);

/** What people have read, where a package's own word is no name of a licence, or one for data. */
const read: Readonly<Record<string, string>> = {
  "@logdna/tail-file@2.2.0": "MIT, in its file LICENSE",
  "spdx-exceptions@2.5.0": "CC-BY-3.0: a list of names, from the SPDX project's page",
};

/** Whether a licence, as SPDX writes it, is allowed. What both `AND` and `OR` stand in has to be read. */
function isAllowed(licence: string): boolean {
  const words = licence.replace(/[()]/g, " ").trim().split(/\s+/);
  const names = words.filter((word) => word !== "AND" && word !== "OR");
  if (!words.includes("OR")) return names.every((name) => allowed.has(name));
  return !words.includes("AND") && names.some((name) => allowed.has(name));
}

/** Packages of a lock file that come with the program, and may not. */
function refused(packages: Readonly<Record<string, Package>>): string[] {
  return Object.entries(packages).flatMap(([path, { version = "", license = "", dev = false }]) => {
    const name = `${path.split("node_modules/").at(-1)}@${version}`;
    return path === "" || dev || isAllowed(license) || name in read ? [] : `${name}: ${license || "none"}`;
  });
}

describe("licences", () => {
  it("of all packages that the program runs with are known and allowed", () => {
    const { packages } = JSON.parse(readFileSync(join(projectRoot, "package-lock.json"), "utf8")) as {
      packages: Record<string, Package>;
    };
    assert.ok(Object.keys(packages).length > 100);
    assert.deepEqual(refused(packages), []);
    const names = Object.entries(packages).map(
      ([path, { version }]) => `${path.split("node_modules/").at(-1)}@${version}`,
    );
    for (const name of Object.keys(read)) assert.ok(names.includes(name), `${name} has gone from the packages`);
  });

  const cases: readonly (readonly [licence: string | undefined, isAllowed: boolean])[] = [
    ["MIT", true],
    ["(BSD-3-Clause AND Apache-2.0)", true],
    ["(GPL-3.0-only OR MIT)", true],
    ["GPL-3.0-only", false],
    ["(MIT AND GPL-3.0-only)", false],
    ["((MIT OR GPL-3.0-only) AND AGPL-3.0-only)", false],
    ["Apache-2.0 WITH LLVM-exception", false],
    ["SEE LICENSE IN LICENSE", false],
    ["UNLICENSED", false],
    [undefined, false],
  ];
  for (const [license, isFine] of cases)
    it(`${license ?? "no word on it"}: ${isFine ? "allowed" : "refused"}, but for what runs in tests alone`, () => {
      const one = { version: "1.0.0", ...(license !== undefined && { license }) };
      const packages = { "": one, "node_modules/a/node_modules/@b/c": one, "node_modules/d": { ...one, dev: true } };
      assert.deepEqual(refused(packages), isFine ? [] : [`@b/c@1.0.0: ${license ?? "none"}`]);
    });
});
