import type { z } from "zod";
import type { Problem } from "../app";
import type { Routed } from "../routes";
import { headersAt, headersEntrySchema, headersSchema, problemsOfHeaders, type HeaderPolicy } from "./headers";
import { locationAt, locationSchema, locationsSchema, type LocationPolicy } from "./locations";
import { problemsOfScopes, type Scope } from "./scope";

/** What the entries of each policy's list are. */
export const entrySchemas = { headers: headersEntrySchema, locations: locationSchema };

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
};

type Output = { [Key in keyof typeof policyShape]: z.output<(typeof policyShape)[Key]> };
type DeepReadonly<T> = T extends object ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> } : T;
export type PolicySettings = DeepReadonly<Output>;

/** What holds for the requests of one route. */
export interface RoutePolicy {
  readonly headers?: HeaderPolicy;
  readonly location?: LocationPolicy;
}

/** What holds at a path of a host; undefined where no policy is for it. */
export function policyAt(settings: PolicySettings, host: string, path: string): RoutePolicy | undefined {
  const headers = headersAt(settings.headers, host, path);
  const location = locationAt(settings.locations, host, path);
  if (headers === undefined && location === undefined) return undefined;
  return { ...(headers && { headers }), ...(location && { location }) };
}

/** The lists of entries, each of which is for some hosts and paths. */
function scoped({ headers, locations }: PolicySettings): Readonly<Record<string, readonly Scope[]>> {
  return { headers, locations };
}

/** Paths of a host below which something else may hold than above them. */
export function pathsWithPolicy(settings: PolicySettings, host: string): string[] {
  const entries = Object.values(scoped(settings)).flat();
  const own = entries.filter(({ hosts }) => hosts.length === 0 || hosts.includes(host));
  return [...new Set(own.flatMap(({ paths }) => paths))];
}

export function problemsOfPolicies(settings: PolicySettings, apps: readonly Routed[]): Problem[] {
  return [
    ...Object.entries(scoped(settings)).flatMap(([key, entries]) => problemsOfScopes([key], entries, apps)),
    ...problemsOfHeaders(settings.headers),
  ];
}
