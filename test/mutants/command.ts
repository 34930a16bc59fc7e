import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { format } from "prettier";
import { parseOptions, runMain, untilInterrupted, UserError } from "../../scripts/cli";
import { withCopy, type Verdict } from "./run";
import { projectRoot } from "../../scripts/setup/project";
import { formatTable } from "../../scripts/table";
import { mutants, type Mutant } from "./table";

const help = `Usage: npm run mutants [-- --only TEXT] [--list] [--json] [--write]

Asks the unit tests whether they would notice: makes one small fault at a time (test/mutants/table.ts) in a copy of this
folder, runs the tests that are concerned, and tells which of them failed first. Changes nothing here.

  --only TEXT  only the faults whose names have TEXT in them
  --list       shows the faults, and runs nothing
  --json       the result for machines, on standard output: npm run --silent mutants -- --json
  --write      writes docs/mutants.md as well; with --only, the rows of the others stay as they are

Progress goes to standard error. Exit code 0 when every fault was noticed; 1 when one was not, when its text does not occur
exactly once in its file, when it keeps a test file from being loaded, or when its tests take longer than two minutes;
2 for a bad option, 130 after Ctrl-C.
`;

/** A fault and what came of it. */
interface Result extends Pick<Mutant, "name" | "file"> {
  readonly verdict: Verdict;
}

/** Applies the faults one after the other; a failing test without any is an error, for it would notice everything. */
async function runAll(chosen: readonly Mutant[], signal: AbortSignal): Promise<Result[]> {
  return withCopy(projectRoot, signal, async (copy) => {
    const tests = [...new Set(chosen.flatMap((mutant) => mutant.tests))];
    const whole = await copy.runTests(tests);
    if (whole.outcome !== "survived")
      throw new UserError(`The tests fail without any fault: ${whole.outcome}, ${whole.detail}`);
    const results: Result[] = [];
    for (const mutant of chosen) {
      const verdict = await copy.judge(mutant);
      results.push({ name: mutant.name, file: mutant.file, verdict });
      process.stderr.write(`${results.length}/${chosen.length} ${mutant.name}: ${wordsOf(verdict)}\n`);
    }
    return results;
  });
}

function wordsOf({ outcome, detail }: Verdict): string {
  return detail === "" ? outcome : `${outcome}: ${detail}`;
}

/** The page that shows the faults: without times, so that an equal result gives an equal page. */
export function mutantsPage(results: readonly Result[]): string {
  const cell = (text: string) => text.replaceAll("|", "\\|");
  const killed = results.filter(({ verdict }) => verdict.outcome === "killed").length;
  const rows = results.map(
    ({ name, file, verdict }) => `| ${cell(name)} | \`${file}\` | ${cell(verdict.detail || verdict.outcome)} |`,
  );
  return `# Faults that the unit tests notice

Made by \`npm run mutants -- --write\`, which makes each of these faults in a copy of the program and runs the tests that are
concerned. ${killed} of ${results.length} are noticed. A fault that nobody would notice belongs into test/mutants/table.ts, and
then into a test.

| fault | in | noticed by |
| --- | --- | --- |
${rows.join("\n")}
`;
}

/** Results of some faults among those that a page has of the others, in the table's order; of one that neither has, there is none. */
export function withOthers(results: readonly Result[], page: string): Result[] {
  const rows = page.split("\n").map((row) => row.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|")));
  const known = new Map(rows.map(([, name = "", , detail = ""]) => [name, detail]));
  return mutants.flatMap(({ name, file }) => {
    const detail = known.get(name);
    const other: Result[] = detail === undefined ? [] : [{ name, file, verdict: { outcome: "killed", detail } }];
    return results.find((result) => result.name === name) ?? other;
  });
}

async function main(args: string[]): Promise<void> {
  const options = { only: { type: "string" }, list: { type: "boolean" }, json: { type: "boolean" } } as const;
  const { only, list, json, write } = parseOptions(args, { ...options, write: { type: "boolean" } }, help);
  const chosen = mutants.filter(({ name }) => name.includes(only ?? ""));
  if (chosen.length === 0) throw new UserError(`--only: got ${JSON.stringify(only)}, which no fault's name has`, 2);
  if (list) {
    process.stdout.write(
      `${formatTable(
        ["fault", "file"],
        chosen.map(({ name, file }) => [name, file]),
      )}\n`,
    );
    return;
  }

  const results = await runAll(chosen, untilInterrupted());
  const table = formatTable(
    ["fault", "result"],
    results.map(({ name, verdict }) => [name, wordsOf(verdict)]),
  );
  process.stdout.write(`${json ? JSON.stringify(results, undefined, 2) : table}\n`);
  if (write) {
    const file = join(projectRoot, "docs", "mutants.md");
    const page = mutantsPage(only === undefined ? results : withOthers(results, readFileSync(file, "utf8")));
    writeFileSync(file, await format(page, { parser: "markdown", printWidth: 120 }));
  }
  const missed = results.filter(({ verdict }) => verdict.outcome !== "killed");
  if (missed.length > 0)
    throw new UserError(
      `${missed.length} of ${results.length} not noticed: ${missed.map(({ name }) => name).join("; ")}`,
    );
}

if (require.main === module) runMain(main);
