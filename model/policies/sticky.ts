import { createHash } from "node:crypto";
import { z } from "zod";
import type { Problem } from "../app";
import { groupsOf, type Routed } from "../routes";
import { choice, flag, integer, rule } from "../rules";

export const stickySchema = z.strictObject({
  cookie: rule("the name of a cookie: up to 60 letters, digits, hyphens and underscores", (e) =>
    z.string(e).regex(/^[A-Za-z0-9_-]{1,60}$/, e),
  )
    .optional()
    .meta({
      description: "the cookie's name; default: `sticky-` and the name of the first app that shares the requests",
      change: "reloads; clients are dealt anew",
    }),
  hours: integer(0, 8760)
    .default(0)
    .meta({ description: "how long a browser keeps it; 0: until it is closed", change: "reloads" }),
  secure: flag.default(true).meta({
    description: "whether browsers send it over TLS alone, and to this host's own address",
    change: "reloads",
  }),
  httpOnly: flag.default(true).meta({ description: "whether scripts of a page are not shown it", change: "reloads" }),
  sameSite: choice(["lax", "strict", "none"])
    .default("lax")
    .meta({ description: "whether it is sent when another site leads to this one", change: "reloads" }),
});

export const stickyRule = rule("an object {cookie, hours, secure, httpOnly, sameSite}", () => stickySchema);

/** How clients are told to come back to the backend that they had. */
export interface Sticky {
  readonly cookie: string;
  readonly hours: number;
  readonly secure: boolean;
  readonly httpOnly: boolean;
  readonly sameSite: "lax" | "strict" | "none";
}

/** What a client gets to know of the server that it comes back to: enough for that, and neither its name nor its address. */
export function stickyToken(server: string): string {
  return createHash("sha256").update(`sticky ${server}`).digest("hex").slice(0, 20);
}

type StickyApp = Routed & { readonly sticky?: z.output<typeof stickySchema> | undefined };

/** The cookie of apps that share their requests. */
export function stickyOf([app]: readonly StickyApp[]): Sticky | undefined {
  return app?.sticky && { ...app.sticky, cookie: app.sticky.cookie ?? `sticky-${app.name}` };
}

/** Apps that share their requests, and disagree about whether their clients come back; cookies that a browser would not keep. */
export function problemsOfSticky(apps: readonly StickyApp[]): Problem[] {
  const differing = groupsOf(apps).flatMap(({ apps: [first, ...others] }) =>
    others
      .filter(({ sticky }) => JSON.stringify(sticky) !== JSON.stringify(first?.sticky))
      .map((app) => ({
        path: ["apps", apps.indexOf(app), "sticky"],
        expected: `the same as apps[${first === undefined ? 0 : apps.indexOf(first)}], with which it shares its requests`,
      })),
  );
  const refused = apps.flatMap(({ sticky }, index) =>
    sticky?.sameSite === "none" && !sticky.secure
      ? [{ path: ["apps", index, "sticky", "secure"], expected: "true beside sameSite none: browsers keep no other" }]
      : [],
  );
  return [...differing, ...refused];
}
