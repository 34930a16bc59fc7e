import { setTimeout as pause } from "node:timers/promises";
import { configurationHash, isIntact, listenPort, probesOf } from "../nginx/render/config";
import type { BalancerShell } from "./balancer-shell";
import type { Step } from "./plan";
import { ask } from "./probe";
import { live, liveFolder, nginxSeconds, pollMilliseconds, type Log } from "./target";
import { countInFlight, listWorkers, type Worker } from "./workers";

/** A file that was written but never reloaded, by an install that was killed in between: workers run something else. */
export async function takeOverLeftUnserved(shell: BalancerShell, before: string): Promise<void> {
  if (isIntact(before) && (await servedHash(shell, liveFolder)) !== configurationHash(before)) {
    await reloadUnasked(shell, before);
  }
}

/**
 * Installs a text and reloads; returns when only workers that run it take connections, and the probes have been answered.
 *
 * @param answerSeconds how long the answers may take: on a busy host the DNS of Docker keeps nginx waiting
 */
export async function reload(shell: BalancerShell, step: Step, answerSeconds: number): Promise<void> {
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
  const answerDeadline = Date.now() + answerSeconds * 1000;
  let waiting = probesOf(step.text).filter(({ host }) => step.probe.includes(host));
  while (waiting.length > 0) {
    const missing = await ask(shell, liveFolder, waiting);
    if (missing.size > 0 && Date.now() > answerDeadline) {
      throw new Error(
        `Through the reloaded balancer ${[...missing].map(([host, why]) => `${host}: ${why}`).join("; ")}.`,
      );
    }
    waiting = waiting.filter(({ host }) => missing.has(host));
    if (waiting.length > 0) await pause(pollMilliseconds);
  }
}

/** Waits until the workers of older configurations are gone; nginx itself ends them after drainSeconds. */
export async function drain(
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

/**
 * Installs the text of before a change that failed.
 *
 * @throws Error with why the change failed, and with why this failed, too
 */
export async function putBack(shell: BalancerShell, before: string, cause: unknown, log: Log): Promise<void> {
  log("putting the previous configuration back");
  try {
    if (isIntact(before)) return await reloadUnasked(shell, before);
    await shell.write(`${live}/nginx.conf`, before);
    await shell.read("kill -HUP 1");
  } catch (error) {
    throw new Error(
      `${messageOf(cause)}\nThe previous configuration could not be put back: ${messageOf(error)}\nRun \`pulumi up\` again.`,
    );
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function reloadUnasked(shell: BalancerShell, text: string): Promise<void> {
  await reload(shell, { name: "reload", text, probe: [], drain: false }, 0);
}

async function servedHash(shell: BalancerShell, folder: string): Promise<string> {
  return (
    await shell.run(`curl --silent --max-time 2 --unix-socket ${folder}/control.sock http://balancer/configuration`)
  ).output.trim();
}
