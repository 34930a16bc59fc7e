import { until } from "../../lib/until";
import {
  configurationPath,
  controlCommand,
  currentRelease,
  livePlace,
  mainFile,
  servingFile,
  volumeFolder,
} from "../../model/layout";
import { inspectContainers, lastLogLines, tryDocker } from "../docker";
import type { BalancerShell } from "../runtime/shell";
import { indent, nginxSeconds, restartsAllowed } from "./context";

/** Has a balancer that does not serve yet judge the configuration that its predecessor runs. */
export async function tryLive(shell: BalancerShell): Promise<void> {
  const candidates = `${currentRelease}/${mainFile} ${volumeFolder}/${mainFile}`;
  const { code, output } = await shell.run(
    `mkdir -p ${livePlace.folder} && (for file in ${candidates}; do [ ! -f $file ] || exec nginx -t -q -c $file; done)`,
  );
  if (code !== 0)
    throw new Error(
      `The new balancer's image can't run the live configuration:\n${indent(output)}\nThe old balancer goes on serving.`,
    );
}

/** A script that has the balancer of a name, as the container itself knows it, serve from when it gets a socket. */
export function servingScript(name: string): string {
  return `echo ${name} >${servingFile}.new && mv ${servingFile}.new ${servingFile}`;
}

/** Waits until a balancer's nginx answers; it may be restarted meanwhile, as it is with its entry. */
export async function untilItAnswers(balancer: string): Promise<void> {
  const look = async () => (await inspectContainers([balancer])).get(balancer);
  const doesNotStart = async () => {
    const lines = indent((await lastLogLines(balancer, 10)).join("\n"));
    return new Error(
      `The balancer does not start (${(await look())?.status ?? "gone"}). Its last log lines:\n${lines}`,
    );
  };
  const question = controlCommand(livePlace.folder, configurationPath);
  await until(doesNotStart, nginxSeconds, async () => {
    if ((await tryDocker("exec", balancer, ...question)).code === 0) return true;
    const state = await look();
    if (state === undefined || state.status === "dead" || state.restarts > restartsAllowed) throw await doesNotStart();
    return false;
  });
}
