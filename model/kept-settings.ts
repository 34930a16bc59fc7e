import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { keyPath, mayHoldSecrets, show } from "./messages";
import { parseValue } from "./settings";

/** An app's image that was built of a folder, and the hash of what was in it. */
const builtSchema = z.object({ app: z.string(), path: z.string(), source: z.string() });

/** An app's image that is made elsewhere, as the config names it, and what that stood for. */
const pinnedSchema = z.object({ app: z.string(), image: z.string(), pinned: z.string() });

export type BuiltImage = z.output<typeof builtSchema>;
export type PinnedImage = z.output<typeof pinnedSchema>;

const keptSchema = z.object({
  /** Texts of the config's own keys, as the engine hands them over, but for what is secret. */
  settings: z.record(z.string(), z.string()),
  /** Names of the keys that are secret, wholly or in a part. */
  secret: z.array(z.string()),
  /** What each app ran. */
  images: z.array(z.union([builtSchema, pinnedSchema])),
});

/** What the history keeps of a stack's config, so that a change can be gone back to. */
export type Kept = z.output<typeof keptSchema>;

/** Most bytes that are kept: sealed, they have to fit an environment variable. */
const mostBytes = 64 * 1024;

/** Keys that tell how an update goes about it, not what it makes: a change of them takes no step, and they are not gone back to. */
const leftOut: ReadonlySet<string> = new Set(["adopt", "keepImages"]);

/** Text of what is kept, the same for the same config; undefined where it is too long. */
export function writeKept({ settings, secret, images }: Kept): string | undefined {
  const keys = Object.keys(settings).sort();
  const sorted = Object.fromEntries(keys.flatMap((key) => (leftOut.has(key) ? [] : [[key, settings[key]]])));
  const text = JSON.stringify({ settings: sorted, secret: [...secret].sort(), images });
  return Buffer.byteLength(text) > mostBytes ? undefined : text;
}

/** @throws Error for anything that {@link writeKept} has not written */
export function readKept(text: string): Kept {
  return keptSchema.parse(JSON.parse(text));
}

/** What makes one config of another one. */
export interface Difference {
  readonly set: Readonly<Record<string, string>>;
  readonly remove: readonly string[];
  /** Keys that are secret, in either, and stay as they are. */
  readonly secret: readonly string[];
  /** The same for people, a line each value. */
  readonly lines: readonly string[];
}

type Config = Pick<Kept, "settings" | "secret">;

/** How a config comes to be as it was; equal values in another spelling are no difference. */
export function differenceOf(then: Config, now: Config): Difference {
  const secret = [...new Set([...then.secret, ...now.secret])].sort();
  const keys = [...new Set([...Object.keys(then.settings), ...Object.keys(now.settings)])].sort();
  const valuesOf = ({ settings }: Config) =>
    Object.fromEntries(Object.entries(settings).map(([key, text]) => [key, parseValue(key, text)]));
  const values = { then: valuesOf(then), now: valuesOf(now) };
  const other = keys.filter(
    (key) => !leftOut.has(key) && !secret.includes(key) && !isDeepStrictEqual(values.then[key], values.now[key]),
  );
  const set = Object.fromEntries(
    other.flatMap((key) => (key in then.settings ? [[key, then.settings[key] ?? ""]] : [])),
  );
  const isHidden = (path: readonly PropertyKey[]) =>
    mayHoldSecrets(path, values.then) || mayHoldSecrets(path, values.now);
  return {
    set,
    remove: other.filter((key) => !(key in set)),
    secret,
    lines: other.flatMap((key) => linesOf([key], values.now[key], values.then[key], isHidden)),
  };
}

/** Whether the text of a setting stands for a list or an object. */
export function isStructured(key: string, text: string): boolean {
  return partsOf(parseValue(key, text)) !== undefined;
}

function linesOf(
  path: readonly PropertyKey[],
  now: unknown,
  then: unknown,
  isHidden: (path: readonly PropertyKey[]) => boolean,
): string[] {
  if (isDeepStrictEqual(now, then)) return [];
  const [a, b] = [partsOf(now), partsOf(then)];
  if (a !== undefined && b !== undefined && Array.isArray(now) === Array.isArray(then)) {
    const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])];
    return keys.flatMap((key) => linesOf([...path, Array.isArray(now) ? Number(key) : key], a[key], b[key], isHidden));
  }
  const word = (value: unknown) => short(show(value, isHidden(path)));
  return [`${keyPath(path)}: ${word(now)} -> ${word(then)}`];
}

function partsOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null ? { ...value } : undefined;
}

function short(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}...` : text;
}
