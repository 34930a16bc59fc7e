import type { ObservedContainer } from "./observed";
import type { Operation, Wanted } from "./plan";

/** What brings backends back that should serve and do not, each with its name. */
export function reviveOperations(
  own: readonly ObservedContainer[],
  { destination }: Wanted,
  added: readonly string[],
): { name: string; operation: Operation & { op: "revive" } }[] {
  return Object.entries(destination.containers).flatMap(([name, id]) => {
    const container = own.find((candidate) => candidate.id === id);
    if (container === undefined) return [];
    const how = revivalOf(container);
    // One that has never served has no past to go back to: the candidate says what ails it.
    if (how === undefined || (how === "restart" && added.includes(name))) return [];
    const cause = `${name} is ${how === "restart" ? container.health : container.state}`;
    return [{ name, operation: { op: "revive", container: id, how, cause } }];
  });
}

/** What brings such a container back; undefined for one that runs. */
function revivalOf({ state, health }: ObservedContainer): "start" | "unpause" | "restart" | undefined {
  if (state === "paused") return "unpause";
  if (state === "exited" || state === "created" || state === "dead") return "start";
  return state === "running" && health === "unhealthy" ? "restart" : undefined;
}
