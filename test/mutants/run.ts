import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { lastWords, run } from "../../lib/process";
import type { Mutant } from "../../test/mutants/table";

/** What came of a fault: only "killed", which is a test that failed, is good. */
export interface Verdict {
  readonly outcome: "killed" | "survived" | "not applied" | "not loaded" | "too slow";
  /** The test that failed first, or what went wrong; empty when all tests passed. */
  readonly detail: string;
}

/** A copy of the program, to make faults in. */
export interface Copy {
  readonly folder: string;
  /** Makes a fault, runs the tests that are concerned, and takes the fault back. */
  judge(mutant: Mutant): Promise<Verdict>;
  /** @param names test files below test/unit, without `.test.ts` */
  runTests(names: readonly string[]): Promise<Verdict>;
}

/** How long the tests of one fault may take, in seconds: many times what the slowest of them needs. */
const patienceSeconds = 120;

/** What the copy does without. Packages are linked, so that what is kept beside them stays each copy's own. */
const leftOut = new Set(["node_modules", ".git"]);

/**
 * Copies the program to a temporary folder for as long as `work` takes; the copy goes in any case.
 *
 * @param root the program's folder
 * @param signal ends the tests that run; the work then rejects with its reason
 */
export async function withCopy<T>(root: string, signal: AbortSignal, work: (copy: Copy) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "nlb-mutants-"));
  try {
    await cp(root, folder, { recursive: true, filter: (path) => !leftOut.has(basename(path)) });
    await mkdir(join(folder, "node_modules"));
    for (const name of await readdir(join(root, "node_modules")))
      if (name !== ".cache") await symlink(join(root, "node_modules", name), join(folder, "node_modules", name));
    return await work(copyIn(folder, signal));
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** How often a text occurs in another one: where a fault is made, it is to be once. */
export function placesOf(find: string, source: string): number {
  return source.split(find).length - 1;
}

function copyIn(folder: string, signal: AbortSignal): Copy {
  const runTests = async (names: readonly string[]): Promise<Verdict> => {
    const report = join(folder, "mutants-report.json");
    await rm(report, { force: true });
    const files = names.map((name) => `test/unit/${name}.test.ts`);
    const mocha = ["--bail", "--reporter", "json", "--reporter-option", `output=${report}`, ...files];
    const result = await run(process.execPath, [join(folder, "node_modules", "mocha", "bin", "mocha.js"), ...mocha], {
      cwd: folder,
      signal,
      timeoutSeconds: patienceSeconds,
    });
    if (result.outcome === "timed out") return { outcome: "too slow", detail: `no end within ${patienceSeconds} s` };
    if (result.outcome === "succeeded") return { outcome: "survived", detail: "" };
    const failed = await firstFailure(report);
    return failed === undefined
      ? { outcome: "not loaded", detail: lastWords(result, 3) }
      : { outcome: "killed", detail: failed };
  };

  const judge = async ({ file, find, replace, tests }: Mutant): Promise<Verdict> => {
    const path = join(folder, file);
    const source = await readFile(path, "utf8").catch(() => "");
    const found = placesOf(find, source);
    if (found !== 1) return { outcome: "not applied", detail: `${JSON.stringify(find)} is ${found} times in ${file}` };
    try {
      await writeFile(
        path,
        source.replace(find, () => replace),
      );
      return await runTests(tests);
    } finally {
      await writeFile(path, source);
    }
  };
  return { folder, judge, runTests };
}

/** Undefined when mocha has ended before it ran a test. */
async function firstFailure(report: string): Promise<string | undefined> {
  const text = await readFile(report, "utf8").catch(() => "{}");
  return (JSON.parse(text) as { failures?: { fullTitle: string }[] }).failures?.[0]?.fullTitle;
}
