import type { Destination } from "../model/release";
import type { ObservedContainer } from "./observed";
import { isAdopted } from "./ownership";

/** Backends that should serve and are off their network: Docker goes on finding them healthy. */
export function containersApart(own: readonly ObservedContainer[], { containers }: Destination): ObservedContainer[] {
  const wanted = new Set(Object.values(containers));
  return own.filter((one) => wanted.has(one.id) && isApart(one));
}

/** Whether a container was taken off the network that it was made for. */
export function isApart({ network, networks }: ObservedContainer): boolean {
  return network !== "" && !networks.includes(network);
}

/** Where backends are that the balancer doesn't reach: those of now and of before, which serve until the switch. */
export function networksToJoin(own: readonly ObservedContainer[], destination: Destination): string[] {
  const { balancer } = destination;
  const on = new Set(own.find(({ id }) => id === balancer)?.networks);
  // Those of a state that is taken over are asked by their own balancer until they end. What backends of before apps had networks
  // were reached on, their balancer alone tells.
  const asked = own.filter((one) => !isAdopted(one, destination));
  const needed = asked.flatMap(({ id, role, state, network, networks }) => {
    if (role === "backend") return network;
    return role === "balancer" && id !== balancer && state === "running" ? networks : [];
  });
  return [...new Set(needed)].filter((network) => network !== "" && !on.has(network));
}

/** Where the balancer is in the end, and no backend is any more: the engine can't remove a network before. */
export function networksLeft(
  own: readonly ObservedContainer[],
  { balancer, containers, entries }: Destination,
  joined: readonly string[],
): string[] {
  const wanted = new Set(Object.values(containers));
  const needed = new Set([
    ...own.flatMap(({ id, network }) => (wanted.has(id) ? network : [])),
    ...entries.map(({ network }) => network),
  ]);
  const on = own.find(({ id }) => id === balancer)?.networks ?? [];
  return [...on, ...joined].filter((network) => !needed.has(network));
}
