import { createTwoFilesPatch } from "diff";
import { messageOf } from "../lib/errors";
import { addToJournal, readJournal, type Entry } from "../model/history";
import { historyFile, volumeFolder } from "../model/layout";
import type { RecordedRelease } from "../model/record";
import type { Release, ReleaseFile } from "../model/release";
import { showFiles } from "../nginx/render/config";
import type { Ending } from "./apply";
import { tryDocker } from "./docker";
import type { ObservedContainer } from "./observed";
import type { Log, Runtime } from "./runtime/runtime";
import { describeStep } from "./steps/canary";

/** Most lines of a diff that are kept, and most characters of a line, and of a failure's message. */
const mostLines = 200;
const mostColumns = 160;
const mostOfFailure = 4000;

/** What the history tells of a change beside how it went. */
export interface Author {
  readonly release: Release;
  /** Whether the release holds secrets. */
  readonly isSecret: boolean;
  /** USER@HOST of who runs it. */
  readonly by: string;
  /** The settings that it was made from, sealed; undefined where they are not kept. */
  readonly settings: string | undefined;
}

/**
 * Adds a change to the history on the balancer's volume. Where that fails, say for a full disk, it says so, and that is all: what the
 * change itself came to stays.
 */
export async function keepInHistory(ending: Ending, author: Author, runtime: Runtime, log: Log): Promise<void> {
  try {
    const journal = await runtime.readFile(historyFile);
    const { at, configBefore: from, configAfter: to, added, removed, sick, canary, seconds, inFlight } = ending.change;
    const { isSecret, by, settings } = author;
    const entry = {
      at,
      by,
      from,
      to,
      added: [...added],
      removed: [...removed],
      sick: [...sick],
      seconds,
      inFlight,
      result: ending.result,
      ...(ending.failure !== undefined && { failure: cut(ending.failure, mostOfFailure) }),
      ...(canary && { canary: canary.map(describeStep) }),
      isSecret,
      diff: await diffOf(ending.before, author, readJournal(journal), runtime),
      ...(settings !== undefined && { settings }),
    };
    await runtime.writeFile(historyFile, addToJournal(journal, entry));
  } catch (error) {
    log(`This change is not in the history: ${messageOf(error)}`);
  }
}

/** What changes in nginx's text. The one of before lies on the volume; whether it holds secrets, only the history knows. */
async function diffOf(
  before: RecordedRelease | undefined,
  { release, isSecret }: Author,
  entries: readonly Entry[],
  runtime: Runtime,
): Promise<string> {
  if (before === undefined) return "There was no configuration before, or one that was edited by hand.\n";
  if (before.id === release.id) return "";
  const known = entries.findLast(({ to }) => to === before.id);
  if (known === undefined) return "Not kept: the history doesn't know the configuration before.\n";
  if (isSecret || known.isSecret) return "Not kept: there are secrets in it.\n";
  // What else lies there, as keys of certificates do, has other names.
  const names = Object.keys(before.files).filter((name) => /^\w+\.(?:conf|txt)$/.test(name));
  const files: ReleaseFile[] = [];
  for (const name of names) files.push({ name, text: await runtime.readFile(`releases/${before.id}/${name}`) });
  return unifiedDiff(before.id, showFiles(files), release.id, showFiles(release.files));
}

/** A diff for people, of bounded length. */
export function unifiedDiff(from: string, before: string, to: string, after: string): string {
  const patch = createTwoFilesPatch(from, to, before, after, undefined, undefined, { context: 2 });
  // The first line is a rule for mails.
  const lines = patch.trimEnd().split("\n").slice(1);
  const left = lines.length - mostLines;
  const kept = lines.slice(0, mostLines).map((line) => cut(line, mostColumns));
  return [...kept, ...(left > 0 ? [`... ${left} more lines`] : []), ""].join("\n");
}

function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}...` : text;
}

/** The text of a balancer's history, whether it runs or not; empty where it has none. */
export async function readHistoryOf({ id, state }: ObservedContainer): Promise<string> {
  const path = `${volumeFolder}/${historyFile}`;
  if (state === "running") return (await tryDocker("exec", id, "cat", path)).stdout;
  // A tar archive, in which the text of the one file lies between blocks of other bytes.
  const { stdout } = await tryDocker("cp", `${id}:${path}`, "-");
  return stdout.slice(Math.max(0, stdout.indexOf("{")));
}
