import type { Destination } from "../model/release";
import type { ObservedContainer } from "./observed";

type Owners = Pick<Destination, "owners">;

/** The containers that a stack may end: its own, those of the state that it has taken over, and entries that came from further back. */
export function ownOf(
  containers: readonly ObservedContainer[],
  { owners, entries }: Owners & Pick<Destination, "entries">,
): ObservedContainer[] {
  const kept = new Set(entries.map(({ id }) => id));
  return containers.filter(({ id, owner }) => owner === "" || owners.includes(owner) || kept.has(id));
}

/** Whether one of those is known to no state: another one made it, which was lost. */
export function isAdopted({ owner }: ObservedContainer, { owners: [own] }: Owners): boolean {
  return owner !== "" && owner !== own;
}
