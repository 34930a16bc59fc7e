import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";

/** A line of an ignore file. */
interface Pattern {
  readonly text: string;
  /** Whether what it matches is sent after all. */
  readonly exception: boolean;
  matches(path: string): boolean;
}

/**
 * What Docker sends of a build context to be built from: files, links and all else that its ignore file doesn't leave
 * out, and the folders on the way to them, empty ones included.
 *
 * @param folder the build context
 * @returns paths within the folder, sorted
 * @throws Error that names a pattern which Docker doesn't take
 */
export function sentPaths(folder: string): string[] {
  const patterns = readPatterns(folder);
  const sent = new Set<string>();
  const walk = (parent: string, parentMatches: readonly boolean[]) => {
    for (const entry of readdirSync(join(folder, parent), { withFileTypes: true })) {
      const path = parent === "" ? entry.name : `${parent}/${entry.name}`;
      const { ignored, matches } = judge(path, patterns, parentMatches);
      if (!ignored) for (let part = path; part !== "." && !sent.has(part); part = posix.dirname(part)) sent.add(part);
      if (entry.isDirectory() && !(ignored && holdsNoException(path, patterns))) walk(path, matches);
    }
  };
  walk("", []);
  return [...sent].sort();
}

/** The last pattern that matches decides; one that matched a folder matches all that it holds. */
function judge(path: string, patterns: readonly Pattern[], parentMatches: readonly boolean[]) {
  let ignored = false;
  // As in Docker, a pattern that would change nothing is not looked at, and so not inherited either.
  const matches = patterns.map((pattern, index) => {
    const match = parentMatches[index] === true || (pattern.exception === ignored && pattern.matches(path));
    if (match) ignored = !pattern.exception;
    return match;
  });
  return { ignored, matches };
}

function holdsNoException(folder: string, patterns: readonly Pattern[]): boolean {
  return !patterns.some(
    ({ exception, text }) => exception && (/[*?[\]\\^]/.test(text) || `${text}/`.startsWith(`${folder}/`)),
  );
}

function readPatterns(folder: string): Pattern[] {
  for (const name of ["Dockerfile.dockerignore", ".dockerignore"]) {
    const text = tryRead(join(folder, name));
    if (text !== undefined) return parsePatterns(text, join(folder, name));
  }
  return [];
}

function tryRead(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined; // none, or a folder of that name
  }
}

function parsePatterns(text: string, file: string): Pattern[] {
  return text
    .replace(/^\uFEFF/, "")
    .split("\n")
    .filter((line) => !line.startsWith("#") && line.trim() !== "")
    .map((line) => {
      const exception = line.trim().startsWith("!");
      const raw = exception ? line.trim().slice(1).trim() : line.trim();
      const clean = posix.normalize(raw).replace(/(?<=.)\/$/, "");
      try {
        if (raw === "" || (exception && clean === "/")) throw new SyntaxError();
        return compile(clean.replace(/^\/(?=.)/, ""), exception);
      } catch {
        throw new Error(`${file}: got ${JSON.stringify(line.trim())}, expected a pattern that Docker takes`);
      }
    });
}

function compile(text: string, exception: boolean): Pattern {
  if (!/[*?[\]\\]/.test(text)) return { text, exception, matches: (path) => path === text };
  const [, end] = /^\*\*([^*?[\]\\]*)$/.exec(text) ?? [];
  // A beginning ** without another wildcard takes any text before the end, not only whole folders.
  if (end !== undefined) return { text, exception, matches: (path) => `/${path}`.endsWith(end) };
  const tokens = text.replace(/\*\*\/?|\*|\?|\\.|[.+()$]/gsu, (token, at: number) => {
    if (token.startsWith("**")) return at + token.length === text.length ? ".*" : "(.*/)?";
    if (token === "*") return "[^/]*";
    if (token === "?") return "[^/]";
    return token.startsWith("\\") ? token : `\\${token}`;
  });
  const expression = new RegExp(`^${tokens}$`);
  return { text, exception, matches: (path) => expression.test(path) };
}
