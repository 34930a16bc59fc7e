import { randomBytes } from "node:crypto";
import { availableParallelism } from "node:os";
import { messageOf } from "../../lib/errors";
import { parseInteger, parseOptions, runMain, untilInterrupted, UserError } from "../../scripts/cli";
import { runSetup } from "../../scripts/setup/index";
import { formatTable } from "../../scripts/table";
import type { Fault } from "../faults/table/fault";
import { runFault, type Progress } from "../faults/table/harness";
import { formatLosses } from "../faults/table/page";
import { readMeasured, writeMeasured } from "../faults/table/record";
import type { Result } from "../faults/table/result";
import { engineVersion, withWard } from "../faults/table/session";
import type { Ward } from "../faults/table/ward";
import { summaryOf, type Taken } from "./summary";
import { stepOf } from "./steps";

const help = `Usage: npm run test:soak [-- --minutes N] [--seed TEXT] [--from N] [--docker HOST] [--update] [--json]

Changes a stack at random under load, interrupts its updates, and makes faults in it (those of npm run test:faults), also while an
update goes on. After each step it looks whether nothing was lost that need not have been, all answers are right and by the newest
version, the books of the load balance, nothing is left over, and another update has nothing to do. It touches nothing but that
stack, and leaves nothing behind. Needs root, or whoever may end containers' processes.

  --minutes N    how long, 1 to 600; default 10. The step that is under way then is finished
  --seed TEXT    the same steps as the soak with this seed had; default: a new one, which is told
  --from N       begins with this step; default 1
  --docker HOST  an engine of this host other than the usual one, for example unix:///run/other/docker.sock
  --update       puts the result into docs/reliability.json, and makes docs/reliability.md
  --json         the result for machines, on standard output: npm run --silent test:soak -- --json

Progress goes to standard error. Exit code 0 when all was as it has to be after each step; 1 otherwise, 2 for a bad option, 130
after Ctrl-C.
`;

interface Course {
  readonly seed: string;
  readonly from: number;
  readonly minutes: number;
}

async function runSteps({ seed, from, minutes }: Course, signal: AbortSignal): Promise<Taken[]> {
  const end = performance.now() + minutes * 60_000;
  return withWard(async (ward, reporter) => {
    const taken: Taken[] = [];
    for (let number = from; performance.now() < end; number++) {
      const { kind, name, fault } = stepOf(seed, number);
      const leftOut = await fault.cannot?.(ward);
      if (leftOut !== undefined) continue;
      const start = performance.now();
      reporter.begin(`${number}. ${name}`);
      const result = await runStep(ward, fault, { status: (text) => reporter.status(text), signal });
      taken.push({ number, kind, name, result });
      reporter.note(wordsOf(result));
      reporter.end((performance.now() - start) / 1000);
    }
    return taken;
  });
}

/** Also looks whether each app is answered by its newest version. */
async function runStep(ward: Ward, fault: Fault, progress: Progress): Promise<Result> {
  const result = await runFault(fault, ward, progress);
  const old = await ward.untilNewest().then(
    () => [],
    (error: unknown) => [messageOf(error)],
  );
  return { ...result, failures: [...result.failures, ...old] };
}

function wordsOf(result: Result): string {
  const { lost, sent, longestGap, max, failures } = result;
  const losses = lost === 0 ? "" : ` (${formatLosses(result)})`;
  const first = `${lost} of ${sent} lost${losses}; ${longestGap} / ${max} ms`;
  return [first, ...failures.map((why) => `FAILED: ${why}`)].join("\n    ");
}

async function main(args: string[]): Promise<void> {
  const [text, flag] = [{ type: "string" }, { type: "boolean" }] as const;
  const options = parseOptions(
    args,
    { minutes: text, seed: text, from: text, docker: text, update: flag, json: flag },
    help,
  );
  const course: Course = {
    minutes: parseInteger("minutes", options.minutes ?? "10", 1, 600),
    seed: options.seed ?? randomBytes(4).toString("hex"),
    from: parseInteger("from", options.from ?? "1", 1, 1_000_000),
  };
  if (options.docker !== undefined) process.env["DOCKER_HOST"] = options.docker;
  await runSetup({ quiet: true });

  const signal = untilInterrupted();
  process.stderr.write(`Seed ${course.seed}: the same steps again with --seed ${course.seed}.\n`);
  const taken = await runSteps(course, signal);
  const summary = summaryOf(taken);
  const failed = taken.flatMap(({ number, name, result: { failures } }) =>
    failures.length > 0 ? { number, name, failures } : [],
  );
  if (options.update === true) {
    const version = await engineVersion();
    const { seed, minutes } = course;
    const soak = { version, cores: availableParallelism(), minutes, seed, summary, failed };
    await writeMeasured({ ...readMeasured(), soak });
  }
  const table = formatTable(
    ["steps", "how many", "sent", "lost", "longest, ms", "failed"],
    summary.map(({ kind, steps, sent, lost, longestGap, failed }) => [
      ...[kind, steps, sent, lost, longestGap, failed],
    ]),
  );
  process.stdout.write(
    `${options.json === true ? JSON.stringify({ ...course, summary, taken }, undefined, 2) : table}\n`,
  );
  if (failed.length > 0)
    throw new UserError(
      failed.map(({ number, name, failures }) => `${number}. ${name}:\n  ${failures.join("\n  ")}`).join("\n"),
    );
}

if (require.main === module) runMain(main);
