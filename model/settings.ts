import { isIP } from "node:net";
import { z } from "zod";

/** One app: a folder with a Dockerfile whose container serves HTTP. */
export interface AppSettings {
  /** DNS label of at most 40 characters, unique among the apps; part of container names and aliases. */
  readonly name: string;
  /** Folder with the app's Dockerfile, relative to the program's folder. */
  readonly path: string;
  /** TCP port that the app listens on inside its container, 1 to 65535. Default: 5000. */
  readonly port: number;
  /** Path that answers 200 when a backend can take requests. Default: /health. */
  readonly healthPath: string;
  /** Share of the requests relative to other apps' backends, 0 to 100; 0 keeps the backends running without requests. Default: 1. */
  readonly weight: number;
  /** Memory limit of one backend in MiB, 32 to 65536. Default: 128. */
  readonly memoryMb: number;
  /** Environment variables of the container. Default: none. */
  readonly env: Readonly<Record<string, string>>;
}

/** The stack's whole config, validated and with every default filled in. */
export interface Settings {
  readonly backendCount: number;
  readonly port: number;
  readonly bindAddress: string;
  readonly apps: readonly AppSettings[];
  readonly pythonImage: string;
  readonly nginxImage: string;
  readonly balancerMemoryMb: number;
  readonly method: BalancingMethod;
  readonly drainSeconds: number;
  readonly healthTimeoutSeconds: number;
  readonly requestTimeoutSeconds: number;
  readonly maxBodyMb: number;
  readonly accessLog: AccessLog;
  readonly serverConfig: string;
  readonly behindProxy: boolean;
  readonly revision: string;
}

const balancingMethods = ["round_robin", "least_conn", "random", "ip_hash"] as const;
export type BalancingMethod = (typeof balancingMethods)[number];

const accessLogs = ["off", "errors", "all"] as const;
export type AccessLog = (typeof accessLogs)[number];

/** What the validation has to ask the outside world. */
export interface SettingsContext {
  /** Whether `path`, relative to the program's folder, is a folder that holds a Dockerfile. */
  isApp(path: string): boolean;
}

/** Thrown for bad stack config; the message names every offending key, what it got and what is allowed. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
}

/** A rule whose every failure reads "expected <expected>". */
function rule<T extends z.ZodType>(expected: string, schema: (error: { error: () => string }) => T): T {
  return schema({ error: () => `expected ${expected}` });
}

function integer(from: number, to: number) {
  return rule(`an integer from ${from} to ${to}`, (e) => z.int(e).min(from, e).max(to, e));
}

function choice<const T extends readonly string[]>(values: T) {
  return rule(`one of ${values.join(", ")}`, (e) => z.enum(values, e));
}

const image = rule("an image reference without blanks, for example nginx:1.30", (e) =>
  z.string(e).regex(/^[^\s]+$/, e),
);

function appSchema(context: SettingsContext) {
  return z.strictObject({
    name: rule("a DNS label: up to 40 lower-case letters, digits and inner hyphens, starting with a letter", (e) =>
      z.string(e).regex(/^[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?$/, e),
    ),
    path: rule("a folder that holds a Dockerfile, relative to the program's folder", (e) =>
      z.string(e).refine((path) => context.isApp(path), e),
    ),
    port: integer(1, 65535).default(5000),
    healthPath: rule("a path that starts with / and has only letters, digits and ._~%/?&=:@+,-", (e) =>
      z.string(e).regex(/^\/[A-Za-z0-9._~%/?&=:@+,-]*$/, e),
    ).default("/health"),
    weight: integer(0, 100).default(1),
    memoryMb: integer(32, 65536).default(128),
    env: rule("an object of strings whose names are letters, digits and _", (e) =>
      z.record(z.string(e).regex(/^[A-Za-z_][A-Za-z0-9_]*$/, e), z.string(e), e),
    ).default({}),
  });
}

function settingsSchema(context: SettingsContext) {
  const defaultApps = ["app1", "app2"].map((name) => ({ name, path: `apps/${name}` }));
  return z.strictObject({
    backendCount: integer(1, 200).default(2),
    port: integer(1, 65535).default(8080),
    bindAddress: rule("an IPv4 or IPv6 address of this host, for example 127.0.0.1 or 0.0.0.0", (e) =>
      z.string(e).refine((text) => isIP(text) !== 0, e),
    ).default("127.0.0.1"),
    apps: rule("a list of 1 to 50 apps, each {name, path, ...}", (e) =>
      z.array(appSchema(context), e).min(1, e).max(50, e),
    ).prefault(defaultApps),
    pythonImage: image.default("python:3.14-slim"),
    nginxImage: image.default("nginx:1.30"),
    balancerMemoryMb: integer(64, 65536).default(1024),
    method: choice(balancingMethods).default("round_robin"),
    drainSeconds: integer(1, 3600).default(10),
    healthTimeoutSeconds: integer(1, 3600).default(60),
    requestTimeoutSeconds: integer(1, 86400).default(60),
    maxBodyMb: integer(1, 1024).default(10),
    accessLog: choice(accessLogs).default("errors"),
    behindProxy: rule("true or false", (e) => z.boolean(e)).default(false),
    serverConfig: rule("text: nginx directives for the server block", (e) => z.string(e)).default(""),
    revision: rule("text of at most 63 letters, digits, dots, hyphens and underscores", (e) =>
      z.string(e).regex(/^[A-Za-z0-9._-]{0,63}$/, e),
    ).default(""),
  });
}

/**
 * Validates the stack's config.
 *
 * @param raw the stack's own keys without namespace, each with the text that the engine hands over (JSON for anything but strings)
 * @throws SettingsError naming every offending key at once
 */
export function parseSettings(raw: Readonly<Record<string, string>>, context: SettingsContext): Settings {
  const schema = settingsSchema(context);
  const values = Object.fromEntries(Object.entries(raw).map(([key, text]) => [key, parseValue(key, text)]));
  const result = schema.safeParse(values);
  const problems = result.success ? [] : result.error.issues.flatMap((issue) => describe(issue, values, schema));
  problems.push(...repeatedNames(values["apps"]));
  if (!result.success || problems.length > 0) {
    const heading = problems.length === 1 ? "Bad stack config:" : `Bad stack config, ${problems.length} problems:`;
    throw new SettingsError([heading, ...problems.map((problem) => `  ${problem}`)].join("\n"));
  }
  return result.data;
}

/** Keys whose values are text even when the text looks like a number. */
const textKeys = new Set([
  "bindAddress",
  "pythonImage",
  "nginxImage",
  "method",
  "accessLog",
  "serverConfig",
  "revision",
]);

function parseValue(key: string, text: string): unknown {
  if (textKeys.has(key)) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function describe(issue: z.core.$ZodIssue, values: unknown, schema: ReturnType<typeof settingsSchema>): string[] {
  if (issue.code === "unrecognized_keys") {
    const known =
      issue.path.length === 0 ? Object.keys(schema.shape) : Object.keys(appSchema({ isApp: () => true }).shape);
    return issue.keys.map((key) => {
      const value = valueAt(values, [...issue.path, key]);
      return `${keyPath([...issue.path, key])}: unknown key (got ${show(value)}), allowed keys are ${known.join(", ")}`;
    });
  }
  return [`${keyPath(issue.path)}: got ${show(valueAt(values, issue.path))}, ${issue.message}`];
}

function repeatedNames(apps: unknown): string[] {
  if (!Array.isArray(apps)) return [];
  const names = apps.map((app: unknown) => valueAt(app, ["name"]));
  return names.flatMap((name, index) => {
    const first = names.indexOf(name);
    return typeof name === "string" && first < index
      ? [`apps[${index}].name: got ${show(name)}, expected a name other than that of apps[${first}]`]
      : [];
  });
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (current, key) =>
      typeof current === "object" && current !== null ? (current as Record<PropertyKey, unknown>)[key] : undefined,
    value,
  );
}

function keyPath(path: readonly PropertyKey[]): string {
  return path
    .map((key, at) => (typeof key === "number" ? `[${key}]` : at === 0 ? String(key) : `.${String(key)}`))
    .join("");
}

function show(value: unknown): string {
  return value === undefined ? "nothing" : JSON.stringify(value);
}
