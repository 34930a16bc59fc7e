import { z } from "zod";
import { flag, integer, rule, texts } from "../rules";
import { covering, scopeShape, type Scope } from "./scope";

/** What most apps send as text, besides text/html, which is always compressed. */
const usualTypes = [
  "application/atom+xml",
  "application/javascript",
  "application/json",
  "application/manifest+json",
  "application/rss+xml",
  "application/wasm",
  "application/xml",
  "image/svg+xml",
  "text/css",
  "text/javascript",
  "text/markdown",
  "text/plain",
  "text/xml",
];

export const compressionSchema = z.strictObject({
  ...scopeShape,
  on: flag.default(true).meta({ description: "whether answers are compressed there", change: "reloads" }),
  types: texts("a list of up to 100 different media types, for example text/css", [
    "a media type in lower case, for example text/css",
    /^[a-z0-9.+-]+\/[a-z0-9.+-]+$/,
    (text) => text.toLowerCase().replace(/;.*/, "").trim(),
  ])
    .default(usualTypes)
    .meta({ description: "the types of answers that are compressed, besides `text/html`", change: "reloads" }),
  minBytes: integer(1, 1_048_576)
    .default(1024)
    .meta({ description: "answers that say to be shorter are left as they are", change: "reloads" }),
  level: integer(1, 9)
    .default(5)
    .meta({ description: "how hard gzip tries, 1 to 9: the more, the more time of a processor", change: "reloads" }),
  brotli: flag.default(false).meta({
    description: "whether clients that take it get brotli; `nginxImage` has to have its module",
    change: "reloads",
  }),
});

export const compressionRule = rule("a list of up to 100 objects {hosts, paths, on, ...}", (e) =>
  z.array(compressionSchema, e).max(100, e),
);

export type Compression = Readonly<Omit<z.output<typeof compressionSchema>, keyof Scope | "types">> & {
  readonly types: readonly string[];
};

/** How answers of a path of a host are compressed: as the narrowest entry says; undefined: not at all. */
export function compressionAt(
  entries: readonly (Scope & Compression)[],
  host: string,
  path: string,
): Compression | undefined {
  const own = covering(entries, host, path).at(-1);
  if (own?.on !== true) return undefined;
  const { on, types, minBytes, level, brotli } = own;
  return { on, types, minBytes, level, brotli };
}
