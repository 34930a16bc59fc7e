import { z } from "zod";
import { parseJson } from "../lib/json";

/** How many changes are remembered, and the bytes of their lines. */
const mostEntries = 100;
const mostBytes = 1024 * 1024;

const texts = z.array(z.string());

/** A change of the balancer's configuration, as its volume remembers it. Unknown fields of a later version are left out. */
const entrySchema = z.object({
  /** Counts up from 1, also when the oldest have gone. */
  n: z.int().min(1),
  /** When it ended, in ISO 8601. */
  at: z.string(),
  /** USER@HOST of who ran the update. */
  by: z.string(),
  /** Ids of the release before, or "none", and of the one that was wanted. */
  from: z.string(),
  to: z.string(),
  added: texts,
  removed: texts,
  sick: texts,
  /** How long each step took, in the order in which they were taken. */
  seconds: z.record(z.string(), z.number()),
  inFlight: z.object({ drainBegan: z.number(), drainEnded: z.number() }),
  /** Whether it worked; a failed one has left what served before as it was, or that was put back. */
  result: z.enum(["done", "failed", "put back"]),
  /** What it failed for. */
  failure: z.string().exactOptional(),
  /** The steps of a canary, for people. Default: there was none. */
  canary: texts.exactOptional(),
  /** Whether what was wanted holds secrets. */
  isSecret: z.boolean(),
  /** What changed in nginx's text, as `diff -u` tells it, or why that is not kept; empty where nothing did. */
  diff: z.string(),
  /** The settings that it was made from, see {@link Kept}, as lib/seal has sealed them. Default: they were too long to be kept. */
  settings: z.string().exactOptional(),
});

export type Entry = z.output<typeof entrySchema>;

/** Reads the journal, oldest first. A line that is torn, or none of ours, is left out: the volume is open to edits. */
export function readJournal(text: string): Entry[] {
  return linesOf(text).map(({ entry }) => entry);
}

function linesOf(text: string): { readonly line: string; readonly entry: Entry }[] {
  return text.split("\n").flatMap((line) => {
    const { success, data } = entrySchema.safeParse(parseJson(line));
    return success ? [{ line, entry: data }] : [];
  });
}

/** The journal with one more change; the oldest go where it would be too long, that one never. */
export function addToJournal(text: string, entry: Omit<Entry, "n">): string {
  const known = linesOf(text);
  const n = Math.max(0, ...known.map((one) => one.entry.n)) + 1;
  const lines = [...known.map(({ line }) => line), JSON.stringify({ n, ...entry })].slice(-mostEntries);
  const bytes = lines.map((line) => Buffer.byteLength(line) + 1);
  let total = bytes.reduce((sum, each) => sum + each);
  let gone = 0;
  while (total > mostBytes && gone < lines.length - 1) total -= bytes[gone++] ?? 0;
  return lines
    .slice(gone)
    .map((line) => `${line}\n`)
    .join("");
}

/**
 * The change that is gone back to where no other one is asked for: the last one before the newest that worked. After one that
 * failed, it is what serves.
 */
export function changeBefore(entries: readonly Entry[]): Entry | undefined {
  return entries.slice(0, -1).findLast(({ result }) => result === "done");
}
