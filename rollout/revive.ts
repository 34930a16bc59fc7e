import { docker, inspectContainers } from "./docker";
import type { Log, Target } from "./target";

/** What brings a container back that should run and doesn't; undefined for one that runs. */
export function revivalOf(state: string): "start" | "unpause" | undefined {
  if (state === "paused") return "unpause";
  return ["exited", "created", "dead"].includes(state) ? "start" : undefined;
}

/**
 * Brings the target's containers back that have ended or are paused. The engine doesn't know of it, and Docker starts none
 * that it takes for stopped by hand. A balancer that doesn't run is started apart from these, in its predecessor's place.
 */
export async function revive(target: Target, log: Log): Promise<void> {
  const names = new Map(Object.entries(target.backends).map(([alias, id]) => [id, alias]));
  const states = await inspectContainers([target.balancer, ...names.keys()]);
  const gone = [...names].filter(([id]) => !states.has(id)).map(([, alias]) => alias);
  if (!states.has(target.balancer)) gone.unshift("the balancer");
  if (gone.length > 0)
    throw new Error(`${gone.join(", ")}: the container was removed by hand. \`pulumi up --refresh\` makes a new one.`);
  await Promise.all(
    [...states.values()].map(async ({ id, status }) => {
      const how = revivalOf(status);
      if (how === undefined || (id === target.balancer && how === "start")) return;
      log(`${names.get(id) ?? "the balancer"} is ${status}: ${how}`);
      await docker(how, id);
    }),
  );
}
