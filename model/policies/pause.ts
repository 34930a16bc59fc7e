import { z } from "zod";
import type { Problem } from "../app";
import { hostList } from "../hosts";
import type { Routed } from "../routes";
import { integer, rule } from "../rules";
import { problemsOfSites } from "./scope";

export const pauseSchema = z.strictObject({
  sites: hostList.default([]).meta({ description: "the hosts of apps that it is for; none: all", change: "reloads" }),
  holdSeconds: integer(1, 3599).meta({
    description: "how long a request waits at the most, less than `drainSeconds`; then it gets 503",
    change: "reloads",
  }),
});

export const pauseRule = rule("an object {sites, holdSeconds}", () => pauseSchema);

export interface Pause {
  /** Hosts as apps have them; none: all. */
  readonly sites: readonly string[];
  readonly holdSeconds: number;
}

/** Whether requests of a host wait. */
export function isPaused(pause: Pause | undefined, host: string): boolean {
  return pause !== undefined && (pause.sites.length === 0 || pause.sites.includes(host));
}

/** Whether requests of some site wait from now on that didn't before. */
export function begins(pause: Pause | undefined, before: Pick<Pause, "sites"> | undefined): boolean {
  if (pause === undefined || before === undefined) return pause !== undefined;
  const isNew = (site: string) => !before.sites.includes(site);
  return before.sites.length > 0 && (pause.sites.length === 0 || pause.sites.some(isNew));
}

/** @param drainSeconds after which nginx cuts off whoever still waits in a worker of an older configuration */
export function problemsOfPause(pause: Pause | undefined, drainSeconds: number, apps: readonly Routed[]): Problem[] {
  if (pause === undefined) return [];
  const expected = `less than drainSeconds, ${drainSeconds}: whoever waits longer is cut off when nginx's old workers end`;
  return [
    ...problemsOfSites("pause", pause.sites, apps),
    ...(pause.holdSeconds < drainSeconds ? [] : [{ path: ["pause", "holdSeconds"], expected }]),
  ];
}
