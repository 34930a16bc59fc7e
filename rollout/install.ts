import { text as readAll } from "node:stream/consumers";
import { configurationHash, isIntact } from "../nginx/render/config";
import { BalancerShell } from "./balancer-shell";
import { testCandidate } from "./candidate";
import { untilDockerAgrees } from "./healthcheck";
import { planChange } from "./plan";
import { askPublicAddress } from "./public-address";
import { drain, putBack, reload, takeOverLeftUnserved } from "./reload";
import { formatChange, type LastChange } from "./report";
import { removeRetired, removeStrays } from "./retire";
import { revive } from "./revive";
import { startBalancer } from "./start-balancer";
import { live, liveFolder, type Log, type Target } from "./target";

/**
 * Brings a configuration in without losing a request, or fails with the live one as it was.
 *
 * @throws Error that names the cause: nginx's own words, or the backend with its last log lines
 */
export async function install(target: Target, log: Log): Promise<LastChange> {
  const seconds: Record<string, number> = {};
  const timed: Timed = async (name, work) => {
    const start = performance.now();
    try {
      return await work();
    } finally {
      seconds[name] = Math.round(performance.now() - start) / 1000;
    }
  };

  await timed("balancer", async () => {
    await revive(target, log);
    await startBalancer(target, log);
  });
  const shell = new BalancerShell(target.balancer);
  try {
    return { ...(await installThrough(shell, target, timed, log)), seconds };
  } finally {
    shell.close();
  }
}

/** Runs a step and notes how long it took. */
type Timed = <T>(name: string, work: () => Promise<T>) => Promise<T>;

async function installThrough(
  shell: BalancerShell,
  target: Target,
  timed: Timed,
  log: Log,
): Promise<Omit<LastChange, "seconds">> {
  await lock(shell);
  // Empty where there is no such file that can be read: nothing is known of what nginx runs.
  const { output: before } = await shell.run(`cat ${live}/nginx.conf 2>/dev/null`);
  await removeStrays(target, before);
  const plan = planChange(before, target.text);
  const inFlight = { drainBegan: 0, drainEnded: 0 };

  await timed("candidate", () => testCandidate(shell, target, plan, log));
  await takeOverLeftUnserved(shell, before);
  if (plan.steps.length > 0) await shell.write(`${live}/previous.conf`, before);
  try {
    for (const step of plan.steps) {
      await timed(step.name, () => reload(shell, step, target.healthTimeoutSeconds));
      if (step.drain) await timed("drain", () => drain(shell, target.drainSeconds, inFlight, log));
    }
    await timed("check", () => askPublicAddress(target));
  } catch (error) {
    if (plan.steps.length > 0) await putBack(shell, before, error, log);
    throw error;
  }
  await shell.write(`${live}/generation`, `${target.generation}\n`);
  const added = plan.added.flatMap((host) => target.backends[host] ?? []);
  if (plan.removed.length > 0) await timed("health", () => untilDockerAgrees(added, log));
  await timed("stop", () => removeRetired(target));
  return {
    configBefore: hashOf(before),
    configAfter: configurationHash(target.text),
    added: plan.added,
    removed: plan.removed,
    inFlight,
  };
}

/** Two installs at once would undo each other. The lock goes with the shell that holds it, however it ends. */
async function lock(shell: BalancerShell): Promise<void> {
  const { code } = await shell.run(`exec 9>${liveFolder}/install.lock; flock --timeout 120 9`, 130);
  if (code !== 0)
    throw new Error("Another change of this balancer has been going on for 120 s. Try again when it has ended.");
}

function hashOf(text: string): string {
  return isIntact(text) ? configurationHash(text) : "none";
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
    network: need("NETWORK"),
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
