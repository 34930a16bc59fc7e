import { z } from "zod";
import type { Problem } from "../app";
import { flag, integer, rule } from "../rules";
import { covering, scopeShape, type Scope } from "./scope";

const mostPerSecond = 100_000;

/**
 * A rate as nginx counts: whole requests a second or, where it isn't whole, a minute.
 *
 * @param value requests a second: a number, or a text `N/60`
 * @returns undefined where neither says it exactly
 */
export function rateOf(value: number | string): { readonly count: number; readonly per: "s" | "m" } | undefined {
  const [, minute] = /^([1-9][0-9]{0,6})\/60$/.exec(String(value)) ?? [];
  const count = minute === undefined ? Math.round(Number(value) * 60) : Number(minute);
  const isExact = minute !== undefined || count / 60 === value;
  if (!isExact || count < 1 || count > mostPerSecond * 60) return undefined;
  return count % 60 === 0 ? { count: count / 60, per: "s" } : { count, per: "m" };
}

const rate = rule(
  `requests a second from 1/60 to ${mostPerSecond} that are whole, or so many whole ones a minute: 10, 0.5, 1/60`,
  (e) => z.union([z.number(e), z.string(e)], e).refine((value) => rateOf(value) !== undefined, e),
);

const name = rule("a name of up to 40 lower-case letters, digits and hyphens, for example api", (e) =>
  z.string(e).regex(/^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/, e),
).meta({ description: "what nginx's log calls it; counts go on as long as `name` and `by` stay", change: "reloads" });

const own = {
  by: rule("address, all, or a header: header X-Api-Key", (e) =>
    z.string(e).regex(/^(?:address|all|header [A-Za-z][A-Za-z0-9-]{0,99})$/, e),
  )
    .default("address")
    .meta({
      description:
        "what has a count of its own: each client's address, each value of a header (requests without it are not limited), or `all` requests together",
      change: "reloads, and counts anew",
    }),
  requestsPerSecond: rate.optional().meta({ description: "how often it may be asked", change: "reloads" }),
  burst: integer(0, 100_000).default(0).meta({
    description: "requests that may come at once besides; without any, each has to wait for its turn of the second",
    change: "reloads",
  }),
  connections: integer(1, 65535).optional().meta({
    description: "requests and WebSockets that may be open at a time; answers there aren't spooled",
    change: "reloads",
  }),
};

export const limitSchema = z.strictObject({ name, ...scopeShape, ...own });

export type Limit = Readonly<Omit<z.output<typeof limitSchema>, keyof Scope>>;

export const limitsSchema = rule("an object {dryRun, rules}", (e) =>
  z.strictObject(
    {
      dryRun: flag
        .default(false)
        .meta({ description: "whether nginx only logs what it would refuse", change: "reloads" }),
      rules: rule("a list of up to 20 objects {name, hosts, paths, by, ...}", (error) =>
        z.array(limitSchema, error).max(20, error),
      )
        .default([])
        .meta({ description: "how often and how much something may be asked, see below", change: "reloads" }),
    },
    e,
  ),
);

/** What holds at a path: every rule that is for it. */
export interface LimitPolicy {
  readonly dryRun: boolean;
  /** At least one. */
  readonly rules: readonly Limit[];
}

export function limitsAt(
  { dryRun, rules }: { readonly dryRun: boolean; readonly rules: readonly (Scope & Limit)[] },
  host: string,
  path: string,
): LimitPolicy | undefined {
  const found = covering(rules, host, path);
  return found.length === 0 ? undefined : { dryRun, rules: found };
}

/** Rules that limit nothing, and such that can't be told apart. */
export function problemsOfLimits(rules: readonly Limit[]): Problem[] {
  return rules.flatMap(({ name, requestsPerSecond, burst, connections }, index): Problem[] => {
    const at = (key: keyof Limit, expected: string) => ({ path: ["limits", "rules", index, key], expected });
    const first = rules.findIndex((other) => other.name === name);
    const isIdle = requestsPerSecond === undefined;
    return [
      ...(first < index ? [at("name", `a name other than that of limits.rules[${first}]`)] : []),
      ...(isIdle && connections === undefined
        ? [at("requestsPerSecond", "a rate, or connections in its place, or both")]
        : []),
      ...(isIdle && burst > 0 ? [at("burst", "requestsPerSecond beside it, which it adds to")] : []),
    ];
  });
}
