import { setTimeout as pause } from "node:timers/promises";
import { asCandidate, probesOf } from "../nginx/render/config";
import type { BalancerShell } from "./balancer-shell";
import { inspectContainers, lastLogLines, type ContainerState } from "./docker";
import type { ChangePlan } from "./plan";
import { failingHealthchecks, isUndecided } from "./healthcheck";
import { ask, type Probe, type Unanswered } from "./probe";
import { publicPath, serves } from "./public-address";
import { candidateFolder, nginxSeconds, pollMilliseconds, type Log, type Target } from "./target";

/** How often a container may end and be restarted before it counts as broken. */
const restartsAllowed = 2;

const endCandidate = `kill $(cat ${candidateFolder}/nginx.pid) 2>/dev/null; rm -rf ${candidateFolder}`;

/**
 * Runs the configuration in a second nginx beside the live one, in the same container and so with the same image, limits,
 * network and DNS, and asks every backend through it until all have answered.
 */
export async function testCandidate(shell: BalancerShell, target: Target, plan: ChangePlan, log: Log): Promise<void> {
  await shell.run(endCandidate); // one that an interrupted update left
  await shell.read(`mkdir -p ${candidateFolder}`);
  // The text itself is what nginx judges, under the name that its messages then show.
  await shell.write(`${candidateFolder}/exact.conf`, target.text);
  await shell.write(`${candidateFolder}/nginx.conf`, asCandidate(target.text));
  try {
    // Its log must not get between the answers of the shell, nor must it inherit the shell's lock (descriptor 9).
    const nginxLog = `${candidateFolder}/log`;
    const { code, output } = await shell.run(
      `nginx -t -q -c ${candidateFolder}/exact.conf &&
{ nginx -c ${candidateFolder}/nginx.conf -g 'daemon on;' >${nginxLog} 2>&1 9>&- || { cat ${nginxLog}; false; }; }`,
      nginxSeconds,
    );
    if (code !== 0)
      throw new Error(`nginx refuses the configuration:\n${indent(output)}\nThe live configuration is untouched.`);
    await untilAllAnswer(shell, target, plan, log);
    await askCandidateAsClient(shell, target);
  } finally {
    await shell.run(endCandidate);
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
    // A backend serves when it has answered through nginx. Where Docker looks often, it will soon look, too: what it will
    // find is found out now.
    const answering = waiting.flatMap(({ host }) =>
      added.has(host) && !missing.has(host) ? (stateOf(host) ?? []) : [],
    );
    const failing = await failingHealthchecks(answering.filter(isUndecided));
    for (const { host } of waiting) {
      const failure = failing.get(target.backends[host] ?? "");
      if (failure !== undefined) missing.set(host, `its healthcheck fails${failure && `: ${failure}`}`);
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

function indent(text: string): string {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => `  | ${line}`)
    .join("\n");
}
