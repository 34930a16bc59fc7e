import { z } from "zod";
import type { Problem } from "../app";
import { hostList } from "../hosts";
import { networkList } from "../networks";
import type { Routed } from "../routes";
import { integer, rule } from "../rules";
import { pageRule } from "./pages";
import { problemsOfSites } from "./scope";

export const maintenanceSchema = z.strictObject({
  sites: hostList.default([]).meta({ description: "the hosts of apps that it is for; none: all", change: "reloads" }),
  page: pageRule.optional().meta({ description: "the page that clients get; default: a plain one", change: "reloads" }),
  allow: networkList
    .default([])
    .meta({ description: "the clients that are served as ever, by their addresses", change: "reloads" }),
  retryAfterSeconds: integer(1, 31_536_000)
    .default(300)
    .meta({ description: "when clients are told to come back (`Retry-After`)", change: "reloads" }),
});

export const maintenanceRule = rule("an object {sites, page, allow, retryAfterSeconds}", () => maintenanceSchema);

export interface Maintenance {
  /** Hosts as apps have them; none: all. */
  readonly sites: readonly string[];
  readonly allow: readonly string[];
  readonly retryAfterSeconds: number;
}

/** Whether a host is in maintenance. */
export function isInMaintenance(maintenance: Maintenance | undefined, host: string): boolean {
  return maintenance !== undefined && (maintenance.sites.length === 0 || maintenance.sites.includes(host));
}

export function problemsOfMaintenance(maintenance: Maintenance | undefined, apps: readonly Routed[]): Problem[] {
  return problemsOfSites("maintenance", maintenance?.sites ?? [], apps);
}
