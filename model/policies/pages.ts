import { z } from "zod";
import type { Problem } from "../app";
import { rule } from "../rules";

/** Largest page, in bytes: all of them are handed on with a release. */
const most = 32768;

export const pageRule = rule(
  `the name of a file with a page of HTML, up to ${most / 1024} KiB, relative to the program's folder`,
  (e) => z.string(e).min(1, e),
);
const file = pageRule.optional();

/** The answers of nginx's own that may have a page. */
const reasons = { 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout" } as const;
export type Status = keyof typeof reasons;

const meta = (status: Status) => ({
  description: `the page of ${status} (${reasons[status]}); default: a plain one`,
  change: "reloads",
});

export const errorPagesSchema = rule("an object {502, 503, 504} of files' names, each optional", (e) =>
  z.strictObject({ 502: file.meta(meta(502)), 503: file.meta(meta(503)), 504: file.meta(meta(504)) }, e),
);

/** A page of HTML that nginx answers with, by the name of its file in a release. */
export type Pages = Readonly<Record<string, string>>;

/** Name of a page's file. */
export const pageFile = (of: Status | "maintenance"): string => `${of}.html`;

/** Where the config names pages, and what the plain one of each says. */
export interface PageSettings {
  readonly errorPages?: Readonly<Partial<Record<Status, string | undefined>>> | undefined;
  readonly maintenance?: { readonly page?: string | undefined } | undefined;
}

/**
 * The pages that settings name.
 *
 * @param readFile the text of a file by its path; undefined where there is none that can be read
 */
export function pagesOf(
  { errorPages, maintenance }: PageSettings,
  readFile: (path: string) => string | undefined,
): { readonly pages: Pages; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const read = (path: readonly PropertyKey[], name: string | undefined, plain: string) => {
    if (name === undefined) return plain;
    const text = readFile(name);
    if (text !== undefined && Buffer.byteLength(text) <= most) return text;
    problems.push({
      path,
      expected:
        text === undefined
          ? "a file that can be read, relative to the program's folder"
          : `a file of at most ${most / 1024} KiB`,
    });
    return plain;
  };
  const errors = errorPages === undefined ? [] : ([502, 503, 504] as const);
  const pages = errors.map((status) => [
    pageFile(status),
    read(
      ["errorPages", String(status)],
      errorPages?.[status],
      plainPage(reasons[status], "Please try again in a moment."),
    ),
  ]);
  if (maintenance !== undefined)
    pages.push([
      pageFile("maintenance"),
      read(["maintenance", "page"], maintenance.page, plainPage("Down for maintenance", "Please come back later.")),
    ]);
  return { pages: Object.fromEntries(pages) as Pages, problems };
}

function plainPage(title: string, sentence: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 20vh auto; padding: 0 1rem }</style>
<h1>${title}</h1>
<p>${sentence}</p>
</html>
`;
}
