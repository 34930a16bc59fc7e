import assert from "node:assert/strict";
import { join } from "node:path";
import { ESLint } from "eslint";
import { projectRoot } from "../../scripts/setup/project";

const own = new Set(["layers/downwards", "no-restricted-globals"]);

describe("lint", function () {
  this.timeout(120_000);
  const eslint = new ESLint({ cwd: projectRoot });

  const rows: [file: string, text: string, problem: string | undefined][] = [
    ["lib/until.ts", `import "../model/deal";`, "lib/ imports model/deal; it may import no other folder."],
    ["model/deal.ts", `import "../lib/until";`, undefined],
    [
      "model/deal.ts",
      `import * as pulumi from "@pulumi/pulumi";`,
      "model/ imports @pulumi/pulumi; it may import node:crypto, node:net, node:path, node:url, node:util, zod.",
    ],
    [
      "model/deal.ts",
      `import "node:child_process";`,
      "model/ imports node:child_process; it may import node:crypto, node:net, node:path, node:url, node:util, zod.",
    ],
    [
      "nginx/render/config.ts",
      `export { docker } from "../../rollout/docker";`,
      "nginx/render/ imports rollout/docker; it may import model, lib.",
    ],
    ["nginx/render/config.ts", `export * from "./headers";`, undefined],
    [
      "rollout/port.ts",
      `export * from "../components/balancer";`,
      "rollout/ imports components/balancer; it may import nginx/render, model, lib.",
    ],
    ["rollout/port.ts", `void import("../index");`, "rollout/ imports index; it may import nginx/render, model, lib."],
    ["rollout/port.ts", `import "@pulumi/docker";`, "rollout/ imports @pulumi/docker; it may import node:, diff, zod."],
    [
      "components/balancer.ts",
      `import type { Step } from "../scripts/setup/step";`,
      "components/ imports scripts/setup/step; it may import rollout, nginx/render, model, lib.",
    ],
    [
      "components/balancer.ts",
      `export type X = import("../index").X;`,
      "components/ imports index; it may import rollout, nginx/render, model, lib.",
    ],
    ["scripts/up.ts", `import "../components/balancer";`, undefined],
    ["scripts/up.ts", `describe("x", () => undefined);`, "Unexpected use of 'describe'."],
    ["test/mocks.ts", `describe("x", () => undefined);`, undefined],
  ];
  for (const [file, text, problem] of rows)
    it(`${problem === undefined ? "takes" : "refuses"} ${text} in ${file}`, async () => {
      const [result] = await eslint.lintText(`${text}\n`, { filePath: join(projectRoot, file) });
      const messages = result?.messages.filter(({ ruleId }) => ruleId === null || own.has(ruleId)) ?? [];
      assert.deepEqual(
        messages.map(({ message }) => message),
        problem === undefined ? [] : [problem],
      );
    });
});
