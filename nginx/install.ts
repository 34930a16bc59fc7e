import { get } from "node:http";
import { text as readAll } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import { labels } from "../components/labels";
import { asCandidate, configurationHash, isIntact, listenPort, probesOf } from "../components/nginx-config";
import { BalancerShell } from "./balancer-shell";
import { docker, inspectContainers, lastLogLines, type ContainerState } from "./docker";
import { planChange, type ChangePlan, type Step } from "./plan";
import { ask, type Probe, type Unanswered } from "./probe";
import { imagesOf } from "./remove-images";
import { formatChange, type LastChange } from "./report";
import { countInFlight, listWorkers, type Worker } from "./workers";

/** Where a configuration is installed, and how long its steps may take. */
export interface Target {
  /** The balancer's container, id or name. */
  readonly balancer: string;
  /** The wanted configuration, as rendered. */
  readonly text: string;
  /** Container ids of the backends by host; none for servers that are no containers of this stack. */
  readonly backends: Readonly<Record<string, string>>;
  /** Address that clients reach the balancer at, for example http://127.0.0.1:8080. */
  readonly url: string;
  /** Label, KEY=VALUE, of every container of the stack. */
  readonly stackLabel: string;
  /** What the names of the stack's images begin with. */
  readonly imagePrefix: string;
  /** How long to wait for the next backend that answers. */
  readonly healthTimeoutSeconds: number;
  readonly drainSeconds: number;
  /** Counts the installs; read back by the program to see whether the volume holds what was installed. */
  readonly generation: string;
}

const live = "/etc/nginx/live";
const liveFolder = "/tmp/nginx";
const candidateFolder = "/tmp/candidate";

/** How often a condition is looked at again. */
const pollMilliseconds = 50;
/** How long nginx may take for things that take it milliseconds. */
const nginxSeconds = 20;
/** How long the public address may fail after a reload before the previous configuration is put back. */
const publicSeconds = 1;
/** Healthchecks with longer intervals than this are not waited for. */
const patienceSeconds = 5;
/** How often a container may end and be restarted before it counts as broken. */
const restartsAllowed = 2;

/** Says what is going on, a line at a time. */
type Log = (line: string) => void;

/**
 * Brings a configuration in without losing a request, or fails with the live one as it was.
 *
 * @throws Error that names the cause: nginx's own words, or the backend with its last log lines
 */
export async function install(target: Target, log: Log): Promise<LastChange> {
  const shell = new BalancerShell(target.balancer);
  try {
    return await installThrough(shell, target, log);
  } finally {
    shell.close();
  }
}

async function installThrough(shell: BalancerShell, target: Target, log: Log): Promise<LastChange> {
  const seconds: Record<string, number> = {};
  const timed = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const start = performance.now();
    try {
      return await work();
    } finally {
      seconds[name] = Math.round(performance.now() - start) / 1000;
    }
  };

  await lock(shell);
  const before = await shell.read(`cat ${live}/nginx.conf`);
  const plan = planChange(before, target.text);
  const inFlight = { drainBegan: 0, drainEnded: 0 };

  await timed("candidate", () => testCandidate(shell, target, plan, log));
  await takeOverLeftUnserved(shell, before);
  if (plan.steps.length > 0) await shell.write(`${live}/previous.conf`, before);
  try {
    for (const step of plan.steps) {
      await timed(step.name, () => reload(shell, step));
      if (step.drain) await timed("drain", () => drain(shell, target.drainSeconds, inFlight, log));
    }
    await timed("check", () => askPublicAddress(target));
  } catch (error) {
    if (plan.steps.length > 0) await putBack(shell, before, log);
    throw error;
  }
  await shell.write(`${live}/generation`, `${target.generation}\n`);
  await timed("stop", () => removeRetired(target));
  return {
    configBefore: hashOf(before),
    configAfter: configurationHash(target.text),
    added: plan.added,
    removed: plan.removed,
    seconds,
    inFlight,
  };
}

/** Two installs at once would undo each other. The lock goes with the shell that holds it, however it ends. */
async function lock(shell: BalancerShell): Promise<void> {
  const { code } = await shell.run(`exec 9>${liveFolder}/install.lock; flock --timeout 120 9`, 130);
  if (code !== 0)
    throw new Error("Another change of this balancer has been going on for 120 s. Try again when it has ended.");
}

/**
 * Runs the configuration in a second nginx beside the live one, in the same container and so with the same image, limits,
 * network and DNS, and asks every backend through it until all have answered.
 */
async function testCandidate(shell: BalancerShell, target: Target, plan: ChangePlan, log: Log): Promise<void> {
  await shell.read(`rm -rf ${candidateFolder} && mkdir -p ${candidateFolder}`);
  // The text itself is what nginx judges, under the name that its messages then show.
  await shell.write(`${candidateFolder}/exact.conf`, target.text);
  await shell.write(`${candidateFolder}/nginx.conf`, asCandidate(target.text));
  try {
    const { code, output } = await shell.run(
      `nginx -t -q -c ${candidateFolder}/exact.conf && nginx -c ${candidateFolder}/nginx.conf -g 'daemon on;'`,
      nginxSeconds,
    );
    if (code !== 0)
      throw new Error(`nginx refuses the configuration:\n${indent(output)}\nThe live configuration is untouched.`);
    await untilAllAnswer(shell, target, plan, log);
    await askCandidateAsClient(shell, target);
  } finally {
    await shell.run(`kill $(cat ${candidateFolder}/nginx.pid) 2>/dev/null; rm -rf ${candidateFolder}`);
  }
}

async function untilAllAnswer(shell: BalancerShell, target: Target, plan: ChangePlan, log: Log): Promise<void> {
  const start = Date.now();
  // From the last backend that answered: many that start at once take each other's time on a small host.
  let deadline = start + target.healthTimeoutSeconds * 1000;
  const probes = probesOf(target.text);
  const added = new Set(plan.added);
  let said = start;
  for (let waiting: readonly Probe[] = probes; ;) {
    const [states, missing] = await Promise.all([
      inspectContainers(waiting.flatMap(({ host }) => target.backends[host] ?? [])),
      ask(shell, candidateFolder, waiting),
    ]);
    const stateOf = (host: string) => states.get(target.backends[host] ?? "");
    for (const { host } of waiting) {
      // A backend serves when it has answered through nginx; where Docker looks often, it has to agree.
      if (!missing.has(host) && added.has(host) && isUndecided(stateOf(host)))
        missing.set(host, "its healthcheck has not passed yet");
    }
    if (missing.size === 0) return;
    for (const host of missing.keys()) {
      const state = stateOf(host);
      if (state && isBroken(state)) throw await backendError(host, state, "does not run", missing);
    }
    if (Date.now() > deadline) {
      const [host = ""] = missing.keys();
      throw await backendError(
        host,
        stateOf(host),
        `did not get healthy within ${target.healthTimeoutSeconds} s`,
        missing,
      );
    }
    if (Date.now() - said > 5000) {
      said = Date.now();
      log(`waiting for ${missing.size} of ${probes.length} backends, ${Math.round((said - start) / 1000)} s so far`);
    }
    if (missing.size < waiting.length) deadline = Date.now() + target.healthTimeoutSeconds * 1000;
    waiting = waiting.filter(({ host }) => missing.has(host));
    await pause(pollMilliseconds);
  }
}

function isBroken(state: ContainerState): boolean {
  return (
    state.status === "exited" ||
    state.status === "dead" ||
    state.restarts > restartsAllowed ||
    state.health === "unhealthy"
  );
}

function isUndecided(state: ContainerState | undefined): boolean {
  return state?.health === "starting" && state.healthInterval <= patienceSeconds;
}

async function backendError(
  host: string,
  state: ContainerState | undefined,
  what: string,
  missing: Unanswered,
): Promise<Error> {
  const others = [...missing.keys()].filter((other) => other !== host);
  const facts = state
    ? `container ${state.name}: ${state.status}, health ${state.health}, exit code ${state.exitCode}, ${state.restarts} restarts`
    : "no container of this stack";
  const lines = state ? await lastLogLines(state.id, 10) : [];
  return new Error(
    [
      `Backend ${host} ${what}: ${missing.get(host) ?? "no answer"} (${facts}).`,
      ...(lines.length > 0 ? ["Its last log lines:", indent(lines.join("\n"))] : []),
      ...(others.length > 0 ? [`Not answering either: ${others.join(", ")}.`] : []),
      "The live configuration is untouched: what served before goes on serving.",
    ].join("\n"),
  );
}

/** A file that was written but never reloaded, by an install that was killed in between: workers run something else. */
async function takeOverLeftUnserved(shell: BalancerShell, before: string): Promise<void> {
  if (isIntact(before) && (await servedHash(shell, liveFolder)) !== configurationHash(before)) {
    await reload(shell, { name: "reload", text: before, probe: [], drain: false });
  }
}

/** Installs a text and reloads; returns when only workers that run it take connections, and the probes have been answered. */
async function reload(shell: BalancerShell, step: Step): Promise<void> {
  const older = new Set((await listWorkers(shell)).map(({ pid }) => pid));
  await shell.write(`${live}/nginx.conf`, step.text);
  await shell.read("kill -HUP 1");
  const deadline = Date.now() + nginxSeconds * 1000;
  for (;;) {
    const accepting = (await listWorkers(shell)).filter(({ leaving }) => !leaving);
    const renewed = accepting.length > 0 && accepting.every(({ pid }) => !older.has(pid));
    if (renewed && (await servedHash(shell, liveFolder)) === configurationHash(step.text)) break;
    if (Date.now() > deadline)
      throw new Error(
        `nginx did not take the configuration over within ${nginxSeconds} s; its log says why (docker logs).`,
      );
    await pause(pollMilliseconds);
  }
  let waiting = probesOf(step.text).filter(({ host }) => step.probe.includes(host));
  while (waiting.length > 0) {
    const missing = await ask(shell, liveFolder, waiting);
    if (missing.size > 0 && Date.now() > deadline) {
      throw new Error(
        `Through the reloaded balancer ${[...missing].map(([host, why]) => `${host}: ${why}`).join("; ")}.`,
      );
    }
    waiting = waiting.filter(({ host }) => missing.has(host));
    if (waiting.length > 0) await pause(pollMilliseconds);
  }
}

/** Waits until the workers of older configurations are gone; nginx itself ends them after drainSeconds. */
async function drain(
  shell: BalancerShell,
  drainSeconds: number,
  inFlight: { drainBegan: number; drainEnded: number },
  log: Log,
): Promise<void> {
  const start = Date.now();
  const deadline = start + (drainSeconds + nginxSeconds) * 1000;
  let said = start;
  let workers = await leaving(shell);
  inFlight.drainBegan = await countInFlight(shell, workers, listenPort);
  while (workers.length > 0) {
    if (Date.now() > deadline)
      throw new Error(
        `nginx's old workers ${workers.map(({ pid }) => pid).join(", ")} did not end within ${drainSeconds} s.`,
      );
    if (Date.now() - said > 3000) {
      said = Date.now();
      log(
        `draining: ${workers.length} old workers, ${inFlight.drainEnded} requests in flight, at most ${drainSeconds} s`,
      );
    }
    await pause(pollMilliseconds);
    workers = await leaving(shell);
    if (workers.length > 0) inFlight.drainEnded = await countInFlight(shell, workers, listenPort);
  }
  // Gone before the limit means that all of them had finished.
  if (Date.now() - start < drainSeconds * 1000) inFlight.drainEnded = 0;
}

async function leaving(shell: BalancerShell): Promise<Worker[]> {
  return (await listWorkers(shell)).filter((worker) => worker.leaving);
}

async function putBack(shell: BalancerShell, before: string, log: Log): Promise<void> {
  log("putting the previous configuration back");
  if (isIntact(before)) return reload(shell, { name: "reload", text: before, probe: [], drain: false });
  await shell.write(`${live}/nginx.conf`, before);
  await shell.read("kill -HUP 1");
}

async function servedHash(shell: BalancerShell, folder: string): Promise<string> {
  return (
    await shell.run(`curl --silent --max-time 2 --unix-socket ${folder}/control.sock http://balancer/configuration`)
  ).output.trim();
}

/** A server block can answer clients otherwise than probes: what the public address would answer is asked for, too. */
async function askCandidateAsClient(shell: BalancerShell, target: Target): Promise<void> {
  const path = publicPath(target);
  const status = await shell.read(
    `curl --silent --output /dev/null --max-time 10 --write-out '%{http_code}' --unix-socket ${candidateFolder}/public.sock 'http://balancer${path}' || true`,
  );
  if (serves(Number(status))) return;
  throw new Error(
    `With the new configuration a client that asks for ${path} gets ${status}. The live configuration is untouched.`,
  );
}

/** The last word has the address that clients use. */
async function askPublicAddress(target: Target): Promise<void> {
  const url = `${target.url}${publicPath(target)}`;
  const deadline = Date.now() + publicSeconds * 1000;
  for (;;) {
    const result = await statusOf(url);
    if (typeof result === "number" && serves(result)) return;
    if (Date.now() > deadline) {
      const what = typeof result === "number" ? `answers ${result}` : `gives no answer: ${result}`;
      throw new Error(`After the reload ${url} ${what}. The previous configuration is back.`);
    }
    await pause(pollMilliseconds);
  }
}

/** Any answer but a server error will do: an app may well refuse. */
function serves(status: number): boolean {
  return status >= 100 && status < 500;
}

function publicPath(target: Target): string {
  return probesOf(target.text)[0]?.path ?? "/";
}

async function statusOf(url: string): Promise<number | string> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, timeout: 5000 }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.on("timeout", () => request.destroy(new Error("timed out after 5 s")));
    request.on("error", (error) => resolve(error.message));
  });
}

/**
 * Ends the backends that no request can reach any more, all at once, and removes their images: what the engine removes
 * next (it takes a missing container for a removed one), and what an interrupted update left without the engine's knowing.
 */
async function removeRetired(target: Target): Promise<void> {
  const serving = new Set(Object.values(target.backends));
  const filters = ["--filter", `label=${target.stackLabel}`, "--filter", `label=${labels.role}=backend`];
  const all = (await docker("ps", "--all", "--quiet", "--no-trunc", ...filters)).split("\n").filter(Boolean);
  const retired = all.filter((id) => !serving.has(id));
  if (retired.length > 0) {
    await docker("stop", "--time", String(target.drainSeconds), ...retired);
    await docker("rm", "--force", ...retired);
  }
  const used = await imagesInUse([target.balancer, ...serving]);
  const unused = (await imagesOf(target.imagePrefix)).filter(({ id }) => !used.has(id));
  if (unused.length > 0) await docker("rmi", ...unused.map(({ tag }) => tag));
}

async function imagesInUse(containers: readonly string[]): Promise<Set<string>> {
  return new Set((await docker("container", "inspect", "--format", "{{.Image}}", ...containers)).split("\n"));
}

function hashOf(text: string): string {
  return isIntact(text) ? configurationHash(text) : "none";
}

function indent(text: string): string {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => `  | ${line}`)
    .join("\n");
}

/** The names of the environment variables that carry the target; the configuration comes on standard input. */
function targetFrom(environment: NodeJS.ProcessEnv, text: string): Target {
  const need = (name: string): string => {
    const value = environment[name];
    if (value === undefined) throw new Error(`${name} is not set: this script is run by the program, not by hand.`);
    return value;
  };
  return {
    balancer: need("BALANCER"),
    text,
    backends: JSON.parse(need("BACKENDS")) as Record<string, string>,
    url: need("BALANCER_URL"),
    stackLabel: need("STACK_LABEL"),
    imagePrefix: need("IMAGE_PREFIX"),
    healthTimeoutSeconds: Number(need("HEALTH_TIMEOUT_SECONDS")),
    drainSeconds: Number(need("DRAIN_SECONDS")),
    generation: need("GENERATION"),
  };
}

async function main(): Promise<void> {
  const log = (line: string) => void process.stderr.write(`${line}\n`);
  const change = await install(targetFrom(process.env, await readAll(process.stdin)), log);
  log(formatChange(change));
  process.stdout.write(JSON.stringify(change));
}

if (require.main === module) {
  main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
}
