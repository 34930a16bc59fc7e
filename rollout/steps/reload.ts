import { Deadline, until } from "../../lib/until";
import { configurationPath, controlCommand, listenPort, livePlace, previousRelease } from "../../model/layout";
import { serversOf } from "../../model/topology";
import type { Release } from "../../model/release";
import type { StepResult } from "../runtime/runtime";
import type { BalancerShell } from "../runtime/shell";
import { nginxSeconds, type Context } from "./context";
import { ask } from "./probe";
import { link, readLink } from "./volume";
import { countInFlight, listWorkers, type Worker } from "./workers";

/**
 * Has nginx read the configuration again; returns when only workers that run it take connections.
 *
 * @param id what they have to serve; undefined where that can't be known, as after an edit by hand
 */
export async function reload(shell: BalancerShell, id: string | undefined): Promise<void> {
  const older = new Set((await listWorkers(shell)).map(({ pid }) => pid));
  await shell.read("kill -HUP 1");
  await until(
    "nginx takes the configuration over; its log says why it doesn't (docker logs)",
    nginxSeconds,
    async () => {
      const accepting = (await listWorkers(shell)).filter(({ leaving }) => !leaving);
      const renewed = accepting.length > 0 && accepting.every(({ pid }) => !older.has(pid));
      return renewed && (id === undefined || (await servedId(shell)) === id);
    },
  );
}

/** Has nginx run the release before; where the volume does not tell any more which that was, what runs is left as it is. */
export async function takeBack(shell: BalancerShell): Promise<void> {
  const previous = await readLink(shell, previousRelease);
  if (previous === undefined) return;
  await link(shell, previous);
  await reload(shell, undefined);
}

/** Waits until servers have answered through the live nginx. On a busy host the DNS of Docker keeps it waiting. */
export async function untilAnswered(
  { shell, wanted }: Context,
  { topology }: Pick<Release, "topology">,
  names: readonly string[],
): Promise<void> {
  let waiting = serversOf(topology).filter(({ name }) => names.includes(name));
  let missing = new Map<string, string>();
  const giveUp = () =>
    new Error(`Through the reloaded balancer ${[...missing].map(([name, why]) => `${name}: ${why}`).join("; ")}.`);
  await until(giveUp, wanted.policy.healthTimeoutSeconds, async () => {
    missing = await ask(shell, livePlace.folder, waiting);
    waiting = waiting.filter(({ name }) => missing.has(name));
    return waiting.length === 0;
  });
}

async function servedId(shell: BalancerShell): Promise<string> {
  return (await shell.run(controlCommand(livePlace.folder, configurationPath).join(" "))).output.trim();
}

/** Waits until the workers of older configurations are gone; nginx itself ends them after so many seconds. */
export async function drain({ shell, log }: Context, seconds: number): Promise<StepResult> {
  const limit = new Deadline(seconds);
  let workers = await leaving(shell);
  const drainBegan = await countInFlight(shell, workers, listenPort);
  let drainEnded = 0;
  let said = limit.milliseconds;
  const giveUp = () =>
    new Error(`nginx's old workers ${workers.map(({ pid }) => pid).join(", ")} did not end within ${seconds} s.`);
  await until(giveUp, seconds + nginxSeconds, async () => {
    workers = await leaving(shell);
    if (workers.length === 0) return true;
    drainEnded = await countInFlight(shell, workers, listenPort);
    if (said - limit.milliseconds > 3000) {
      said = limit.milliseconds;
      log(`draining: ${workers.length} old workers, ${drainEnded} requests in flight, at most ${seconds} s`);
    }
    return false;
  });
  // Gone before the limit means that all of them had finished.
  return { inFlight: { drainBegan, drainEnded: limit.isOver ? drainEnded : 0 } };
}

async function leaving(shell: BalancerShell): Promise<Worker[]> {
  return (await listWorkers(shell)).filter((worker) => worker.leaving);
}
