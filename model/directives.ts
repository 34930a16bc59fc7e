/** One directive of nginx text. */
export interface Directive {
  readonly name: string;
  /** Its words after the name, without their quotes and escapes. */
  readonly args: readonly string[];
  /** As it stands in the text, each word as it is written, with single blanks. */
  readonly source: string;
  /** Line that it begins at, from 1. */
  readonly line: number;
  /** Offset of its first character. */
  readonly start: number;
  /** Its directives, where it is a block. */
  readonly block?: readonly Directive[];
}

/** Thrown for text that is not a list of whole directives. */
export class DirectivesError extends Error {
  override readonly name = "DirectivesError";

  /** @param what is wrong, without a word of the text */
  constructor(line: number, what: string) {
    super(`line ${line}: ${what}`);
  }
}

interface Token {
  readonly kind: "word" | "{" | "}" | ";";
  readonly raw: string;
  readonly line: number;
  readonly start: number;
}

/**
 * Reads nginx text as nginx does (ngx_conf_read_token in its source): a quote opens a string at the start of a word only, `#` a
 * comment there only, and `${` no block.
 *
 * @throws DirectivesError for a block or string that isn't closed, a brace too many, a directive without its `;`
 */
export function parseDirectives(text: string): Directive[] {
  const tokens = tokenize(text);
  let at = 0;
  const list = (opened?: Token): Directive[] => {
    const found: Directive[] = [];
    for (;;) {
      const first = tokens[at];
      if (first === undefined) {
        if (opened) throw new DirectivesError(opened.line, "this block is not closed, expected a }");
        return found;
      }
      if (first.kind === "}") {
        if (!opened) throw new DirectivesError(first.line, "this } closes no block that was opened here");
        at++;
        return found;
      }
      found.push(directive(first));
    }
  };
  const directive = (first: Token): Directive => {
    const words: Token[] = [];
    for (; tokens[at]?.kind === "word"; at++) words.push(tokens[at] as Token);
    const end = tokens[at++];
    if (words.length === 0) throw new DirectivesError(first.line, `a ${first.kind} without a directive before it`);
    if (end === undefined || end.kind === "}")
      throw new DirectivesError(words.at(-1)?.line ?? first.line, "this directive does not end, expected a ; or a {");
    const [name = "", ...args] = words.map(({ raw }) => valueOf(raw));
    const source = words.map(({ raw }) => raw).join(" ");
    const own = { name, args, source, line: first.line, start: first.start };
    return end.kind === "{" ? { ...own, block: list(end) } : own;
  };
  return list();
}

const tokenPattern =
  /(?<blank>\s+|#.*)|(?<quoted>"(?:\\[^]|[^"\\])*"|'(?:\\[^]|[^'\\])*')|(?<open>["'])|(?<mark>[{};])|(?:\\[^]|\$\{|[^\s;{\\])+|\\$/gy;

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let line = 1;
  let needsSpace = false;
  for (const match of text.matchAll(tokenPattern)) {
    const [raw] = match;
    const { blank, quoted, open, mark } = match.groups ?? {};
    if (open !== undefined) throw new DirectivesError(line, "this string is not closed");
    // nginx takes a ) there as well, for the sake of `if`.
    if (needsSpace && !/^[\s;{)]/.test(raw)) throw new DirectivesError(line, "expected a blank, ; or { after a string");
    if (blank === undefined) {
      const kind = mark === undefined ? "word" : (mark as "{");
      tokens.push({ kind, raw, line, start: match.index });
    }
    needsSpace = quoted !== undefined;
    line += raw.split("\n").length - 1;
  }
  return tokens;
}

const escapes: Readonly<Record<string, string>> = { t: "\t", r: "\r", n: "\n", '"': '"', "'": "'", "\\": "\\" };

function valueOf(raw: string): string {
  const inner = /^["']/.test(raw) ? raw.slice(1, -1) : raw;
  return inner.replace(/\\([^])/g, (all, escaped: string) => escapes[escaped] ?? all);
}

/** Every directive, those within blocks included, in the order of the text. */
export function everyDirective(directives: readonly Directive[]): Directive[] {
  return directives.flatMap((directive) => [directive, ...everyDirective(directive.block ?? [])]);
}
