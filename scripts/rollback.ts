import { existsSync } from "node:fs";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { messageOf } from "../lib/errors";
import { unseal } from "../lib/seal";
import { hashTree } from "../lib/tree-hash";
import { changeBefore, type Entry } from "../model/history";
import {
  differenceOf,
  isStructured,
  readKept,
  type BuiltImage,
  type Difference,
  type Kept,
  type PinnedImage,
} from "../model/kept-settings";
import { pinImages } from "../rollout/pinned-images";
import { isConfirmed, parseWords, runMain, untilInterrupted, UserError } from "./cli";
import { changeOf, readHistory } from "./history";
import { askEngine, configOf, namespace, readKey, runEngine } from "./pulumi";
import { projectRoot } from "./setup/project";
import { bringUp } from "./up";

const help = `Usage: npm run rollback [-- N] [--yes] [--stack NAME] [--config-file FILE]

Goes back to what change N of npm run history has made, by the settings of then: shows which of them change and what can't be
brought back, previews, asks, and does the rest as npm run up does. Without N: to the last change before the newest that worked.
Where the answer is no, the preview fails, or after Ctrl-C, nothing has been changed.

  --yes                goes on without asking; needed where there is no terminal to ask at
  --stack NAME         the stack, default dev
  --config-file FILE   the stack's config file, default Pulumi.NAME.yaml

Exit code 0 when the stack is up as it was, 1 where nothing has been changed, 2 for a bad option, otherwise the engine's.
`;

/** The change that is gone back to. */
export function targetOf(entries: readonly Entry[], n: string | undefined): Entry {
  if (n === undefined) {
    const last = changeBefore(entries);
    if (last === undefined)
      throw new UserError("There is no change before the newest that worked: nothing to go back to.");
    return last;
  }
  const entry = changeOf(entries, n);
  if (entry.result !== "done")
    throw new UserError(
      `Change ${entry.n} has ${entry.result === "failed" ? "failed" : "been put back"}: what it was for has not served.`,
    );
  return entry;
}

/** The settings that a change was made from. */
export function keptOf({ n, settings }: Entry, key: string | undefined): Kept {
  if (settings === undefined) throw new UserError(`The settings of change ${n} were too long to be kept.`);
  const text = unseal(settings, key ?? "");
  if (text === undefined)
    throw new UserError(`The settings of change ${n} can't be read: another state of the stack has kept them.`);
  return readKept(text);
}

/** What apps ran and can't be brought back by settings alone, with what to do, a sentence each. */
export async function lostOf(images: Kept["images"]): Promise<string[]> {
  const sentences = await Promise.all(images.map(async (one) => ("path" in one ? lostSource(one) : lostImage(one))));
  return sentences.flatMap((sentence) => sentence ?? []);
}

function lostSource({ app, path, source }: BuiltImage): string | undefined {
  const folder = resolve(projectRoot, path);
  if (!existsSync(join(folder, "Dockerfile"))) return `${app}: its folder ${path} is gone. Bring it back first.`;
  return hashTree(folder) === source
    ? undefined
    : `${app}: ${path} is another source than it was, and its image of then is gone. Check out the one of then first; else the one of now is built.`;
}

async function lostImage({ app, image, pinned }: PinnedImage): Promise<string | undefined> {
  const ask = async (name: string, last?: string) =>
    pinImages([{ image: name, last }], true).then(
      (found) => ({ pinned: found.get(name), problem: undefined }),
      (error: unknown) => ({ pinned: undefined, problem: messageOf(error) }),
    );
  const then = await ask(pinned);
  if (then.problem !== undefined)
    return `${app}: ${image} was ${pinned}, which is gone. Build or push it again, or name another image.\n${then.problem}`;
  const now = await ask(image, pinned);
  if (now.pinned === pinned) return undefined;
  const remedy = pinned.includes("@") ? `name that one in the config` : `docker tag ${pinned} ${image}`;
  return `${app}: ${image} is another image than it was. To have the one of then: ${remedy}.`;
}

/** The config as a file has it. */
async function readConfig(stack: string, file: string): Promise<Pick<Kept, "settings" | "secret">> {
  const own = await configOf(stack, "--config-file", file);
  return {
    settings: Object.fromEntries(own.flatMap(([key, { value, secret }]) => (secret ? [] : [[key, value ?? ""]]))),
    secret: own.flatMap(([key, { secret }]) => (secret ? key : [])),
  };
}

async function changeConfig(stack: string, file: string, { set, remove }: Difference): Promise<void> {
  const options = ["--stack", stack, "--config-file", file];
  const values = Object.entries(set).map(([key, value]) => [
    `${namespace}${key}`,
    // Of a list or an object, the engine reads the text, too.
    { value, ...(isStructured(key, value) && { objectValue: [] }), secret: false },
  ]);
  // Not on the command line, which anyone on this host may read.
  if (values.length > 0)
    await askEngine(["config", "set-all", ...options], {
      PULUMI_OPTION_JSON: JSON.stringify(Object.fromEntries(values)),
    });
  if (remove.length > 0)
    await askEngine(["config", "rm-all", ...options, ...remove.map((key) => `${namespace}${key}`)]);
}

/** What is about to be done, for people. */
export function describe(entry: Entry, { lines, secret }: Difference, lost: readonly string[]): string {
  const indented = (heading: string, all: readonly string[]) =>
    all.length === 0 ? [] : [heading, ...all.map((line) => `  ${line}`)];
  return [
    `Back to change ${entry.n}, ${entry.at}, by ${entry.by}: configuration ${entry.to}`,
    ...(lines.length === 0 ? ["No setting differs from those of then."] : indented("Settings that change:", lines)),
    ...indented("Secret, and kept as they are now:", secret),
    ...indented("What the settings alone can't bring back:", lost),
  ].join("\n");
}

async function main(args: string[]): Promise<void> {
  const options = { yes: { type: "boolean" }, stack: { type: "string" }, "config-file": { type: "string" } } as const;
  const { values, words } = parseWords(args, options, help, 1);
  const { yes = false, stack = "dev", "config-file": configFile } = values;
  if (!yes && !process.stdin.isTTY)
    throw new UserError("There is no terminal to ask at: --yes goes on without asking.", 2);
  const signal = untilInterrupted();
  const target = targetOf(await readHistory(stack), words[0]);
  const kept = keptOf(target, await readKey(stack));
  const file = configFile === undefined ? join(projectRoot, `Pulumi.${basename(stack)}.yaml`) : resolve(configFile);
  const folder = await mkdtemp(join(tmpdir(), "nlb-rollback-"));
  const copy = join(folder, "config.yaml");
  try {
    const before = await readFile(file, "utf8");
    await copyFile(file, copy);
    const difference = differenceOf(kept, await readConfig(stack, copy));
    process.stdout.write(`${describe(target, difference, await lostOf(kept.images))}\n\n`);
    if (difference.lines.length === 0)
      throw new UserError("There is nothing to go back to by settings. npm run up brings up what they say.");
    await changeConfig(stack, copy, difference);
    signal.throwIfAborted();
    await runEngine(["preview", "--diff", "--stack", stack, "--config-file", copy]);
    signal.throwIfAborted();
    if (!yes && !(await isConfirmed(`Go back to change ${target.n}?`)))
      throw new UserError("Nothing has been changed.");
    signal.throwIfAborted();
    if ((await readFile(file, "utf8")) !== before)
      throw new UserError(`${file} has been changed meanwhile. Nothing has been changed by this.`);
    await writeFile(file, await readFile(copy));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  await bringUp({ stack, install: true, rest: configFile === undefined ? [] : ["--config-file", file] });
}

if (require.main === module) runMain(main);
