import { isExporter } from "../model/metrics";
import { isApart } from "./memberships";
import type { ObservedContainer, Overview } from "./observed";

/**
 * What keeps a stack from serving as it was installed, as far as the host alone tells it: a sentence each. The next update
 * mends all of it.
 *
 * @param listens the addresses that entries are to publish
 * @param exporters the addresses at which a Prometheus is to be answered
 */
export function ailments(
  { containers, volume, served, unreachable, images }: Overview,
  balancer: ObservedContainer | undefined,
  listens: readonly string[],
  exporters: readonly string[] = [],
): string[] {
  const found: string[] = [];
  if (balancer?.state !== "running") found.push(`The balancer is ${balancer?.state ?? "gone"}.`);
  // Balancers of before there were entries have the port themselves.
  const hasOwnPort = balancer?.ports.includes("->") === true;
  const closed = (hasOwnPort ? [] : listens).flatMap((address) => {
    const entry = bestOf(containers.filter(({ listen }) => listen === address));
    return entry?.state === "running" ? [] : `The entry of ${address} is ${entry?.state ?? "gone"}.`;
  });
  found.push(...closed);
  if (closed.length === 0) found.push(...unreachable.map((url) => `Nothing accepts connections at ${url}.`));
  const keeper = bestOf(containers.filter(({ role }) => role === "acme"));
  if (keeper !== undefined && keeper.state !== "running")
    found.push(`The container that gets certificates is ${keeper.state}.`);
  for (const address of exporters) {
    const one = bestOf(containers.filter((other) => isExporter(other) && other.listen === address));
    if (one?.state !== "running") found.push(`What answers a Prometheus at ${address} is ${one?.state ?? "gone"}.`);
  }
  const { release, intact } = volume;
  if (release !== undefined && intact === false) found.push("The configuration on the volume was edited.");
  if (release !== undefined && intact === undefined && balancer?.state === "running")
    found.push("The balancer does not say what it serves: it ends or begins just now.");
  if (release === undefined && containers.length > 0)
    found.push("The balancer's volume holds no configuration that was installed.");
  if (release !== undefined && served !== undefined && served !== release.id)
    found.push(`nginx serves configuration ${served} instead of ${release.id}.`);
  for (const [name, id] of Object.entries(release?.containers ?? {})) {
    const container = containers.find((candidate) => candidate.id === id);
    if (container === undefined) found.push(`${name} is gone.`);
    else if (container.state !== "running" || container.health === "unhealthy")
      found.push(`${name} is ${container.state === "running" ? container.health : container.state}.`);
    else if (isApart(container)) found.push(`${name} is off its network.`);
    else if (container.network !== "" && balancer?.networks.includes(container.network) === false)
      found.push(`The balancer is off the network of ${container.app}.`);
  }
  for (const image of images)
    found.push(`Image ${image} was built by an update that did not finish: the next one removes it.`);
  return [...new Set(found)];
}

/** Of containers for one thing, that which does it, or else the newest. */
function bestOf(containers: readonly ObservedContainer[]): ObservedContainer | undefined {
  return containers.find(({ state }) => state === "running") ?? containers[0];
}
