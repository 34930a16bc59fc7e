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

/**
 * Has a balancer serve: names it on the volume, and waits until its nginx answers. From then on it takes connections beside its
 * predecessor, if there is one.
 *
 * @param predecessor is named again where that fails
 */
export async function serve(shell: BalancerShell, predecessor: string | undefined): Promise<void> {
  // A container's name for itself is the begin of its id.
  await shell.read(nameOn(shell.container.slice(0, 12)));
  try {
    await untilItAnswers(shell.container);
  } catch (error) {
    if (predecessor !== undefined) await tryDocker("exec", predecessor, "sh", "-c", nameOn("$(hostname)"));
    throw error;
  }
}

function nameOn(name: string): string {
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
