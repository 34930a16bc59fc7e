import { Deadline, until } from "../../lib/until";
import { inspectContainers, tryDocker, type ContainerState } from "../docker";
import type { Log } from "../runtime/runtime";
import { nginxSeconds } from "./context";

/** Healthchecks with longer intervals than this, in seconds, are not waited for. */
const patienceSeconds = 5;

/** Whether Docker has not looked at a container yet, but will before long. */
export function isUndecided({ health, healthInterval }: ContainerState): boolean {
  return health === "starting" && healthInterval <= patienceSeconds;
}

/** Runs containers' own healthchecks. Gives the words of those that fail, by container id. */
export async function failingHealthchecks(states: readonly ContainerState[]): Promise<Map<string, string>> {
  const checked = await Promise.all(
    states.map(async ({ id, healthCommand }) => {
      const { code, stdout, stderr } = await tryDocker("exec", id, ...healthCommand);
      return code === 0 ? [] : [[id, `${stdout}${stderr}`.trim()] as const];
    }),
  );
  return new Map(checked.flat());
}

/**
 * Waits until Docker's own healthchecks have passed in containers that are known to serve, so that it shows as many healthy
 * ones as before when others are stopped. One that Docker finds otherwise is said, and not waited for any longer.
 */
export async function untilDockerAgrees(ids: readonly string[], log: Log): Promise<void> {
  const deadline = new Deadline(2 * patienceSeconds);
  await until("Docker has looked at all of them", { within: nginxSeconds }, async () => {
    const undecided = [...(await inspectContainers(ids)).values()].filter(isUndecided);
    if (undecided.length === 0) return true;
    if (deadline.isOver)
      log(`Docker's healthcheck has not passed in ${undecided.map(({ name }) => name).join(", ")}, which serve.`);
    return deadline.isOver;
  });
}
