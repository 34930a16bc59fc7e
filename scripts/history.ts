import { readJournal, type Entry } from "../model/history";
import { balancerOf, listContainers } from "../rollout/containers";
import { readHistoryOf } from "../rollout/history";
import { formatChange } from "../rollout/report";
import { parseInteger, parseWords, runMain, UserError } from "./cli";
import { stackLabelOf } from "./status";
import { formatTable } from "./table";

const help = `Usage: npm run history [-- --stack NAME] [--json]
       npm run history -- show N [--stack NAME] [--json]

Shows the changes of a stack's balancer, the newest first, or all of change N, with what it changed in nginx's
configuration. Changes nothing.

  --stack NAME   the stack, default dev
  --json         the same for machines, on standard output: npm run --silent history -- --json

Exit code 1 when there is no history, or no such change in it; 2 for a bad option.
`;

/**
 * The changes of a stack's balancer, oldest first; at least one.
 *
 * @throws UserError where none are known
 */
export async function readHistory(stack: string): Promise<Entry[]> {
  const balancer = balancerOf(await listContainers(stackLabelOf(stack)));
  if (balancer === undefined)
    throw new UserError(`Stack ${stack} has no balancer, hence no history: npm run up starts it.`);
  const entries = readJournal(await readHistoryOf(balancer));
  if (entries.length === 0) throw new UserError(`Stack ${stack} has no history yet: it begins with its next change.`);
  return entries;
}

/** @throws UserError that names the changes that there are */
export function changeOf(entries: readonly Entry[], n: string): Entry {
  const number = parseInteger("N", n, 1, Number.MAX_SAFE_INTEGER);
  const found = entries.find((entry) => entry.n === number);
  if (found !== undefined) return found;
  throw new UserError(
    `There is no change ${number}: the history has ${entries[0]?.n ?? 0} to ${entries.at(-1)?.n ?? 0}.`,
  );
}

/** The changes as a table, the newest first. */
export function formatHistory(entries: readonly Entry[]): string {
  const rows = entries.toReversed().map(({ n, at, by, from, to, added, removed, seconds, result }) => {
    const total = Object.values(seconds).reduce((sum, each) => sum + each, 0);
    const ids = from === to ? to : `${from} -> ${to}`;
    return [n, whenOf(at), by, ids, `+${added.length} -${removed.length}`, Number(total.toFixed(1)), result];
  });
  return formatTable(["change", "when", "by", "configuration", "backends", "seconds", "result"], rows);
}

/** All of a change. */
export function formatEntry(entry: Entry): string {
  const { n, at, by, result, failure, sick, canary = [], diff, settings, from, to, ...rest } = entry;
  const change = { ...rest, canary: [], at, sick, configBefore: from, configAfter: to };
  return [
    `change ${n}, ${whenOf(at)}, by ${by}: ${result}`,
    formatChange(change),
    ...canary.map((step) => `  canary ${step}`),
    ...(sick.length > 0 ? [`  did not answer: ${sick.join(", ")}`] : []),
    ...(failure === undefined ? [] : ["", failure]),
    ...(settings === undefined ? ["", "The settings were too long to be kept: it can't be gone back to."] : []),
    ...(diff === "" ? [] : ["", diff.trimEnd()]),
  ].join("\n");
}

/** A moment in the time zone of UTC, to the second. */
function whenOf(at: string): string {
  return at.slice(0, 19).replace("T", " ");
}

async function main(args: string[]): Promise<void> {
  const options = { stack: { type: "string" }, json: { type: "boolean" } } as const;
  const { values, words } = parseWords(args, options, help, 2);
  const { stack = "dev", json = false } = values;
  const [command, n = ""] = words;
  if (command !== undefined && command !== "show")
    throw new UserError(`got ${command}, allowed is show N\n\n${help}`, 2);
  const entries = await readHistory(stack);
  // Nobody can read what is sealed.
  const forMachines = ({ settings, ...entry }: Entry) => ({ ...entry, hasSettings: settings !== undefined });
  const print = (value: unknown, text: string) =>
    process.stdout.write(`${json ? JSON.stringify(value, undefined, 2) : text}\n`);
  if (command === undefined) return void print(entries.toReversed().map(forMachines), formatHistory(entries));
  const entry = changeOf(entries, n);
  print(forMachines(entry), formatEntry(entry));
}

if (require.main === module) runMain(main);
