import { join } from "node:path";
import { runInForeground } from "../lib/process";
import { parseOptions, runMain, UserError } from "../scripts/cli";
import { projectRoot } from "../scripts/setup/project";

/** The checks of the source that need no Docker: types, lint, format. */
const checks: readonly (readonly [name: string, command: string, ...args: string[]])[] = [
  ["types", "tsc", "-p", "."],
  ["lint", "eslint", "--max-warnings=0", "."],
  ["format", "prettier", "--check", "--log-level=warn", "."],
];

/** Runs a command of the installed packages in the foreground; gives its exit code, 130 after a signal. */
export function runTool(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<number> {
  return runInForeground(join(projectRoot, "node_modules", ".bin", command), args, { cwd: projectRoot, env });
}

/**
 * Runs all checks.
 *
 * @throws UserError that names those that failed
 */
export async function runChecks(): Promise<void> {
  const failed: string[] = [];
  for (const [name, command, ...args] of checks) {
    const start = performance.now();
    const code = await runTool(command, args);
    process.stderr.write(
      `${name}: ${code === 0 ? "fine" : "failed"} (${((performance.now() - start) / 1000).toFixed(1)} s)\n`,
    );
    if (code !== 0) failed.push(name);
  }
  if (failed.length > 0)
    throw new UserError(`Failed: ${failed.join(", ")}. npm run format mends what can be mended by itself.`);
}

const help = "Usage: npm run check\n\nChecks types, lint and format. Changes nothing; npm run format mends.\n";

if (require.main === module)
  runMain(async (args) => {
    parseOptions(args, {}, help);
    await runChecks();
  });
