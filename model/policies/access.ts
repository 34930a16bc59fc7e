import { z } from "zod";
import type { Problem } from "../app";
import { networkList } from "../networks";
import { pathRule } from "../paths";
import { groupsOf, type Routed } from "../routes";
import { choice, flag, rule, texts } from "../rules";
import { covering, problemsOfOverlaps, scopeShape, type Scope } from "./scope";
import { problemOfUsers } from "./users";

const headerList = texts("a list of up to 100 different names of headers", [
  "the name of a header that HTTP doesn't need itself, for example X-User",
  /^(?!(?:connection|content-length|host|transfer-encoding|upgrade)$)[a-z][a-z0-9-]{0,99}$/i,
]);

export const authRequestSchema = rule("an object {app, path, headers}", (e) =>
  z.strictObject(
    {
      app: rule("the name of an app", (error) => z.string(error)).meta({
        description: "the app that says yes (2xx) or no (401, 403)",
        change: "reloads",
      }),
      path: pathRule.default("/").meta({ description: "what it is asked by GET", change: "reloads" }),
      headers: headerList.default([]).meta({
        description: "headers of its answer that the backend gets, and nobody else's of these names",
        change: "reloads",
      }),
    },
    e,
  ),
);

export const accessEntrySchema = z.strictObject({
  ...scopeShape,
  allow: networkList.default([]).meta({
    description: "the clients that are let in, by their addresses; none: all that `deny` leaves",
    change: "reloads",
  }),
  deny: networkList.default([]).meta({ description: "those that are not, before `allow`", change: "reloads" }),
  users: rule("the name of a file of lines NAME:HASH, relative to the program's folder", (e) => z.string(e).min(1, e))
    .optional()
    .meta({ description: "who is let in by name and password", change: "reloads" }),
  realm: rule("up to 100 printable characters of ASCII without quotes, backslashes and $", (e) =>
    z.string(e).regex(/^[\x20-\x21\x23\x25-\x26\x28-\x5b\x5d-\x7e]{1,100}$/, e),
  )
    .default("restricted")
    .meta({ description: "what browsers ask the password for", change: "reloads" }),
  authRequest: authRequestSchema.optional().meta({ description: "an app that is asked, see below", change: "reloads" }),
  satisfy: choice(["all", "any"])
    .default("all")
    .meta({ description: "whether addresses, password and app all have to let in, or one", change: "reloads" }),
  open: flag
    .default(false)
    .meta({ description: "whether all are let in, below a path of another entry", change: "reloads" }),
});

export const accessRule = rule("a list of up to 100 objects {hosts, paths, allow, ...}", (e) =>
  z.array(accessEntrySchema, e).max(100, e),
);

interface AuthRequest {
  readonly app: string;
  readonly path: string;
  readonly headers: readonly string[];
}

type Entry = Scope & {
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  readonly users?: string | undefined;
  readonly realm: string;
  readonly authRequest?: AuthRequest | undefined;
  readonly satisfy: "all" | "any";
  readonly open: boolean;
};

/** Who is let in. */
export type Access = Omit<Entry, keyof Scope | "open" | "authRequest"> & {
  /** What is asked, of which upstream. */
  readonly authRequest?: Omit<AuthRequest, "app"> & { readonly upstream: string };
};

/** Who is let in at a path of a host, as the narrowest entry says alone; undefined: everybody. */
export function accessAt(
  entries: readonly Entry[],
  apps: readonly Routed[],
  host: string,
  path: string,
): Access | undefined {
  const entry = covering(entries, host, path).at(-1);
  if (entry === undefined || entry.open) return undefined;
  const { allow, deny, users, realm, satisfy, authRequest } = entry;
  const group = groupsOf(apps).find((one) => one.apps.some(({ name }) => name === authRequest?.app));
  return {
    ...{ allow, deny, realm, satisfy },
    ...(users !== undefined && { users }),
    ...(authRequest !== undefined && {
      authRequest: { upstream: group?.upstream ?? "", path: authRequest.path, headers: authRequest.headers },
    }),
  };
}

/**
 * What is wrong with who is let in.
 *
 * @param isBehindProxy whether every client has the address of one proxy, whose word is nobody's address for nginx
 * @param readFile the text of a file by its path; undefined where there is none that can be read
 */
export function problemsOfAccess(
  entries: readonly Entry[],
  apps: readonly Routed[],
  isBehindProxy: boolean,
  readFile: (path: string) => string | undefined,
): Problem[] {
  const each = entries.flatMap(({ allow, deny, users, authRequest, open }, index): Problem[] => {
    const at = (key: keyof Entry, expected: string, ...more: string[]) => ({ path: ["access", index, key, ...more], expected }); // prettier-ignore
    const lists = { allow, deny };
    const addresses = (["allow", "deny"] as const).filter((key) => lists[key].length > 0);
    const isClosed = addresses.length > 0 || users !== undefined || authRequest !== undefined;
    const text = users === undefined ? undefined : readFile(users);
    const problem =
      text === undefined ? "a file that can be read, relative to the program's folder" : problemOfUsers(text);
    return [
      ...(isClosed === open ? [at("open", open ? "false beside allow, deny, users and authRequest" : "true, or one of allow, deny, users and authRequest")] : []), // prettier-ignore
      ...(isBehindProxy ? addresses.map((key) => at(key, "trustedProxies in place of behindProxy, with which every client has the proxy's address")) : []), // prettier-ignore
      ...(users !== undefined && problem !== undefined ? [at("users", problem)] : []),
      ...(authRequest !== undefined && !apps.some(({ name }) => name === authRequest.app)
        ? [at("authRequest", `the name of an app: ${apps.map(({ name }) => name).join(", ")}`, "app")]
        : []),
    ];
  });
  return [...problemsOfOverlaps("access", entries), ...each];
}
