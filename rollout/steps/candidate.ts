import { candidatePlace, livePlace, mainFile, releaseFolder } from "../../model/layout";
import { withoutWordsOf } from "../../model/server-config";
import { repeatedTexts, serversOf, type UpstreamServer } from "../../model/topology";
import { renderFiles, userFiles } from "../../nginx/render/config";
import { messageOf } from "../../lib/errors";
import { quote } from "../../lib/quote";
import { Deadline, until } from "../../lib/until";
import { inspectContainers, lastLogLines, type ContainerState } from "../docker";
import type { StepResult } from "../runtime/runtime";
import type { BalancerShell } from "../runtime/shell";
import { indent, nginxSeconds, restartsAllowed, type Context } from "./context";
import { failingHealthchecks, isUndecided } from "./healthcheck";
import { ask, type Unanswered } from "./probe";
import { askByCurl, askInTurn, readCurl } from "./public-address";
import { writeFiles } from "./volume";

/** How long one that served before may take to answer, before it is looked at whether it still does. */
const patienceSeconds = 3;

const untouched = "The live configuration is untouched: what served before goes on serving.";
const { folder } = candidatePlace;
const endCandidate = `kill $(cat ${folder}/nginx.pid) 2>/dev/null; rm -rf ${folder}`;

/**
 * Runs the release in a second nginx beside the live one, in the same container and so with the same image, limits, network
 * and DNS, and asks every backend through it until all have answered.
 *
 * @param must names of the servers that have to answer; another one may be left out, where it doesn't answer through the
 *   live nginx either: a sick backend must not stand in the way of its own repair
 */
export async function testCandidate(context: Context, must: readonly string[]): Promise<StepResult> {
  const { shell, wanted } = context;
  const { release } = wanted;
  await shell.run(endCandidate); // one that an interrupted update left
  await writeFiles(shell, release, wanted.attachments);
  await shell.read(`mkdir -p ${folder}`);
  for (const { name, text } of renderFiles(release.topology, candidatePlace, release.id))
    await shell.write(`${folder}/${name}`, text);
  for (const { name, text } of wanted.attachments) await shell.write(`${folder}/${name}`, text, 0o600);
  try {
    // Its log must not get between the answers of the shell, nor must it inherit the shell's lock (descriptor 9).
    const { code, output } = await shell.run(
      `nginx -t -q -c ${releaseFolder(release.id)}/${mainFile} &&
{ nginx -c ${folder}/${mainFile} -g 'daemon on;' >${folder}/log 2>&1 9>&- || { cat ${folder}/log; false; }; }`,
      nginxSeconds,
    );
    if (code !== 0)
      throw new Error(`nginx refuses the configuration:\n${indent(nginxWords(output, wanted))}\n${untouched}`);
    const sick = await untilAllAnswer(context, new Set(must));
    await askAsClient(context, new Set(sick.keys()));
    return { sick };
  } finally {
    await shell.run(endCandidate);
  }
}

/** The user knows their directives by the name of the setting, not by that of a file. Secret ones are not repeated. */
function nginxWords(output: string, { release, isSecret }: Context["wanted"]): string {
  const place = `${releaseFolder(release.id)}/`;
  const settings = userFiles(release.topology);
  const words = settings
    .reduce((text, { name, setting }) => text.replaceAll(`${place}${name}:`, `${setting}, line `), output)
    .replaceAll(place, "");
  return isSecret ? withoutWordsOf(repeatedTexts(release.topology), words) : words;
}

async function untilAllAnswer(
  { shell, wanted, log }: Context,
  must: ReadonlySet<string>,
): Promise<Map<string, string>> {
  const { destination, policy, release } = wanted;
  const servers = serversOf(release.topology);
  const sick = new Map<string, string>();
  const start = performance.now();
  const seconds = () => Math.round((performance.now() - start) / 1000);
  // From the last backend that answered: many that start at once take each other's time on a small host.
  const deadline = new Deadline(policy.healthTimeoutSeconds);
  const patience = new Deadline(Math.min(patienceSeconds, policy.healthTimeoutSeconds));
  let said = seconds();
  let waiting: readonly UpstreamServer[] = servers;
  let missing: Unanswered = new Map();
  let states: ReadonlyMap<string, ContainerState> = new Map();
  const giveUp = () => {
    const [name = ""] = missing.keys();
    return backendError(name, states.get(name), `did not get healthy within ${deadline.seconds} s`, missing);
  };
  await until(giveUp, { within: deadline }, async () => {
    const [byId, unanswered] = await Promise.all([
      inspectContainers(waiting.flatMap(({ name }) => destination.containers[name] ?? [])),
      ask(shell, folder, waiting),
    ]);
    missing = unanswered;
    states = new Map(
      waiting.flatMap(({ name }) => {
        const state = byId.get(destination.containers[name] ?? "");
        return state === undefined ? [] : [[name, state] as const];
      }),
    );
    await addFailingHealthchecks(missing, must, states);
    if (patience.isOver) for (const [name, why] of await leaveOut(shell, waiting, missing, must)) sick.set(name, why);
    for (const name of missing.keys()) {
      const state = states.get(name);
      if (state && isBroken(state) && must.has(name)) throw await backendError(name, state, "does not run", missing);
    }
    if (missing.size < waiting.length) deadline.renew();
    waiting = waiting.filter(({ name }) => missing.has(name));
    if (missing.size > 0 && seconds() - said >= 5) {
      said = seconds();
      log(`waiting for ${missing.size} of ${servers.length} backends, ${said} s so far`);
    }
    return missing.size === 0;
  });
  const serving = servers.filter(({ weight }) => weight > 0);
  if (sick.size > 0 && serving.every(({ name }) => sick.has(name)))
    throw await backendError([...sick.keys()][0] ?? "", undefined, "is one of a pool of which none answers", sick);
  return sick;
}

/** Takes those out of `missing` that served before, and don't answer through the live nginx either. */
async function leaveOut(
  shell: BalancerShell,
  waiting: readonly UpstreamServer[],
  missing: Unanswered,
  must: ReadonlySet<string>,
): Promise<Unanswered> {
  const older = waiting.filter(({ name }) => missing.has(name) && !must.has(name));
  const sick = await ask(shell, livePlace.folder, older);
  for (const name of sick.keys()) missing.delete(name);
  return sick;
}

/** Where Docker looks often, it will soon look at a new backend, too: what it will find is found out now. */
async function addFailingHealthchecks(
  missing: Unanswered,
  must: ReadonlySet<string>,
  states: ReadonlyMap<string, ContainerState>,
): Promise<void> {
  const answering = [...states].flatMap(([name, state]) =>
    must.has(name) && !missing.has(name) ? { ...state, name } : [],
  );
  const failing = await failingHealthchecks(answering.filter(isUndecided));
  for (const { name, id } of answering) {
    const failure = failing.get(id);
    if (failure !== undefined) missing.set(name, `its healthcheck fails${failure && `: ${failure}`}`);
  }
}

/** Whether a container that has to serve never will. */
export function isBroken(state: ContainerState): boolean {
  return (
    state.status === "exited" ||
    state.status === "dead" ||
    state.restarts > restartsAllowed ||
    state.health === "unhealthy"
  );
}

async function backendError(
  name: string,
  state: ContainerState | undefined,
  what: string,
  missing: Unanswered,
): Promise<Error> {
  const others = [...missing.keys()].filter((other) => other !== name);
  const facts = state
    ? `container ${state.name}: ${state.status}, health ${state.health}, exit code ${state.exitCode}, ${state.restarts} restarts`
    : "no container of this stack";
  const lines = state ? await lastLogLines(state.id, 10) : [];
  return new Error(
    [
      `Backend ${name} ${what}: ${missing.get(name) ?? "no answer"} (${facts}).`,
      ...(lines.length > 0 ? ["Its last log lines:", indent(lines.join("\n"))] : []),
      ...(others.length > 0 ? [`Not answering either: ${others.join(", ")}.`] : []),
      untouched,
    ].join("\n"),
  );
}

/** A server block can answer clients otherwise than probes: what the public address would answer is asked for, too. */
async function askAsClient({ shell, wanted: { release } }: Context, sick: ReadonlySet<string>): Promise<void> {
  await askInTurn(release, sick, untouched, async (question) => {
    const listen = question.isTls ? candidatePlace.tlsListen : candidatePlace.listen;
    const command = askByCurl(question, release.id, ["--unix-socket", listen.replace("unix:", "")]);
    return readCurl((await shell.run(command.map(quote).join(" "))).output);
  }).catch((error: unknown) => {
    throw new Error(`With the new configuration ${messageOf(error)}`);
  });
}
