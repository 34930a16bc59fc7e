import { mkdir, readFile, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { partsBefore } from "./before";
import { changeParts } from "./changes";
import type { Part } from "./part";
import { plotOf } from "./plot";
import { formatMarkdown, resultsOf, type PartResults } from "./report";
import { trafficParts } from "./traffic";
import { parseInteger, parseOptions, runMain, UserError } from "../scripts/cli";
import { runSetup } from "../scripts/setup/index";
import { projectRoot } from "../scripts/setup/project";
import { streamReporter } from "../scripts/setup/terminal";

const ownParts: readonly Part[] = [...trafficParts, ...changeParts];

const help = `Usage: npm run bench [-- --only PART[,PART...]] [--update] [--rounds N] [--before FOLDER] [--json] [--tiny]

Measures this project beside others on this machine: every figure several times, all sides in turn, and as a ratio.
Writes results.json, results.md and results.svg to bench/, or to bench/out/ when only a part was asked for, unless --update.

  --only PART   one or more of the parts below, with commas between them; default all
  --update      with --only: puts these parts in the place of those in bench/, and leaves the others
  --rounds N    how often each side is measured, 1 to 100; default 5
  --before FOLDER  measures this program beside another checkout of it, with its own npm packages, instead of others: for
                each ratio what is there now counts first. Only the parts traffic-before and changes-before
  --json        prints the results for machines, on standard output: npm run --silent bench -- --json
  --tiny        only shows that the parts work: the smallest pools and loads, once; writes to bench/out/

Parts:
${ownParts.map(({ name, title }) => `  ${name.padEnd(12)} ${title}`).join("\n")}

Exit code 0 when all was measured, whether or not the goals are met; 1 when a part failed, the others are measured all the same.
`;

async function main(args: string[]): Promise<void> {
  const options = parseOptions(
    args,
    {
      only: { type: "string" },
      update: { type: "boolean" },
      rounds: { type: "string" },
      before: { type: "string" },
      json: { type: "boolean" },
      tiny: { type: "boolean" },
    },
    help,
  );
  const parts = options.before === undefined ? ownParts : partsBefore(resolve(options.before));
  const chosen = chooseParts(parts, options.only);
  const tiny = options.tiny ?? false;
  const update = options.update ?? false;
  if (update && (tiny || options.before !== undefined)) throw new UserError("--update: not with --tiny or --before", 2);
  const rounds = parseInteger("rounds", options.rounds ?? (tiny ? "1" : "5"), 1, 100);
  await runSetup({ quiet: true });

  const end = new AbortController();
  process.on("SIGINT", () => end.abort(new UserError("interrupted", 130)));
  process.on("SIGTERM", () => end.abort(new UserError("interrupted", 130)));

  const reporter = streamReporter(process.stderr);
  const minutes = Math.ceil(chosen.reduce((sum, part) => sum + part.estimate({ rounds, tiny }), 0) / 60);
  process.stderr.write(`This takes about ${minutes} min: ${chosen.map(({ name }) => name).join(", ")}.\n`);
  const partial = tiny || options.before !== undefined || (options.only !== undefined && !update);
  const folder = join(projectRoot, "bench", ...(partial ? ["out"] : []));
  const others = update ? await readResults(folder) : [];
  const measured: PartResults[] = [];
  const failed: string[] = [];
  try {
    for (const part of chosen) {
      const start = performance.now();
      const notes: string[] = [];
      const note = (text: string) => {
        reporter.note(text);
        notes.push(text);
      };
      reporter.begin(part.name);
      try {
        const series = await part.run({
          rounds,
          tiny,
          status: (text) => reporter.status(text),
          note,
          signal: end.signal,
        });
        reporter.end((performance.now() - start) / 1000);
        measured.push({ name: part.name, title: part.title, results: resultsOf(part, series), notes });
        await write(
          folder,
          inOrder([...others.filter(({ name }) => !measured.some((one) => one.name === name)), ...measured]),
        );
      } catch (error) {
        end.signal.throwIfAborted();
        // The others take half an hour, and may well work.
        note(`failed: ${String(error instanceof Error ? error.message : error)}`);
        failed.push(part.name);
      }
    }
  } finally {
    reporter.close();
  }
  process.stdout.write(options.json ? `${JSON.stringify(measured, undefined, 2)}\n` : formatMarkdown(measured));
  if (failed.length > 0) throw new UserError(`not measured: ${failed.join(", ")}; see above for the cause`);
}

async function write(folder: string, measured: readonly PartResults[]): Promise<void> {
  const heading = `# Results\n\nMeasured on a machine with ${availableParallelism()} cores, each part in one run. A ratio is the median over the rounds, with the smallest and the largest.`;
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "results.json"), `${JSON.stringify(measured, undefined, 2)}\n`);
  await writeFile(join(folder, "results.md"), `${heading}\n\n${formatMarkdown(measured)}`);
  await writeFile(join(folder, "results.svg"), plotOf(measured.flatMap(({ results }) => results)));
}

async function readResults(folder: string): Promise<PartResults[]> {
  return JSON.parse(await readFile(join(folder, "results.json"), "utf8")) as PartResults[];
}

/** As a run of all parts would have them. */
function inOrder(results: readonly PartResults[]): PartResults[] {
  const place = ({ name }: PartResults) => ownParts.findIndex((part) => part.name === name);
  return [...results].sort((a, b) => place(a) - place(b));
}

function chooseParts(parts: readonly Part[], only: string | undefined): readonly Part[] {
  if (only === undefined) return parts;
  const names = only.split(",");
  const unknown = names.filter((name) => !parts.some((part) => part.name === name));
  if (unknown.length > 0) {
    const allowed = parts.map(({ name }) => name).join(", ");
    throw new UserError(`--only: got ${unknown.join(", ")}, allowed are ${allowed}`, 2);
  }
  return parts.filter(({ name }) => names.includes(name));
}

if (require.main === module) runMain(main);
