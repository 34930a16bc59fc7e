import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messageOf } from "../lib/errors";
import { runChecks, runTool } from "./checks";
import { runMain, UserError } from "../scripts/cli";
import { runSetup } from "../scripts/setup/index";
import type { Counts } from "./reporter";

const help = `Usage: npm test                set-up, types, lint, format, then the parts unit, offline, policies and e2e
       npm run test:unit       without Docker and Pulumi engine
       npm run test:offline    the built plugins, on the real engine
       npm run test:policies   docs/policies, on the real nginx
       npm run test:e2e        the product, on the real engine and Docker
       npm run test:repair     what can become of a stack by hand, by a crash or by Docker, and its repair; interrupted updates;
                               renewals of certificates, proxies in front, software of others behind it, hostile input,
                               the page docs/sites.md, a bench of the shortest kind

Further arguments go to mocha: npm run test:e2e -- --grep 'two stacks'
The last line is 'N passed, N failed'; exit code 0 when none failed. One test restarts Docker, and with it every container of
the host: it runs with CI=true or TEST_RESTARTS_DOCKER=true, and is counted as skipped otherwise.
`;

/** The parts, with what each needs. */
const parts: Readonly<Record<string, { readonly files: string; readonly needsEngine: boolean }>> = {
  unit: { files: "test/unit/**/*.test.ts", needsEngine: false },
  offline: { files: "test/offline/**/*.test.ts", needsEngine: true },
  policies: { files: "test/policies/**/*.test.ts", needsEngine: true },
  e2e: { files: "test/e2e/**/*.test.ts", needsEngine: true },
  repair: { files: "test/faults/**/*.test.ts", needsEngine: true },
};

async function main(args: string[]): Promise<void> {
  if (args.includes("--help") || args.includes("-h")) {
    process.stdout.write(help);
    return;
  }
  const part = args[0]?.startsWith("-") === false ? args[0] : undefined;
  const mochaArgs = part === undefined ? args : args.slice(1);
  if (part !== undefined && !(part in parts))
    throw new UserError(`got ${part}, allowed are ${Object.keys(parts).join(", ")}\n\n${help}`, 2);
  const names = part === undefined ? ["unit", "offline", "policies", "e2e"] : [part];

  if (names.some((name) => parts[name]?.needsEngine)) {
    await runSetup({ quiet: true }).catch((error: unknown) => {
      throw new UserError(
        `${messageOf(error)}\nnpm run test:unit runs the part that needs neither Docker nor the Pulumi engine.`,
      );
    });
  }
  if (part === undefined) await runChecks();

  let passed = 0;
  let failed = 0;
  let skipped = 0;
  const failures: string[] = [];
  for (const name of names) {
    const counts = await runPart(parts[name]?.files ?? "", mochaArgs);
    passed += counts.passed;
    failed += counts.failed;
    skipped += counts.skipped;
    failures.push(...counts.failures.map((failure) => `${name}: ${failure}`));
  }
  // The parts' own reports are far above, where a log may be cut.
  for (const failure of failures) process.stdout.write(`\nFAILED ${failure}\n`);
  process.stdout.write(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}\n`);
  if (failed > 0 || passed === 0) process.exitCode = 1;
}

/** Runs mocha on a part's files. A run that ends before it has counted is one failure more. */
async function runPart(files: string, mochaArgs: readonly string[]): Promise<Counts> {
  const folder = await mkdtemp(join(tmpdir(), "nlb-test-"));
  const countsFile = join(folder, "counts.json");
  try {
    const code = await runTool("mocha", ["--reporter", "test/reporter.ts", ...mochaArgs, files], {
      TEST_COUNTS_FILE: countsFile,
    });
    const counts = JSON.parse(await readFile(countsFile, "utf8")) as Counts;
    const isUncounted = code !== 0 && counts.failed === 0;
    return isUncounted ? { ...counts, failed: 1, failures: [`mocha ended with code ${code}`] } : counts;
  } catch (error) {
    const failure = `mocha ended without a count: ${messageOf(error)}`;
    return { passed: 0, failed: 1, skipped: 0, failures: [failure] };
  } finally {
    await rm(folder, { recursive: true });
  }
}

runMain(main);
