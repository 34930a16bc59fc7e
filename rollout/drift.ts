import type { Observed, ObservedContainer } from "./observed";

/**
 * What keeps a stack from serving as it was installed, as far as the host alone tells it: a sentence each. The next update
 * mends all of it.
 */
export function ailments(
  { containers, volume, served, reachable }: Observed,
  balancer: ObservedContainer | undefined,
): string[] {
  const found: string[] = [];
  if (balancer?.state !== "running") found.push(`The balancer is ${balancer?.state ?? "gone"}.`);
  const entries = containers.filter(({ role }) => role === "entry");
  const entry = entries.find(({ state }) => state === "running") ?? entries[0];
  // Balancers of before there were entries have the port themselves.
  const hasOwnPort = balancer?.ports.includes("->") === true;
  if (entry?.state !== "running" && !hasOwnPort) found.push(`The entry is ${entry?.state ?? "gone"}.`);
  else if (!reachable) found.push("Nothing accepts connections at the balancer's address.");
  const { release, intact } = volume;
  // What lies in one that doesn't run is not looked at file by file.
  if (release !== undefined && !intact && balancer?.state === "running")
    found.push("The configuration on the volume was edited.");
  if (release === undefined && containers.length > 0)
    found.push("The balancer's volume holds no configuration that was installed.");
  if (release !== undefined && served !== undefined && served !== release.id)
    found.push(`nginx serves configuration ${served} instead of ${release.id}.`);
  for (const [name, id] of Object.entries(release?.containers ?? {})) {
    const container = containers.find((candidate) => candidate.id === id);
    if (container === undefined) found.push(`${name} is gone.`);
    else if (container.state !== "running" || container.health === "unhealthy")
      found.push(`${name} is ${container.state === "running" ? container.health : container.state}.`);
  }
  return found;
}
