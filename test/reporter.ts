import { writeFileSync } from "node:fs";
import Mocha from "mocha";

/** What the script that adds the parts up is told of one of them. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Of each test that failed its whole title, and what it failed for. */
  readonly failures: readonly string[];
}

/** Mocha's own report, and the counts in a file for the script that adds the parts up. */
class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    const failures: string[] = [];
    runner.on("fail", (test, error: Error) => failures.push(`${test.fullTitle()}: ${error.message}`));
    runner.once("end", () => {
      const { passes: passed, failures: failed, pending: skipped } = this.stats;
      const file = process.env["TEST_COUNTS_FILE"];
      const counts: Counts = { passed, failed, skipped, failures };
      if (file !== undefined) writeFileSync(file, JSON.stringify(counts));
    });
  }
}

module.exports = CountingReporter;
