import { z } from "zod";
import type { DeepReadonly } from "../lib/deep-readonly";
import { appSchema, problemsOfApps, redirectSchema, type Problem } from "./app";
import type { CertificateContext } from "./certificates";
import { describe, keyPath, mayHoldSecrets, show, valueAt, type Got } from "./messages";
import { metricsSchema, problemsOfMetrics } from "./metrics";
import { problemsOfMounts } from "./mounts";
import { policyShape, problemsOfPolicies } from "./policies";
import { pagesOf, type Pages } from "./policies/pages";
import { problemsOfLocationConfigs } from "./policies/locations";
import { problemsOfSticky } from "./policies/sticky";
import { problemsOfTrust, proxiesOf, proxiesSchema } from "./proxies";
import { problemsOfRedirects, problemsOfRoutes } from "./routes";
import { address, choice, flag, image, integer, rule } from "./rules";
import { problemsOfDirectives, problemsOfHttpConfig } from "./server-config";
import { subnetsSchema } from "./subnets";
import { problemsOfTls, tlsSchema } from "./tls";

const defaultApps = ["app1", "app2"].map((name) => ({ name, path: `apps/${name}` }));

/** The stack's whole config: the one place that declares a setting. `npm run docs` writes docs/ from it. */
export const settingsSchema = z.strictObject({
  backendCount: integer(1, 200).default(2).meta({
    description: "backends in all, dealt to the apps that have no `count` in turn",
    change: "adds or removes",
  }),
  port: integer(1, 65535)
    .default(8080)
    .meta({ description: "where the balancer is published", change: "replaces entry, balancer" }),
  bindAddress: address.default("127.0.0.1").meta({
    description: "the address that it is published at; `0.0.0.0` for all",
    change: "replaces entry, balancer",
  }),
  apps: rule("a list of 1 to 200 apps, each {name, path or image, ...}", (e) =>
    z.array(appSchema, e).min(1, e).max(200, e),
  )
    .prefault(defaultApps)
    .meta({ description: "what runs, see below", change: "see below", default: defaultApps }),
  redirects: rule("a list of up to 200 objects {from, to} of host names", (e) => z.array(redirectSchema, e).max(200, e))
    .default([])
    .meta({
      description: "names that are answered with 308 to the same path of another one, say of `www.shop.example`",
      change: "reloads",
    }),
  subnets: subnetsSchema.default("").meta({
    description: "where the apps' networks have their addresses from, 512 an app; empty for Docker's own pools",
    change: "rolls all",
  }),
  tls: tlsSchema.optional().meta({ description: "sites with TLS, see below", change: "replaces balancer" }),
  nginxImage: image
    .default("nginx:1.30")
    .meta({ description: "base of the balancer's image", change: "replaces balancer" }),
  entryImage: image.default("debian:13-slim").meta({
    description: "base of the image of the entry, which has the published port",
    change: "**replaces entry**, with a gap",
  }),
  legoImage: image.default("goacme/lego:v4.35.2").meta({
    description: "base of the image of lego, which gets certificates (`tls.acme`)",
    change: "replaces lego",
  }),
  mtailImage: image.default("debian:13-slim").meta({
    description:
      "base of the image of mtail, which counts requests (`metrics`): with mtail, or with apt-get to install it",
    change: "replaces mtail",
  }),
  exporterImage: image.default("nginx/nginx-prometheus-exporter:1.5.1").meta({
    description: "base of the image that tells of connections (`metrics`)",
    change: "replaces that exporter",
  }),
  pythonImage: image
    .default("python:3.14-slim")
    .meta({ description: "`PYTHON_IMAGE` of the apps' Dockerfiles", change: "rolls all" }),
  keepImages: flag.default(false).meta({
    description:
      "whether an app's image of last time, else the one on Docker's host, will do where its registry can't be asked",
    change: "nothing that runs",
  }),
  balancerMemoryMb: integer(64, 65536).default(2048).meta({
    description:
      "memory limit of the balancer, MiB: 8 for each of the host's cores, 0.1 for each request in flight (docs/clients.md)",
    change: "changes it in place, reloads",
  }),
  revision: rule("text of at most 63 letters, digits, dots, hyphens and underscores", (e) =>
    z.string(e).regex(/^[A-Za-z0-9._-]{0,63}$/, e),
  )
    .default("")
    .meta({ description: "any text", change: "rolls all" }),
  method: choice(["round_robin", "least_conn", "random", "ip_hash"]).default("round_robin").meta({
    description:
      "how nginx chooses a backend; `random` takes the less busy of two, `ip_hash` goes by the client's address, behind a proxy by what it tells",
    change: "reloads",
  }),
  drainSeconds: integer(1, 3600)
    .default(10)
    .meta({ description: "how long retired nginx workers and backends may take to finish", change: "reloads" }),
  requestTimeoutSeconds: integer(1, 86400).default(60).meta({
    description: "longest silence of a backend; then another one is asked, unless it is a POST",
    change: "reloads",
  }),
  maxBodyMb: integer(1, 1024).default(10).meta({ description: "largest request body, MiB", change: "reloads" }),
  spoolMb: integer(0, 65536).default(2048).meta({
    description:
      "disk for answers that clients take slowly, so that no backend waits for them, MiB; one answer has a 64th of it",
    change: "reloads",
  }),
  accessLog: choice(["off", "errors", "all", "json"]).default("errors").meta({
    description:
      "what the balancer logs (`docker logs`); `errors` are answers of 500 and above; `json`: all requests, with all that is known of them, for `npm run logs` (docs/observability/log.md)",
    change: "reloads",
  }),
  logMb: integer(16, 65536)
    .default(256)
    .meta({ description: "disk for the log that is `json`, MiB; the oldest goes", change: "reloads" }),
  metrics: metricsSchema.optional().meta({
    description: "figures for a Prometheus (docs/observability/metrics.md), see below",
    change: "makes or removes the exporters, reloads",
  }),
  behindProxy: flag.default(false).meta({
    description: "hand on what the proxy in front tells about its client (docs/headers.md), which else nobody can tell",
    change: "reloads",
  }),
  trustedProxies: proxiesSchema.default([]).meta({
    description: "the proxies in front whose word on their client is taken, and nobody else's (docs/headers.md)",
    change: "reloads",
  }),
  proxyProtocol: flag.default(false).meta({
    description: "whether they tell it by a PROXY line, version 1 or 2, with which each connection then has to begin",
    change: "reloads; connections without the line, or with it, are closed from then on",
  }),
  ...policyShape,
  httpConfig: rule("text: nginx directives for the http block", (e) => z.string(e))
    .default("")
    .meta({
      description: "added to the `http` block: maps, zones, log formats (docs/directives.md)",
      change: "reloads",
    }),
  serverConfig: rule("text: nginx directives for the server block", (e) => z.string(e))
    .default("")
    .meta({ description: "added to the public `server` block (docs/directives.md)", change: "reloads" }),
  adopt: rule("the identity of a stack: 32 hex digits in groups, as the refused update names it", (e) =>
    z.string(e).regex(/^(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})?$/, e),
  )
    .default("")
    .meta({
      description: "identity of a stack of this name whose state was lost, and whose containers this one takes over",
      change: "nothing that runs",
    }),
  healthTimeoutSeconds: integer(1, 3600).default(60).meta({
    description: "how long to wait for the next new backend to answer, before the update fails",
    change: "nothing that runs",
  }),
});

/** The stack's config, validated and with every default filled in. Meanings, units, ranges and defaults: docs/settings.md. */
export type Settings = DeepReadonly<
  Omit<z.output<typeof settingsSchema>, "trustedProxies"> & {
    /** What they are, also where the config names a file. */
    trustedProxies: string[];
    /** Texts of the pages that the config names. */
    pages: Pages;
  }
>;
export type AppSettings = Settings["apps"][number];
export type BalancingMethod = Settings["method"];
export type AccessLog = Settings["accessLog"];

/** What the validation has to ask the outside world. Default: there are no files, and no authorities. */
export interface SettingsContext extends Partial<CertificateContext> {
  /** Whether `path`, relative to the program's folder, is a folder that holds a Dockerfile. */
  isApp(path: string): boolean;
  /** Keys whose values are secret, wholly or in a part: no message shows them. Values of `env` it never shows. */
  readonly secretKeys?: ReadonlySet<string>;
}

/** Thrown for bad stack config; the message names every offending key, what it got and what is allowed. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
}

/**
 * Validates the stack's config.
 *
 * @param raw the stack's own keys without namespace, each with the text that the engine hands over (JSON for anything but strings)
 * @throws SettingsError naming every offending key at once
 */
export function parseSettings(raw: Readonly<Record<string, string>>, context: SettingsContext): Settings {
  const values = Object.fromEntries(Object.entries(raw).map(([key, text]) => [key, parseValue(key, text)]));
  const result = settingsSchema.safeParse(values);
  const got: Got = (path) =>
    show(valueAt(values, path), context.secretKeys?.has(String(path[0])) === true || mayHoldSecrets(path, values));
  const problems = result.success ? [] : result.error.issues.flatMap((issue) => describe(issue, got, settingsSchema));
  const proxies = proxiesOf(values["trustedProxies"], (path) => context.readFile?.(path));
  const pages = pagesOf(result.data ?? {}, (path) => context.readFile?.(path));
  const crossed = [
    ...proxies.problems,
    ...pages.problems,
    ...problemsOfTrust(
      { behindProxy: values["behindProxy"] === true, proxyProtocol: values["proxyProtocol"] === true },
      proxies,
    ),
    ...problemsOfApps(values["apps"], {
      isApp: (path) => context.isApp(path),
      areSecret: context.secretKeys?.has("apps") === true,
    }),
    ...(result.success ? problemsOf(result.data, context) : []),
  ];
  problems.push(...crossed.map(({ path, expected }) => `${keyPath(path)}: got ${got(path)}, expected ${expected}`));
  problems.push(...problemsOfDirectives(raw["serverConfig"] ?? "").map((what) => `serverConfig, ${what}`));
  problems.push(...problemsOfHttpConfig(raw["httpConfig"] ?? "").map((what) => `httpConfig, ${what}`));
  if (Array.isArray(values["locations"])) problems.push(...problemsOfLocationConfigs(values["locations"]));
  if (!result.success || problems.length > 0) {
    const heading = problems.length === 1 ? "Bad stack config:" : `Bad stack config, ${problems.length} problems:`;
    throw new SettingsError([heading, ...problems.map((problem) => `  ${problem}`)].join("\n"));
  }
  return { ...result.data, trustedProxies: proxies.networks, pages: pages.pages };
}

/** What is wrong with settings each of which is right. */
function problemsOf(settings: Omit<Settings, "pages" | "trustedProxies">, context: SettingsContext): Problem[] {
  const { apps, backendCount, redirects, tls, port } = settings;
  const outside = { readFile: () => undefined, authorities: () => [], now: new Date(), ...context };
  const ports =
    tls?.port === port
      ? [{ path: ["tls", "port"], expected: `a port other than ${tls.port}, which \`port\` has` }]
      : [];
  return [
    ...apps.flatMap(problemsOfMounts),
    ...problemsOfSticky(apps),
    ...problemsOfRoutes(apps, backendCount),
    ...problemsOfRedirects(redirects, apps),
    ...problemsOfPolicies(settings, apps, outside.readFile),
    ...ports,
    ...problemsOfMetrics(settings),
    ...(tls === undefined ? [] : problemsOfTls(tls, { apps, redirects }, outside)),
  ];
}

/** Keys whose values are text even when the text looks like a number. */
const textKeys = new Set(
  Object.entries(settingsSchema.shape).flatMap(([key, schema]) => {
    const value: unknown = schema.unwrap();
    return value instanceof z.ZodString || value instanceof z.ZodEnum ? [key] : [];
  }),
);

/** A value of the config, of the text that the engine hands over. */
export function parseValue(key: string, text: string): unknown {
  if (textKeys.has(key)) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
