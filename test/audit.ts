import { run } from "../lib/process";
import { parseOptions, runMain, UserError } from "../scripts/cli";
import { projectRoot } from "../scripts/setup/project";

const help = `Usage: npm run audit

Asks the npm registry for known weaknesses of the packages: of those that the program runs with, and of all. Fails for high and
critical ones. Where the registry doesn't tell, it says so, and that is all.
`;

/** What `npm audit --json` tells; undefined where the registry has not answered. */
export interface Audit {
  /** High and critical ones, a line each. */
  readonly serious: readonly string[];
  /** How many others there are. */
  readonly others: number;
}

interface Weakness {
  readonly severity: string;
  readonly range?: string;
  /** What is known of it, or the package that has it from another one. */
  readonly via: readonly (string | { readonly title?: string; readonly url?: string })[];
}

/** Reads what `npm audit --json` prints. */
export function readAudit(text: string): Audit | undefined {
  const weaknesses = weaknessesOf(text);
  if (weaknesses === undefined) return undefined;
  const serious = weaknesses.filter(([, { severity }]) => severity === "high" || severity === "critical");
  return { serious: serious.map(lineOf), others: weaknesses.length - serious.length };
}

function weaknessesOf(text: string): [name: string, Weakness][] | undefined {
  try {
    const { vulnerabilities } = JSON.parse(text) as { vulnerabilities?: Record<string, Weakness> };
    return vulnerabilities && Object.entries(vulnerabilities);
  } catch {
    return undefined;
  }
}

function lineOf([name, { severity, range = "", via }]: [string, Weakness]): string {
  const why = via.map((one) => (typeof one === "string" ? `by ${one}` : `${one.title ?? ""} ${one.url ?? ""}`.trim()));
  return `${name} ${range} (${severity}): ${why.join("; ")}`;
}

/** The packages that are looked at, and how npm is told. */
const parts: readonly (readonly [what: string, options: readonly string[]])[] = [
  ["packages that the program runs with", ["--omit=dev"]],
  ["all packages", []],
];

if (require.main === module)
  runMain(async (args) => {
    parseOptions(args, {}, help);
    const found: string[] = [];
    for (const [what, options] of parts) {
      const asked = ["audit", "--json", "--package-lock-only", ...options];
      const audit = readAudit((await run("npm", asked, { cwd: projectRoot, timeoutSeconds: 120 })).stdout);
      if (audit === undefined) process.stderr.write(`${what}: the npm registry does not tell of weaknesses here\n`);
      else {
        const counts = `${audit.serious.length} high or critical, ${audit.others} other weaknesses`;
        process.stderr.write(`${what}: ${counts}\n`);
        found.push(...audit.serious);
      }
    }
    if (found.length > 0) throw new UserError(["Known weaknesses:", ...new Set(found)].join("\n  "));
  });
