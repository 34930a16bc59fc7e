import { availableParallelism } from "node:os";
import { parseInteger, parseOptions, runMain, untilInterrupted, UserError } from "../../../scripts/cli";
import { runSetup } from "../../../scripts/setup/index";
import { formatTable } from "../../../scripts/table";
import { baseImages } from "../../machine";
import { titleOf, type Fault } from "./fault";
import { runFault, type Progress } from "./harness";
import { faults } from "./index";
import { formatRow, shortVersion, type Engine } from "./page";
import { readMeasured, writeMeasured } from "./record";
import { isResult, merge, together, type Result, type Row } from "./result";
import { SecondEngine } from "./second-engine";
import { engineVersion, withWard } from "./session";
import type { Ward } from "./ward";

const help = `Usage: npm run test:faults [-- --only TEXT] [--rounds N] [--docker HOST | --second-engine [--root DIR]]
                           [--update] [--list] [--json]

Makes faults (test/faults/table) in a stack of its own under load, on this host: kills its balancer, freezes a backend, loses its
state, ... For each it tells what was lost, what status and the log said, and how it became whole again. It touches nothing
but that stack, and leaves nothing behind. Needs root, or whoever may end containers' processes.

  --only TEXT    only the faults whose names, as --list has them, have this text in them; may be given several times
  --rounds N     how often each is made, 1 to 100; default 1
  --docker HOST  an engine of this host other than the usual one, for example unix:///run/other/docker.sock
  --second-engine
                 an engine that is made for this, in namespaces and on a disk image of its own, and removed afterwards: only there
                 what happens to Docker itself and to the host is made. Needs root, and dockerd, iproute2, iptables, e2fsprogs
  --root DIR     where that engine's programs are from: a root file system with another dockerd; default: /, this host's own
  --update       puts these results in the place of those of the same engine in docs/reliability.json, and makes docs/reliability.md
  --list         shows the faults, and makes none
  --json         the results for machines, on standard output: npm run --silent test:faults -- --json

Progress goes to standard error. Exit code 0 when nothing was lost but what may be, and all became whole in the way that it has to;
1 otherwise, 2 for a bad option, 130 after Ctrl-C.
`;

/** Makes faults one after the other, each in as many rounds, and tells of each as soon as it is known. */
async function runAll(
  chosen: readonly Fault[],
  rounds: number,
  signal: AbortSignal,
  tell: (row: Row) => Promise<void>,
): Promise<void> {
  await withWard(async (ward, reporter) => {
    for (const [at, fault] of chosen.entries()) {
      const start = performance.now();
      reporter.begin(`${at + 1}/${chosen.length} ${titleOf(fault)}`);
      const row = await runRounds(fault, rounds, ward, { status: (text) => reporter.status(text), signal });
      reporter.note(isResult(row) ? wordsOf(row) : `left out: ${row.leftOut}`);
      reporter.end((performance.now() - start) / 1000);
      await tell(row);
    }
  });
}

async function runRounds(fault: Fault, rounds: number, ward: Ward, progress: Progress): Promise<Row> {
  const { group, name } = fault;
  const leftOut = await fault.cannot?.(ward);
  if (leftOut !== undefined) return { group, name, leftOut };
  const first = await runFault(fault, ward, progress);
  const others: Result[] = [];
  while (others.length + 1 < rounds) others.push(await runFault(fault, ward, progress));
  return together([first, ...others]);
}

function wordsOf(result: Result): string {
  const [lost, longest, healed] = formatRow({ ...result, failures: [] });
  return [`${lost}; ${longest} ms; ${healed}`, ...result.failures.map((why) => `FAILED: ${why}`)].join("\n    ");
}

/** Puts rows in the place of those of before of the same engine; those of others stay. */
async function update(version: string, rows: readonly Row[]): Promise<void> {
  const measured = readMeasured();
  const before = measured.engines;
  const isSame = (engine: Engine) => shortVersion(engine.version) === shortVersion(version);
  const own = { version, cores: availableParallelism(), rows: merge(before.find(isSame)?.rows ?? [], rows, faults) };
  const engines = [...before.filter((engine) => !isSame(engine)), own].sort((a, b) =>
    a.version.localeCompare(b.version, "en", { numeric: true }),
  );
  await writeMeasured({ ...measured, engines });
}

function chooseFaults(only: readonly string[]): readonly Fault[] {
  const chosen = faults.filter((fault) => only.some((text) => titleOf(fault).includes(text.trim())));
  if (chosen.length === 0) throw new UserError(`--only: got ${JSON.stringify(only)}, which no fault's name has`, 2);
  return chosen;
}

/** Has all of it done once more by a process in the network of an engine of its own; gives its exit code. */
async function onSecondEngine(root: string, args: readonly string[]): Promise<number> {
  await runSetup({ quiet: true });
  const images = Object.values(await baseImages()) as string[];
  const signal = untilInterrupted();
  process.stderr.write("A second engine is made, with the base images of the first.\n");
  const engine = await SecondEngine.create(root, signal);
  try {
    await engine.copyImages(images);
    signal.throwIfAborted();
    return await engine.enter(args, signal);
  } finally {
    await engine.remove();
  }
}

async function main(args: string[]): Promise<void> {
  const [text, flag] = [{ type: "string" }, { type: "boolean" }] as const;
  const options = parseOptions(
    args,
    {
      only: { ...text, multiple: true },
      rounds: text,
      docker: text,
      "second-engine": flag,
      root: text,
      update: flag,
      list: flag,
      json: flag,
    },
    help,
  );
  const chosen = chooseFaults(options.only ?? [""]);
  const rounds = parseInteger("rounds", options.rounds ?? "1", 1, 100);
  if (options.root !== undefined && options["second-engine"] !== true)
    throw new UserError("--root: is of the engine that --second-engine makes", 2);
  if (options.docker !== undefined && options["second-engine"] === true)
    throw new UserError("--docker: names an engine, and --second-engine makes one", 2);
  if (options.list === true) {
    process.stdout.write(`${chosen.map(titleOf).join("\n")}\n`);
    return;
  }
  if (options["second-engine"] === true && SecondEngine.here() === undefined) {
    process.exitCode = await onSecondEngine(options.root ?? "/", args);
    return;
  }
  if (options.docker !== undefined) process.env["DOCKER_HOST"] = options.docker;
  await runSetup({ quiet: true });
  const version = await engineVersion();
  const signal = untilInterrupted();
  process.stderr.write(
    `Docker ${version}: ${chosen.length} faults, about ${Math.ceil((chosen.length * rounds + 2) / 2)} min.\n`,
  );
  const rows: Row[] = [];
  await runAll(chosen, rounds, signal, async (row) => {
    rows.push(row);
    if (options.update === true) await update(version, rows);
  });
  const table = formatTable(
    ["fault", "lost of sent", "longest, ms", "whole again"],
    rows.map((row) => [titleOf(row), ...formatRow(row)]),
  );
  process.stdout.write(`${options.json === true ? JSON.stringify({ version, rows }, undefined, 2) : table}\n`);
  const failed = rows.filter(isResult).filter(({ failures }) => failures.length > 0);
  if (failed.length > 0)
    throw new UserError(failed.map((row) => `${titleOf(row)}:\n  ${row.failures.join("\n  ")}`).join("\n"));
}

if (require.main === module) runMain(main);
