import assert from "node:assert/strict";
import { join } from "node:path";
import { run } from "../../lib/process";
import { projectRoot } from "../../scripts/setup/project";
import { readAudit } from "../audit";
import { FakePrograms } from "../fake-programs";

/** As npm 11 prints it. */
const report = (vulnerabilities: object) =>
  JSON.stringify({ auditReportVersion: 2, vulnerabilities, metadata: { vulnerabilities: {} } });

const weakness = (
  severity: string,
  via: unknown[] = [{ title: "Reads too far", url: "https://advisory.example/1" }],
) => ({
  ...{ name: "a", severity, isDirect: false, via, effects: [], range: "<2.0.0", nodes: ["node_modules/a"] },
});

describe("npm run audit", () => {
  const cases: readonly (readonly [what: string, text: string, expected: ReturnType<typeof readAudit>])[] = [
    ["nothing known", report({}), { serious: [], others: 0 }],
    ["a low and a moderate one", report({ a: weakness("low"), b: weakness("moderate") }), { serious: [], others: 2 }],
    [
      "a high one",
      report({ a: weakness("high"), b: weakness("info") }),
      { serious: ["a <2.0.0 (high): Reads too far https://advisory.example/1"], others: 1 },
    ],
    [
      "a critical one, that another package has from it",
      report({ a: weakness("critical", ["b"]) }),
      { serious: ["a <2.0.0 (critical): by b"], others: 0 },
    ],
    [
      "a registry that doesn't know the question",
      JSON.stringify({ message: "404 Not Found", method: "POST", statusCode: 404, error: { summary: "", detail: "" } }),
      undefined,
    ],
    ["a registry that can't be reached", JSON.stringify({ error: { code: "ENOTFOUND" } }), undefined],
    ["npm's own failure", "npm: not found", undefined],
    ["no word", "", undefined],
  ];
  for (const [what, text, expected] of cases) it(what, () => assert.deepEqual(readAudit(text), expected));

  for (const [what, text, code, told] of [
    ["fails", report({ a: weakness("high") }), 1, /^ {2}a <2\.0\.0 \(high\): Reads too far/m],
    ["says that nothing is known", report({}), 0, /^all packages: 0 high or critical, 0 other weaknesses$/m],
    ["goes on, and says so", "{}", 0, /^all packages: the npm registry does not tell of weaknesses here$/m],
  ] as const)
    it(what, async () => {
      const programs = await FakePrograms.create();
      try {
        // As npm does, which fails for any weakness, and for a registry that doesn't answer.
        await programs.write("npm", `#!/bin/sh\necho '${text}'\nexit 1\n`);
        const script = ["-r", "./scripts/typescript.cjs", join("test", "audit.ts")];
        const ended = await run(process.execPath, script, { cwd: projectRoot });
        assert.equal(ended.code, code, ended.stderr);
        assert.match(ended.stderr, told);
      } finally {
        await programs.remove();
      }
    });
});
