import * as plain from "node:http";
import type { IncomingMessage } from "node:http";
import * as secure from "node:https";
import { connect } from "node:net";
import { messageOf } from "../../lib/errors";
import { withProxyLine } from "../../lib/proxy-line";
import { until } from "../../lib/until";
import { nameFor } from "../../model/hosts";
import type { Release } from "../../model/release";
import { routesOf, serversIn, type HealthCheck, type Topology } from "../../model/topology";
import { restNames } from "../../nginx/render/tls";
import { tryDocker, type DockerResult } from "../docker";
import type { Context } from "./context";

/** How long the public address may fail before it counts, in seconds. */
const publicSeconds = 1;

/** Header by which the check asks nginx which release has answered, and by which server; nginx answers with the same one. */
export const checkHeader = "X-Balancer-Check";

/** An answer to a client, or why there was none. */
export type PublicAnswer =
  | { readonly status: number; readonly release: string; readonly server: string }
  | { readonly status: undefined; readonly why: string };

/** What a client is imagined to ask of an upstream. */
export interface Question extends HealthCheck {
  readonly upstream: string;
  /** Whether it is asked at the port of TLS, for this host. */
  readonly isTls: boolean;
  /** Whether there may be no answer, as before an authority has given a certificate. */
  readonly isOptional?: boolean;
  /** Whether clients are told that it is in maintenance. */
  readonly isDown?: boolean;
  /** For messages: the path, after the host where an app has hosts. */
  readonly shown: string;
  /** Whether nothing is asked of the upstream after it. */
  readonly isLast: boolean;
}

/**
 * What clients are imagined to ask of each upstream, in this order: what its apps' own check asks, and, where clients can't ask
 * that, or nginx answers it itself, as it does with paths that are not for the public, the first page.
 */
export function publicQuestions(topology: Pick<Topology, "sites" | "redirects" | "upstreams" | "tls">): Question[][] {
  const { upstreams, tls } = topology;
  const routes = routesOf(topology);
  return upstreams.flatMap(({ name: upstream, servers }) => {
    const own = routes.filter((one) => one.upstream === upstream);
    const isDown = own.every(({ policy }) => policy?.isInMaintenance === true);
    const route = own.find(({ policy }) => isDown || policy?.isInMaintenance !== true);
    const health = (servers.find(({ weight }) => weight > 0) ?? servers[0])?.health;
    if (route === undefined || health === undefined) return [];
    const [name] = tls !== undefined && route.hosts.length === 0 ? restNames(topology) : route.hosts;
    const host = name === undefined ? health.host : nameFor(name);
    const below = route.path === "/" ? "/" : `${route.path}/`;
    const check = route.strip !== "" ? below + health.path.slice(1) : health.path;
    const paths = [...(check.startsWith(below) ? [check] : []), route.path];
    const questions = (how: Pick<Question, "isTls" | "isOptional">) =>
      paths.map((path, index) => {
        return {
          upstream,
          path,
          host,
          ...how,
          shown: (name ?? "") + path,
          isLast: index === paths.length - 1,
          ...(isDown && { isDown }),
        };
      });
    if (tls === undefined || name === undefined) return [questions({ isTls: false })];
    if (tls.acme?.hosts.includes(name) !== true) return [questions({ isTls: true })];
    return [[...questions({ isTls: true, isOptional: true }), ...questions({ isTls: false })]];
  });
}

/**
 * Judges an answer.
 *
 * @returns "works"; "look further" where nginx has answered by itself; else what is wrong
 */
export function judge(
  { upstream, path, host, shown, isLast, isOptional = false, isDown = false }: Question,
  answer: PublicAnswer,
  release: Pick<Release, "id" | "topology">,
): string {
  if (answer.status === undefined && isOptional) return "look further";
  if (answer.status === undefined) return `a client that asks for ${shown} gets no answer: ${answer.why}`;
  const { status, server } = answer;
  const gets = `a client that asks for ${shown} gets ${status}`;
  if (answer.release !== release.id) return `${gets}, not from release ${release.id} of this balancer`;
  // nginx itself refuses whoever asks, or redirects, as it was told to: whether backends are reached is not told yet.
  if (server === "") {
    const refuses = [401, 403, 429].includes(status) || (isDown && status === 503);
    return isLast && status >= 400 && !refuses
      ? `${gets} from nginx itself`
      : status < 500 || refuses
        ? "look further"
        : gets;
  }
  const asked = serversIn(release.topology, upstream).some(
    ({ health }) => health.path !== path || health.host !== host,
  );
  // Each server answers its own path with 200; of another's it may know nothing.
  return status === 200 || (status < 500 && (asked || isLast)) ? "works" : gets;
}

/**
 * Asks as a client on this machine does.
 *
 * @param hasLine whether the connection begins with a PROXY line
 */
export async function askFromHere(url: string, question: Question, id: string, hasLine = false): Promise<PublicAnswer> {
  const { path, host, isTls } = question;
  return new Promise((resolve) => {
    const headers = { Host: host, [checkHeader]: id };
    // A path in the URL would be normalised.
    const agent = isTls ? new secure.Agent() : new plain.Agent();
    const options = { path, agent: hasLine ? withProxyLine(agent, isTls) : agent, timeout: 5000, headers };
    const answered = (response: IncomingMessage) => {
      response.resume();
      resolve(readCheck(response.statusCode ?? 0, String(response.headers[checkHeader.toLowerCase()] ?? "")));
    };
    // Whether clients trust the certificate is told in the preview.
    const request = isTls
      ? secure.get(url, { ...options, servername: host, rejectUnauthorized: false }, answered)
      : plain.get(url, options, answered);
    request.on("timeout", () => request.destroy(new Error("timed out after 5 s")));
    request.on("error", (error) => resolve({ status: undefined, why: messageOf(error) }));
  });
}

/**
 * A command that asks the same by curl; {@link readCurl} reads what it prints.
 *
 * @param where options that say which address or socket is asked
 */
export function askByCurl({ path, host, isTls }: Question, id: string, where: readonly string[]): string[] {
  return [
    ...["curl", "--silent", "--output", "/dev/null", "--max-time", "5", "--request-target", path],
    ...["--header", `Host: ${host}`, "--header", `${checkHeader}: ${id}`],
    ...["--write-out", `%{http_code} %header{${checkHeader.toLowerCase()}}`],
    ...where,
    ...(isTls ? ["--insecure", `https://${host}`] : ["http://balancer"]),
  ];
}

export function readCurl(output: string): PublicAnswer {
  const [status = "000", ...check] = output.trim().split(" ");
  return status === "000" ? { status: undefined, why: "no connection" } : readCheck(Number(status), check.join(" "));
}

/** The header of an answer: the release, and the addresses of the servers that were asked, if any was. */
function readCheck(status: number, check: string): PublicAnswer {
  const [, release = "", server = ""] = /^(\S*) ?(.*)$/.exec(check) ?? [];
  return { status, release, server };
}

/** Those of some addresses for clients at which nothing accepts connections. */
export async function unreachableOf(urls: readonly string[], balancer: string): Promise<string[]> {
  const accepting = await Promise.all(urls.map(async (url) => acceptsConnections(url, balancer)));
  return urls.filter((_, index) => accepting[index] === false);
}

/** Whether something accepts connections at an address: seen from here or, where that is elsewhere, from Docker's host. */
async function acceptsConnections(url: string, balancer: string): Promise<boolean> {
  const [, host = "", port] = /^\[?(.*?)\]?:(\d+)$/.exec(addressOf(url)) ?? [];
  const here = await new Promise<boolean>((resolve) => {
    const socket = connect({ host, port: Number(port), timeout: 5000 });
    const end = (accepted: boolean) => {
      socket.destroy();
      resolve(accepted);
    };
    socket.on("connect", () => end(true));
    socket.on("timeout", () => end(false));
    socket.on("error", () => end(false));
  });
  if (here) return true;
  const { code } = await fromDockersHost(balancer, [
    "curl",
    "--silent",
    "--output",
    "/dev/null",
    "--max-time",
    "5",
    url,
  ]);
  // It could not connect, or not in time. Anything else that goes wrong goes wrong on a connection.
  return code !== 7 && code !== 28;
}

/**
 * Asks the public address what clients ask.
 *
 * @param sick names of servers that don't answer; an upstream that has no others is not asked
 * @throws Error that says what such a client gets
 */
export async function checkAsClient(
  { wanted: { release, destination } }: Context,
  sick: ReadonlySet<string>,
): Promise<void> {
  const { url: plainUrl, entries, balancer } = destination;
  const hasLine = release.topology.proxy.proxyProtocol;
  const tlsUrl = entries.find(({ url }) => url.startsWith("https:"))?.url ?? "";
  await askInTurn(release, sick, "The previous configuration is back.", async (question) => {
    const url = question.isTls ? tlsUrl : plainUrl;
    if (question.isOptional === true) return askFromHere(url, question, release.id);
    let answer: PublicAnswer = { status: undefined, why: "nothing was asked" };
    // A backend that is just starting again has no address for a moment.
    const works = async () =>
      !isFailure(judge(question, (answer = await askFromHere(url, question, release.id, hasLine)), release));
    await until("", publicSeconds, works).catch(async () => {
      const at = ["--connect-to", `::${addressOf(url)}`, ...(hasLine ? ["--haproxy-protocol"] : [])];
      const { code, stdout } = await fromDockersHost(balancer, askByCurl(question, release.id, at));
      if (code < commandFailed) answer = readCurl(stdout);
    });
    return answer;
  }).catch((error: unknown) => {
    throw new Error(`At the balancer's address ${plainUrl} ${messageOf(error)}`);
  });
}

/** Host and port of an address for clients. */
function addressOf(url: string): string {
  const { hostname, port, protocol } = new URL(url);
  return `${hostname}:${port || (protocol === "https:" ? 443 : 80)}`;
}

/**
 * Asks each upstream that can answer, and whose requests are not let in by one that can't, until one of its questions is answered as it should be.
 *
 * @param untouched what is said of what serves, when it is not
 */
export async function askInTurn(
  release: Release,
  sick: ReadonlySet<string>,
  untouched: string,
  ask: (question: Question) => Promise<PublicAnswer>,
): Promise<void> {
  for (const questions of publicQuestions(release.topology)) {
    const upstream = questions[0]?.upstream ?? "";
    const deciding = routesOf(release.topology).flatMap((route) =>
      route.upstream === upstream ? (route.policy?.access?.authRequest?.upstream ?? []) : [],
    );
    const isSick = (name: string) =>
      serversIn(release.topology, name).every((server) => server.weight === 0 || sick.has(server.name));
    if (sick.size > 0 && [upstream, ...deciding].some(isSick)) continue;
    for (const question of questions) {
      const verdict = judge(question, await ask(question), release);
      if (verdict === "works") break;
      if (isFailure(verdict)) throw new Error(`${verdict}. ${untouched}`);
    }
  }
}

function isFailure(verdict: string): boolean {
  return verdict !== "works" && verdict !== "look further";
}

/** `docker run` ends with this code or a higher one when the command was not run at all. */
const commandFailed = 125;

/** Runs a command in a container of the balancer's image that has the network of Docker's host: another one, maybe, than this. */
async function fromDockersHost(balancer: string, command: readonly string[]): Promise<DockerResult> {
  const image = await tryDocker("container", "inspect", "--format", "{{.Image}}", balancer);
  const limits = ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges:true"];
  return tryDocker("run", "--rm", "--network", "host", ...limits, image.stdout.trim(), ...command);
}
