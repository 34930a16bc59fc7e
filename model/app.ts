import { z } from "zod";
import { hostList, hostRule } from "./hosts";
import { pathList } from "./paths";
import { stickyRule } from "./policies/sticky";
import { flag, image, integer, rule, texts } from "./rules";

const environment = rule("an object of strings without NUL whose names are letters, digits and _", (e) =>
  z.record(z.string(e).regex(/^[A-Za-z_][A-Za-z0-9_]*$/, e), z.string(e).regex(/^[^\0]*$/, e), e),
).default({});

const folder = String.raw`/(?:[^/:\s]+/?)+`;

const appFolder = "a folder that holds a Dockerfile, relative to the program's folder";

/** One name, which browsers are sent to another one for. */
export const redirectSchema = rule("an object {from, to} of host names", (e) =>
  z.strictObject({ from: hostRule, to: hostRule }, e),
);

/** What a container runs. */
export const commandRule = rule("a list of 1 to 100 texts, the first of which names a program", (e) =>
  z
    .array(z.string(e), e)
    .min(1, e)
    .max(100, e)
    .refine(([program]) => program !== "", e),
);

/** What an app is described by. */
const appShape = {
  name: rule("a DNS label: up to 40 lower-case letters, digits and inner hyphens, starting with a letter", (e) =>
    z.string(e).regex(/^[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?$/, e),
  ).meta({
    description: "part of the names of its backends, unique among the apps",
    change: "replaces its backends",
  }),
  path: rule(appFolder, (e) => z.string(e))
    .optional()
    .meta({ description: "what its image is built from; or `image`", change: "rolls the app" }),
  image: image.optional().meta({
    description: "its image where that isn't built here; or `path`",
    change: "rolls the app",
  }),
  count: integer(1, 200)
    .optional()
    .meta({ description: "its backends; apps without one share `backendCount`", change: "adds or removes" }),
  hosts: hostList
    .default([])
    .meta({ description: "the names that it answers; none: every name that no app has", change: "reloads" }),
  paths: pathList.default(["/"]).meta({
    description: "the paths that it answers there, each with all that is below it; the longest one wins",
    change: "reloads",
  }),
  stripPrefix: flag
    .default(false)
    .meta({ description: "whether it gets `/orders` for `/api/orders` of its path `/api`", change: "reloads" }),
  port: integer(1, 65535)
    .default(5000)
    .meta({ description: "where it listens in its container", change: "rolls the app" }),
  // What a URI allows (RFC 3986): all else is told in it by % and two hexadecimal digits.
  healthPath: rule("a path that starts with / and has only letters, digits, ._~!$&'()*+,;=:@/?- and %XX", (e) =>
    z.string(e).regex(/^\/(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*$/, e),
  )
    .default("/health")
    .meta({ description: "answers 200 when a backend can take requests", change: "rolls the app" }),
  healthHost: rule(
    "a host name in lower case, with a port up to 65535 or without, for example shop.example:8443",
    (e) =>
      z
        .string(e)
        .regex(/^[a-z0-9](?:[a-z0-9._-]{0,251}[a-z0-9])?(?::[1-9][0-9]{0,4})?$/, { ...e, abort: true })
        .refine((text) => Number(text.split(":")[1] ?? 1) <= 65535, e),
  )
    .default("localhost")
    .meta({ description: "the Host that is asked for there, by all health checks", change: "rolls the app" }),
  weight: integer(0, 100).default(1).meta({
    description: "share of the requests of each of its backends, relative to those of other apps; 0 sends none",
    change: "reloads",
  }),
  sticky: stickyRule.optional().meta({
    description: "whether clients come back to the backend that they had, by a cookie, see below",
    change: "reloads",
  }),
  memoryMb: integer(32, 65536)
    .default(128)
    .meta({ description: "memory limit of one backend, MiB", change: "rolls the app" }),
  cpus: rule("a number from 0.01 to 1024", (e) => z.number(e).min(0.01, e).max(1024, e))
    .optional()
    .meta({
      description: "most that one backend may use of the host's processors; default: all",
      change: "rolls the app",
    }),
  command: commandRule
    .optional()
    .meta({ description: "what its container runs; default: the image's own", change: "rolls the app" }),
  user: rule("a name or a number, with a group or without, for example 1000:1000", (e) =>
    z.string(e).regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*(?::[A-Za-z0-9_][A-Za-z0-9_.-]*)?$/, e),
  )
    .optional()
    .meta({ description: "whom it runs as; default: the image's own", change: "rolls the app" }),
  writable: texts("a list of up to 100 different folders, for example /var/cache/app", [
    "an absolute path of a folder other than /tmp, for example /var/cache/app",
    new RegExp(`^(?!/tmp/?$)${folder}$`),
  ])
    .default([])
    .meta({ description: "folders in memory, besides `/tmp`, that it may write to", change: "rolls the app" }),
  volumes: texts(
    "a list of up to 100 different texts SOURCE:FOLDER or SOURCE:FOLDER:rw, for example media:/srv/media:rw",
    [
      "SOURCE:FOLDER or SOURCE:FOLDER:rw, a volume's name or an absolute path, and where it is in the container",
      new RegExp(`^(?:[A-Za-z0-9][A-Za-z0-9_.-]*|${folder}):${folder}(?::rw)?$`),
      // As Compose writes what is so here anyway.
      (text) => text.replace(/:ro$/, ""),
    ],
  )
    .default([])
    .meta({
      description: "existing volumes and folders of Docker's host that all its backends have, read-only unless `:rw`",
      change: "rolls the app",
    }),
  networks: texts("a list of up to 100 different names of networks", [
    "the name of an existing network",
    /^[A-Za-z0-9][A-Za-z0-9_.-]*$/,
  ])
    .default([])
    .meta({ description: "existing networks that its backends join, say for a database", change: "rolls the app" }),
  env: environment.meta({ description: "environment variables", change: "rolls the app" }),
  secretEnv: environment.meta({
    description: "more of them, refused unless they are encrypted (`pulumi config set --secret --path`)",
    change: "rolls the app",
  }),
};

/** One app: an image, or a folder with a Dockerfile, whose container serves HTTP. */
export const appSchema = rule("an object {name, path or image, ...}", (e) => z.strictObject(appShape, e));

export type App = z.output<typeof appSchema>;

/** Something that is wrong: where, and what is expected there. */
export interface Problem {
  readonly path: readonly PropertyKey[];
  readonly expected: string;
}

/**
 * What is wrong with apps that a look at one value doesn't show.
 *
 * @param apps as the config has them, whatever they are
 * @param context whether a path is a folder that holds a Dockerfile; whether something of the apps is encrypted
 */
export function problemsOfApps(
  apps: unknown,
  { isApp, areSecret }: { isApp: (path: string) => boolean; areSecret: boolean },
): Problem[] {
  if (!Array.isArray(apps)) return [];
  const found = apps.map((app: unknown) => (typeof app === "object" ? (app as Partial<App> | null) : null));
  return found.flatMap((app, index) => {
    const problems: Problem[] = [];
    if (app === null) return problems;
    const at = (key: keyof App, expected: string) => problems.push({ path: ["apps", index, key], expected });
    const first = found.findIndex((other) => other?.name === app.name);
    if (typeof app.name === "string" && first < index) at("name", `a name other than that of apps[${first}]`);
    if (typeof app.path === "string" && !isApp(app.path)) at("path", appFolder);
    if (app.path === undefined && app.image === undefined) at("path", `${appFolder}, or image`);
    if (app.path !== undefined && app.image !== undefined) at("image", "no image beside path");
    const secrets = Object.keys(app.secretEnv ?? {});
    if (secrets.length > 0 && !areSecret)
      at("secretEnv", `encrypted values: pulumi config set --secret --path 'apps[${index}].secretEnv.${secrets[0]}'`);
    const twice = secrets.find((name) => name in (app.env ?? {}));
    if (twice !== undefined) at("secretEnv", `${twice} there or in env`);
    return problems;
  });
}
