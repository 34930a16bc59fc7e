import { labels } from "../model/labels";
import { daysLeft, lookAt, warningDays } from "../model/certificates";
import { routesOf, serversIn, serversOf, type Answered } from "../model/topology";
import { canaryFile } from "../model/layout";
import { docker, tryDocker } from "../rollout/docker";
import { ailments } from "../rollout/drift";
import { balancerOf, listContainers, wordOf } from "../rollout/containers";
import { survey } from "../rollout/observe";
import type { ObservedContainer, Overview } from "../rollout/observed";
import { describeStep } from "../rollout/steps/canary";
import { readHistory, type CanaryHistory } from "../rollout/steps/canary-history";
import { parseStates, statesScript, type AcmeState } from "../rollout/steps/certificates";
import { parseOptions, runMain } from "./cli";
import { readOutputs, type StackOutputs } from "./pulumi";
import { formatTable } from "./table";

const help = `Usage: npm run status [-- --stack NAME] [--json]

Shows a stack as it is right now: its backends, what the balancer sends to, and whether what runs differs from what the
last update installed (drift). Changes nothing.

  --stack NAME   the stack, default dev
  --json         the same for machines, on standard output: npm run --silent status -- --json

Exit code 0 without drift, 3 with drift, 1 when the status can't be told.
`;

/** A backend as it is now. */
export interface BackendStatus {
  readonly alias: string;
  readonly app: string;
  /** The container's name; undefined when it is gone. */
  readonly container: string | undefined;
  /** Docker's word: healthy, unhealthy, starting, exited, ... ; "gone" when there is no container. */
  readonly health: string;
  /** Its address on its app's network, empty when it doesn't run. */
  readonly address: string;
  /** Its share as the balancer's configuration states it: a weight, "drain", or "no" when it is not in it. */
  readonly receives: string;
}

/** What is answered, by whom. */
export interface RouteStatus {
  /** Host names; none: every name that no app has. */
  readonly hosts: readonly string[];
  readonly path: string;
  /** Aliases of the backends that share its requests; none where browsers are sent to another name. */
  readonly backends: readonly string[];
  /** That name. */
  readonly redirect?: string;
}

export interface CertificateStatus {
  readonly names: readonly string[];
  readonly issuer: string;
  /** When it ends, in ISO 8601, and how many whole days are left until then; undefined before there is one. */
  readonly until: string | undefined;
  readonly daysLeft: number | undefined;
  /** Whether it is renewed by itself: `tls.acme` has got it. */
  readonly isRenewed: boolean;
  /** What keeps an authority from giving the next one; default: nothing. */
  readonly failure?: string;
}

export interface StackStatus {
  readonly url: string;
  /** All addresses for clients, that one first. */
  readonly urls: readonly string[];
  readonly balancer: { readonly container: string; readonly health: string; readonly configuration: string };
  readonly backends: readonly BackendStatus[];
  /** Where a Prometheus is answered, and how what answers is; empty where nothing is to. */
  readonly metrics: readonly { readonly url: string; readonly health: string }[];
  readonly routes: readonly RouteStatus[];
  readonly certificates: readonly CertificateStatus[];
  /** How the last canary went, or goes; default: there was none since the balancer is there. */
  readonly canary?: CanaryHistory;
  /** What differs from what the last update left, a sentence each; empty when nothing does. */
  readonly drift: readonly string[];
}

/** Looks at a stack. */
export async function readStatus(stackLabel: string, outputs: StackOutputs): Promise<StackStatus> {
  const containers = await listContainers(stackLabel);
  const balancer = balancerOf(containers);
  const [observed, addresses, canary] = await Promise.all([
    survey(stackLabel, containers, outputs.urls),
    addressesOf(containers),
    lastCanary(balancer),
  ]);
  return {
    url: outputs.url,
    urls: outputs.urls,
    balancer: {
      container: balancer?.name ?? "",
      health: wordOf(balancer),
      configuration: observed.served ?? "none",
    },
    metrics: outputs.exporters.map(({ id, url }) => ({ url, health: wordOf(containers.find((one) => one.id === id)) })),
    backends: backendsOf(outputs, observed, addresses),
    routes: routesStatusOf(outputs.release.topology),
    certificates: await certificatesStatusOf(outputs.release.topology, balancer, new Date()),
    ...(canary && { canary }),
    drift: describeDrift(outputs, observed),
  };
}

async function lastCanary(balancer: ObservedContainer | undefined): Promise<CanaryHistory | undefined> {
  if (balancer?.state !== "running") return undefined;
  const { code, stdout } = await tryDocker("exec", balancer.id, "cat", canaryFile);
  return code === 0 ? readHistory(stdout) : undefined;
}

function routesStatusOf(topology: Answered): RouteStatus[] {
  const routes = routesOf(topology).map(({ hosts, path, upstream }) => ({
    hosts,
    path,
    backends: serversIn(topology, upstream).map(({ name }) => name),
  }));
  const redirects = topology.redirects ?? [];
  return [...routes, ...redirects.map(({ from, to }) => ({ hosts: [from], path: "/", backends: [], redirect: to }))];
}

async function certificatesStatusOf(
  { tls }: Answered,
  balancer: ObservedContainer | undefined,
  now: Date,
): Promise<CertificateStatus[]> {
  if (tls === undefined) return [];
  const own = tls.certificates.map(({ names, issuer, until }) => ({
    names,
    issuer,
    until,
    daysLeft: daysLeft(until, now),
    isRenewed: false,
  }));
  if (tls.acme === undefined) return own;
  const { stdout } = await tryDocker("exec", balancer?.id ?? "", "sh", "-c", statesScript(tls.acme));
  return [...own, ...acmeStatusOf(parseStates(tls.acme, stdout), now)];
}

/** How the certificates of an authority are. */
export function acmeStatusOf(states: ReadonlyMap<string, AcmeState>, now: Date): CertificateStatus[] {
  return [...states].map(([host, { certificate, failures, next, words }]) => {
    const known = certificate === undefined ? undefined : lookAt(certificate);
    const attempts = failures === 1 ? "1 attempt has" : `${failures} attempts have`;
    return {
      names: [host],
      issuer: known?.issuer ?? "",
      until: known?.until,
      daysLeft: known && daysLeft(known.until, now),
      isRenewed: true,
      ...(failures > 0 && {
        failure: `${attempts} failed, the next one is at ${new Date(next * 1000).toISOString()}: ${words}`,
      }),
    };
  });
}

function backendsOf(
  outputs: Pick<StackOutputs, "backends">,
  { containers, volume }: Pick<Overview, "containers" | "volume">,
  addresses: ReadonlyMap<string, string>,
): BackendStatus[] {
  const running = containers.filter(({ role }) => role === "backend");
  const weights = new Map(serversOf(volume.release ?? { upstreams: [] }).map(({ name, weight }) => [name, weight]));
  const known = new Map(outputs.backends.map(({ alias, app }) => [alias, app]));
  const aliases = new Set([...known.keys(), ...running.map(({ alias }) => alias), ...weights.keys()]);
  return [...aliases].map((alias) => {
    const container = running.find((candidate) => candidate.alias === alias);
    const weight = weights.get(alias);
    return {
      alias,
      app: container?.app ?? known.get(alias) ?? "",
      container: container?.name,
      health: wordOf(container),
      address: addresses.get(container?.id ?? "") ?? "",
      receives: weight === undefined ? "no" : weight === 0 ? "drain" : String(weight),
    };
  });
}

/** What differs from what the last update left. */
export function describeDrift(
  {
    release,
    backends,
    listens,
    exporterListens,
  }: Pick<StackOutputs, "release" | "backends" | "listens" | "exporterListens">,
  observed: Overview,
): string[] {
  const { containers, volume, served } = observed;
  const known = new Set(backends.map(({ alias }) => alias));
  const installed = volume.release;
  const isOther = installed !== undefined && installed.id !== release.id;
  return [
    ...ailments(observed, balancerOf(containers), listens, exporterListens),
    ...(isOther ? [`The volume holds configuration ${installed.id} instead of ${release.id}.`] : []),
    // Where the volume's own is served, the sentence before says it all.
    ...(installed === undefined && served !== undefined && served !== release.id
      ? [`nginx serves configuration ${served} instead of ${release.id}.`]
      : []),
    ...[...known]
      .filter((alias) => !containers.some((container) => container.alias === alias))
      .map((alias) => `${alias} is gone.`),
    ...containers
      .filter(({ role, alias }) => role === "backend" && !known.has(alias))
      .map(
        (stray) =>
          `${stray.alias} (${wordOf(stray)}) was made by an update that did not finish: the next one removes it.`,
      ),
  ].filter((line, index, all) => all.indexOf(line) === index);
}

async function addressesOf(containers: readonly ObservedContainer[]): Promise<Map<string, string>> {
  if (containers.length === 0) return new Map();
  const format = `{{.ID}}\t{{with index .NetworkSettings.Networks (index .Config.Labels "${labels.network}")}}{{.IPAddress}}{{end}}`;
  const rows = await docker("container", "inspect", "--format", format, ...containers.map(({ id }) => id));
  return new Map(rows.split("\n").map((row) => row.split("\t") as [string, string]));
}

/** The status as a table and sentences. */
export function formatStatus(status: StackStatus): string {
  const rows = status.backends.map(({ alias, app, container, health, address, receives }) => [
    alias,
    app,
    container ?? "-",
    health,
    address || "-",
    receives === "no" || receives === "drain" ? receives : `weight ${receives}`,
  ]);
  const { balancer, metrics, routes, certificates } = status;
  const isPlain = routes.every(({ hosts, path }) => hosts.length === 0 && path === "/");
  const sites = routes.map(({ hosts, path, backends, redirect }) => [
    hosts.join(" ") || "any",
    path,
    redirect === undefined ? summary(backends) : `308 to ${redirect}`,
  ]);
  const ends = certificates.map(({ names, issuer, until, daysLeft, isRenewed }) => {
    const isUrgent = !isRenewed && daysLeft !== undefined && daysLeft < warningDays;
    return [
      summary(names),
      issuer,
      until?.slice(0, 10) ?? "none yet",
      `${daysLeft ?? ""}${isUrgent ? ": renew it" : ""}`,
    ];
  });
  const failing = certificates.flatMap(({ names, failure }) =>
    failure === undefined ? [] : `${names.join()}: ${failure}`,
  );
  return [
    `${status.urls.join(" ")}  ${balancer.container || "no balancer"} (${balancer.health}), configuration ${balancer.configuration}`,
    formatTable(["backend", "app", "container", "health", "address", "receives"], rows),
    ...(isPlain ? [] : [formatTable(["host", "path", "backends"], sites)]),
    ...(ends.length === 0 ? [] : [formatTable(["certificate for", "signed by", "ends", "days left"], ends)]),
    ...(metrics.length === 0 ? [] : [`Metrics: ${metrics.map(({ url, health }) => `${url} (${health})`).join(", ")}`]),
    ...(failing.length === 0 ? [] : ["Certificates that can't be had:", ...failing.map((line) => `  ${line}`)]),
    ...canaryLines(status.canary),
    ...(status.drift.length === 0
      ? ["No drift."]
      : ["Drift, which `npm run up -- --refresh` repairs:", ...status.drift.map((line) => `  ${line}`)]),
  ].join("\n");
}

function canaryLines(canary: CanaryHistory | undefined): string[] {
  if (canary === undefined) return [];
  const { app, at, outcome, steps } = canary;
  return [`Canary of ${app}, ${at.slice(0, 19)}: ${outcome}`, ...steps.map((step) => `  ${describeStep(step)}`)];
}

/** A list that fits a line. */
function summary(names: readonly string[]): string {
  return names.length > 3 ? `${names.slice(0, 2).join(", ")} and ${names.length - 2} more` : names.join(", ");
}

async function main(args: string[]): Promise<void> {
  const { stack = "dev", json = false } = parseOptions(
    args,
    { stack: { type: "string" }, json: { type: "boolean" } },
    help,
  );
  const status = await readStatus(stackLabelOf(stack), await readOutputs(stack));
  process.stdout.write(`${json ? JSON.stringify(status, undefined, 2) : formatStatus(status)}\n`);
  if (status.drift.length > 0) process.exitCode = 3;
}

/** The value of the label that a stack's containers carry. */
export function stackLabelOf(stack: string): string {
  return `nginx-load-balancer/${stack}`;
}

if (require.main === module) runMain(main);
