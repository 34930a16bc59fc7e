import { until } from "../../lib/until";
import { inspectContainers, lastLogLines, tryDocker } from "../docker";
import { indent, restartsAllowed } from "./context";

/**
 * Waits until a container that was started answers a question; it may be restarted meanwhile, as nginx is with its entry.
 *
 * @param name what it is, for the error
 * @param seconds how long that may take
 * @param question a command that succeeds in it when it serves
 * @throws Error with its last log lines when it does not, or ends again and again
 */
export async function untilItServes(
  name: string,
  container: string,
  seconds: number,
  question: readonly string[],
): Promise<void> {
  const look = async () => (await inspectContainers([container])).get(container);
  const doesNotStart = async () => {
    const lines = indent((await lastLogLines(container, 10)).join("\n"));
    return new Error(`The ${name} does not start (${(await look())?.status ?? "gone"}). Its last log lines:\n${lines}`);
  };
  await until(doesNotStart, seconds, async () => {
    if ((await tryDocker("exec", container, ...question)).code === 0) return true;
    const state = await look();
    if (state === undefined || state.status === "dead" || state.restarts > restartsAllowed) throw await doesNotStart();
    return false;
  });
}
