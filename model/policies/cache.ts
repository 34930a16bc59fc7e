import { z } from "zod";
import { integer, rule } from "../rules";
import { covering, scopeShape, type Scope } from "./scope";

export const cacheSchema = z.strictObject({
  ...scopeShape,
  seconds: integer(0, 31_536_000).default(0).meta({
    description: "how long an answer of 200 or 301 is kept that says nothing of that itself; 0: it is not kept",
    change: "reloads",
  }),
});

export const cacheRule = rule("a list of up to 100 objects {hosts, paths, seconds}", (e) =>
  z.array(cacheSchema, e).max(100, e),
);

export type Cache = Readonly<Omit<z.output<typeof cacheSchema>, keyof Scope>>;

/** How answers of a path of a host are kept: as the narrowest entry says; undefined: not at all. */
export function cacheAt(entries: readonly (Scope & Cache)[], host: string, path: string): Cache | undefined {
  const own = covering(entries, host, path).at(-1);
  return own && { seconds: own.seconds };
}
