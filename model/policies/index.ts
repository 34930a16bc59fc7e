import type { z } from "zod";
import type { DeepReadonly } from "../../lib/deep-readonly";
import type { Problem } from "../app";
import type { Routed } from "../routes";
import { integer } from "../rules";
import { accessAt, accessEntrySchema, accessRule, authRequestSchema, problemsOfAccess, type Access } from "./access";
import { beforeSwitchRule, beforeSwitchSchema, problemsOfBeforeSwitch } from "./before-switch";
import { canaryRule, canarySchema, problemsOfCanary } from "./canary";
import { cacheAt, cacheRule, cacheSchema, type Cache } from "./cache";
import { compressionAt, compressionRule, compressionSchema, type Compression } from "./compression";
import { headersAt, headersEntrySchema, headersSchema, problemsOfHeaders, type HeaderPolicy } from "./headers";
import { limitsAt, limitSchema, limitsSchema, problemsOfLimits, type LimitPolicy } from "./limits";
import { locationAt, locationSchema, locationsSchema, type LocationPolicy } from "./locations";
import { isInMaintenance, maintenanceRule, maintenanceSchema, problemsOfMaintenance } from "./maintenance";
import { errorPagesSchema, type Pages } from "./pages";
import { isPaused, pauseRule, pauseSchema, problemsOfPause } from "./pause";
import { stickySchema } from "./sticky";
import { problemsOfScopes, type Scope } from "./scope";

/** What the entries of each policy's list are. */
export const entrySchemas = {
  headers: headersEntrySchema,
  locations: locationSchema,
  compression: compressionSchema,
  cache: cacheSchema,
  sticky: stickySchema,
  beforeSwitch: beforeSwitchSchema,
  canary: canarySchema,
  maintenance: maintenanceSchema,
  pause: pauseSchema,
  errorPages: errorPagesSchema,
  "limits.rules": limitSchema,
  access: accessEntrySchema,
  "access.authRequest": authRequestSchema,
};

/** The settings of all policies; none is on unless it is set. */
export const policyShape = {
  headers: headersSchema.default([]).meta({
    description: "headers of requests and answers to set or to drop, see below",
    change: "reloads",
  }),
  locations: locationsSchema.default([]).meta({
    description: "what is otherwise for some hosts and paths than everywhere else, see below",
    change: "reloads",
  }),
  compression: compressionRule.default([]).meta({
    description: "which answers are compressed, see below",
    change: "reloads",
  }),
  cache: cacheRule.default([]).meta({
    description: "which answers are kept, see below",
    change: "reloads",
  }),
  cacheMb: integer(16, 65536)
    .default(256)
    .meta({ description: "disk for answers that are kept, MiB", change: "reloads" }),
  beforeSwitch: beforeSwitchRule.default([]).meta({
    description: "commands that are run once for each release of an app, before its new backends are made, see below",
    change: "runs those that have not run for the release that runs",
  }),
  canary: canaryRule.optional().meta({
    description: "an app whose new backends are judged before they get all requests, see below",
    change: "nothing that runs",
  }),
  maintenance: maintenanceRule.optional().meta({
    description: "answers 503 in place of the apps, see below",
    change: "reloads",
  }),
  pause: pauseRule.optional().meta({
    description: "has requests wait until it is taken away, see below",
    change: "reloads",
  }),
  errorPages: errorPagesSchema.optional().meta({
    description: "pages of nginx's own answers that something is amiss, see below",
    change: "reloads",
  }),
  limits: limitsSchema.prefault({}).meta({
    description: "how often, and how much at a time, clients may ask, see below",
    change: "reloads",
    default: {},
  }),
  access: accessRule.default([]).meta({ description: "who is let in where, see below", change: "reloads" }),
};

export type PolicySettings = DeepReadonly<z.output<z.ZodObject<typeof policyShape>>> & {
  /** What the config names by its file. */
  readonly pages: Pages;
};

/** What holds for the requests of one route. */
export interface RoutePolicy {
  readonly headers?: HeaderPolicy;
  readonly location?: LocationPolicy;
  readonly compression?: Compression;
  readonly cache?: Cache;
  readonly isInMaintenance?: true;
  readonly isPaused?: true;
  readonly limits?: LimitPolicy;
  readonly access?: Access;
}

/** What holds at a path of a host; undefined where no policy is for it. */
export function policyAt(
  settings: PolicySettings & { readonly apps: readonly Routed[] },
  host: string,
  path: string,
): RoutePolicy | undefined {
  const all = {
    headers: headersAt(settings.headers, host, path),
    location: locationAt(settings.locations, host, path),
    compression: compressionAt(settings.compression, host, path),
    cache: cacheAt(settings.cache, host, path),
    limits: limitsAt(settings.limits, host, path),
    access: accessAt(settings.access, settings.apps, host, path),
    isInMaintenance: isInMaintenance(settings.maintenance, host) || undefined,
    isPaused: isPaused(settings.pause, host) || undefined,
  };
  const said = Object.entries(all).filter(([, policy]) => policy !== undefined);
  return said.length === 0 ? undefined : Object.fromEntries(said);
}

/** The lists of entries, each of which is for some hosts and paths, by their keys. */
function scoped(settings: Omit<PolicySettings, "pages">): [key: string, entries: readonly Scope[]][] {
  const { headers, locations, compression, cache, limits, access } = settings;
  return Object.entries({ headers, locations, compression, cache, "limits.rules": limits.rules, access });
}

/** Paths of a host below which something else may hold than above them. */
export function pathsWithPolicy(settings: PolicySettings, host: string): string[] {
  const entries = scoped(settings).flatMap(([, list]) => list);
  const own = entries.filter(({ hosts }) => hosts.length === 0 || hosts.includes(host));
  return [...new Set(own.flatMap(({ paths }) => paths))];
}

export function problemsOfPolicies(
  settings: Omit<PolicySettings, "pages"> & { readonly behindProxy: boolean; readonly drainSeconds: number },
  apps: readonly Routed[],
  readFile: (path: string) => string | undefined,
): Problem[] {
  return [
    ...scoped(settings).flatMap(([key, entries]) => problemsOfScopes(key.split("."), entries, apps)),
    ...problemsOfHeaders(settings.headers),
    ...problemsOfBeforeSwitch(settings.beforeSwitch, apps),
    ...problemsOfCanary(settings.canary, apps),
    ...problemsOfMaintenance(settings.maintenance, apps),
    ...problemsOfPause(settings.pause, settings.drainSeconds, apps),
    ...problemsOfLimits(settings.limits.rules),
    ...problemsOfAccess(settings.access, apps, settings.behindProxy, readFile),
  ];
}
