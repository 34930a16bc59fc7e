import { z } from "zod";
import { integer, rule } from "../rules";
import { problemsOfDirectives } from "../server-config";
import { covering, scopeShape, type Scope } from "./scope";

const own = {
  requestTimeoutSeconds: integer(1, 86400)
    .optional()
    .meta({ description: "`requestTimeoutSeconds` there", change: "reloads" }),
  maxBodyMb: integer(1, 1024).optional().meta({ description: "`maxBodyMb` there", change: "reloads" }),
  idleSeconds: integer(1, 86400).optional().meta({
    description: "longest silence of a WebSocket, or of a stream of events; default: `requestTimeoutSeconds`",
    change: "reloads",
  }),
  locationConfig: rule("text: nginx directives for a location block", (e) => z.string(e).regex(/\S/, e))
    .optional()
    .meta({ description: "added to the `location` blocks (docs/directives.md)", change: "reloads" }),
};

export const locationSchema = z.strictObject({ ...scopeShape, ...own });
export const locationsSchema = rule("a list of up to 100 objects {hosts, paths, ...}", (e) =>
  z.array(locationSchema, e).max(100, e),
);

/** How requests are handed on, where that is otherwise than everywhere else. */
export type LocationPolicy = Readonly<Omit<z.output<typeof locationSchema>, keyof Scope>>;

/** What holds at a path of a host, each of it as the narrowest entry that says anything about it has it. */
export function locationAt(
  entries: readonly (Scope & LocationPolicy)[],
  host: string,
  path: string,
): LocationPolicy | undefined {
  const found = covering(entries, host, path);
  const said = found.flatMap((entry) => Object.entries(entry).filter(([key]) => key in own));
  return said.length === 0 ? undefined : Object.fromEntries(said);
}

/** What is wrong with the directives of each entry, with the entry's key. */
export function problemsOfLocationConfigs(entries: readonly unknown[]): string[] {
  return entries.flatMap((entry, index) => {
    const { locationConfig } = (entry ?? {}) as { locationConfig?: unknown };
    const problems = typeof locationConfig === "string" ? problemsOfDirectives(locationConfig) : [];
    return problems.map((what) => `locations[${index}].locationConfig, ${what}`);
  });
}
