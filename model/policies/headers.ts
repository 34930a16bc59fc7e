import { z } from "zod";
import type { Problem } from "../app";
import { rule } from "../rules";
import { covering, scopeShape, type Scope } from "./scope";

/** Headers that HTTP itself, nginx or the balancer needs as they are. */
const fixed = {
  requests: "connection content-length expect keep-alive proxy proxy-connection te trailer transfer-encoding upgrade",
  answers: "connection content-length content-encoding content-type date keep-alive server trailer transfer-encoding",
};
const isFixed = (of: keyof typeof fixed, name: string) =>
  fixed[of].split(" ").includes(name.toLowerCase()) || /^x-(balancer|probe)-/i.test(name);

/** Text in which `$` begins the name of one of nginx's variables. */
const valuePattern = /^(?:[\t\x20-\x23\x25-\x7e]|\$[a-z][a-z0-9_]*|\$\{[a-z][a-z0-9_]*\}){0,2000}$/;

function headersRule(of: keyof typeof fixed) {
  const expected =
    "an object whose keys are names of headers and whose values are printable ASCII, in which $ begins a variable of nginx";
  const own = rule(expected, (e) =>
    z.record(
      z
        .string(e)
        .regex(/^[A-Za-z][A-Za-z0-9-]{0,99}$/, e)
        .refine((name) => !isFixed(of, name), {
          error: `expected no header that HTTP or the balancer itself needs: ${fixed[of].split(" ").join(", ")}, x-balancer-*`,
        }),
      z.string(e).regex(valuePattern, e),
      e,
    ),
  );
  return own.default({});
}

const entrySchema = z.strictObject({
  ...scopeShape,
  requests: headersRule("requests").meta({
    description: "headers that backends get, whatever the client has sent; an empty text drops one",
    change: "reloads",
  }),
  answers: headersRule("answers").meta({
    description: "headers that clients get, whatever the backend has answered; an empty text drops one",
    change: "reloads",
  }),
});

export const headersSchema = rule("a list of up to 100 objects {hosts, paths, requests, answers}", (e) =>
  z.array(entrySchema, e).max(100, e),
);
export const headersEntrySchema = entrySchema;

type Entry = Scope & HeaderPolicy;

/** Headers by their names, in the spelling of the config, sorted; empty: dropped. */
export interface HeaderPolicy {
  readonly requests: Readonly<Record<string, string>>;
  readonly answers: Readonly<Record<string, string>>;
}

/** What becomes of headers at a path of a host: of two entries that have one, the narrower decides. */
export function headersAt(entries: readonly Entry[], host: string, path: string): HeaderPolicy | undefined {
  const own = covering(entries, host, path);
  const joined = (of: keyof typeof fixed) => {
    const all = new Map(
      own.flatMap((entry) => Object.entries(entry[of]).map(([name, value]) => [name.toLowerCase(), [name, value]])),
    );
    return Object.fromEntries(
      [...all].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, pair]) => pair as [string, string]),
    );
  };
  return own.length === 0 ? undefined : { requests: joined("requests"), answers: joined("answers") };
}

/** Names that an entry has in two spellings. */
export function problemsOfHeaders(entries: readonly HeaderPolicy[]): Problem[] {
  return entries.flatMap((entry, index) =>
    (["requests", "answers"] as const).flatMap((of) => {
      const names = Object.keys(entry[of]);
      const twice = names.filter((name, at) =>
        names.slice(0, at).some((other) => other.toLowerCase() === name.toLowerCase()),
      );
      return twice.map((name) => ({ path: ["headers", index, of, name], expected: "each header in one spelling" }));
    }),
  );
}
