import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync } from "node:zlib";

/** Values that are nowhere but where they were put, by their names; and the search for where they have gone. */
export class Canaries {
  private readonly forms: readonly (readonly [name: string, forms: readonly string[]])[];

  constructor(values: Readonly<Record<string, string>>) {
    this.forms = Object.entries(values).map(([name, value]) => [name, [value, ...base64Of(value)]]);
  }

  /** The names of those that are in a text, in the clear or as base64. */
  in(text: string): string[] {
    return this.forms.flatMap(([name, forms]) => (forms.some((form) => text.includes(form)) ? name : []));
  }

  /** Those in texts, by the names of these; where there is none, that one is left out. */
  where(texts: Readonly<Record<string, string>>): Record<string, string[]> {
    const found = Object.entries(texts).map(([place, text]) => [place, this.in(text)] as const);
    return Object.fromEntries(found.filter(([, names]) => names.length > 0));
  }

  /** Does something, and looks meanwhile at the command lines of all processes of this host, which anyone on it may read. */
  async inCommandLinesOf<T>(work: Promise<T>): Promise<{ result: T; seen: string[] }> {
    const seen = new Set<string>();
    let isOver = false as boolean; // the work sets it
    const end = () => (isOver = true);
    work.then(end, end);
    while (!isOver) {
      for (const line of commandLines()) for (const name of this.in(line)) seen.add(name);
      await sleep(150);
    }
    return { result: await work, seen: [...seen] };
  }
}

/** How a value stands in base64, whatever is before it and after it. */
function base64Of(value: string): string[] {
  return [0, 1, 2].map((before) => {
    const text = Buffer.from(`${"-".repeat(before)}${value}`).toString("base64");
    return text.slice(before === 0 ? 0 : 4, -4);
  });
}

function commandLines(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => readOr(`/proc/${pid}/cmdline`));
}

/** All files below a folder that are younger than a moment, by their paths in it; what is compressed, unpacked. */
export function filesIn(folder: string, since = 0): Record<string, string> {
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const files = paths.filter((path) => {
    const stat = statSync(join(folder, path), { throwIfNoEntry: false });
    return stat?.isFile() === true && stat.mtimeMs >= since;
  });
  return Object.fromEntries(files.map((path) => [path, readOr(join(folder, path))]));
}

/** A file as text, a byte a character; empty where it has gone meanwhile. */
function readOr(file: string): string {
  try {
    const bytes = readFileSync(file);
    return (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes).toString("latin1");
  } catch {
    return "";
  }
}
