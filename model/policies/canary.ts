import { z } from "zod";
import type { DeepReadonly } from "../../lib/deep-readonly";
import type { Problem } from "../app";
import { integer, rule } from "../rules";
import type { Server } from "../topology";

const steps = rule("a list of 1 to 20 percentages from 1 to 99, each larger than the one before", (e) =>
  z
    .array(z.int(e).min(1, e).max(99, e), e)
    .min(1, e)
    .max(20, e)
    .refine((list) => list.every((share, at) => at === 0 || share > (list[at - 1] ?? 0)), e),
);

export const canarySchema = z.strictObject({
  app: rule("the name of an app", (e) => z.string(e)).meta({
    description: "the app whose new backends are judged before they get all requests",
    change: "nothing that runs",
  }),
  steps: steps.default([5, 25, 50]).meta({
    description: "their share of the app's requests in each step, in percent",
    change: "nothing that runs",
  }),
  holdSeconds: integer(1, 86400)
    .default(60)
    .meta({ description: "how long each step lasts, at the least", change: "nothing that runs" }),
  minRequests: integer(1, 1_000_000).default(100).meta({
    description: "requests that both the new backends and the old ones have to get in each step, before it ends",
    change: "nothing that runs",
  }),
  maxErrorPoints: rule("a number from 0 to 100", (e) => z.number(e).min(0, e).max(100, e))
    .default(1)
    .meta({
      description: "how many more of their requests may fail than of the old ones', in percentage points",
      change: "nothing that runs",
    }),
  maxP99Ratio: rule("a number from 1 to 1000", (e) => z.number(e).min(1, e).max(1000, e))
    .default(2)
    .meta({
      description: "how many times as long as the old ones' the slowest hundredth of their answers may take",
      change: "nothing that runs",
    }),
});

export const canaryRule = rule("an object {app, steps, holdSeconds, ...}", () => canarySchema);

export type Canary = DeepReadonly<z.output<typeof canarySchema>>;

export function problemsOfCanary(canary: Canary | undefined, apps: readonly { readonly name: string }[]): Problem[] {
  if (canary === undefined || apps.some(({ name }) => name === canary.app)) return [];
  return [{ path: ["canary", "app"], expected: `the name of an app: ${apps.map(({ name }) => name).join(", ")}` }];
}

/**
 * Servers of an upstream with weights by which the fresh ones together get a share of what they and the older ones get. What others
 * get that share the upstream stays as it is when the fresh ones are alone.
 *
 * @param share in percent, 1 to 99
 */
export function withShare(
  servers: readonly Server[],
  fresh: ReadonlySet<string>,
  older: ReadonlySet<string>,
  share: number,
): Server[] {
  const sum = (names: ReadonlySet<string>) =>
    servers.reduce((total, { name, weight }) => total + (names.has(name) ? weight : 0), 0);
  const [ofFresh, ofOlder] = [sum(fresh), sum(older)];
  if (ofFresh === 0 || ofOlder === 0) return [...servers];
  const scaled = servers.map(({ name, weight }) =>
    fresh.has(name)
      ? weight * share * ofOlder
      : older.has(name)
        ? weight * (100 - share) * ofFresh
        : weight * 100 * ofOlder,
  );
  const divisor = scaled.reduce(greatestDivisor, 0) || 1;
  return servers.map((server, at) => ({ ...server, weight: (scaled[at] ?? 0) / divisor }));
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}
