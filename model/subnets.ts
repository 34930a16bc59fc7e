import { z } from "zod";
import { UserError } from "../lib/errors";
import { parseNetwork, showNetwork, type Network } from "./networks";
import { rule } from "./rules";

/** Common bits of an app's network: its 510 addresses are enough for 200 backends, their successors and the balancer. */
const length = 23;

/** The addresses that no one has on the public net (RFC 1918, RFC 6598). */
const privateNetworks = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"];

export const subnetsSchema = rule(
  `an IPv4 network of private addresses with 8 to ${length} common bits, for example 10.83.0.0/16`,
  (e) => z.string(e).refine((text) => text === "" || isPool(text), e),
);

function isPool(text: string): boolean {
  const pool = parseNetwork(text);
  return pool !== undefined && pool.length <= length && networksIn(privateNetworks).some((one) => contains(one, pool));
}

/** A network that Docker has. */
export interface TakenNetwork {
  /** Its addresses, as Docker writes them; none for one like `host`. */
  readonly subnets: readonly string[];
  /** The app of this stack whose own it is. */
  readonly app?: string | undefined;
}

/** What Docker takes the addresses of networks from: networks with `Size` common bits out of `Base`. */
export interface AddressPool {
  readonly Base: string;
  readonly Size: number;
}

/** Docker's pools where its configuration names none (`default-address-pools` of dockerd). */
export const dockersPools: readonly AddressPool[] = [
  { Base: "172.17.0.0/16", Size: 16 },
  { Base: "172.18.0.0/15", Size: 16 },
  { Base: "172.20.0.0/14", Size: 16 },
  { Base: "172.24.0.0/13", Size: 16 },
  { Base: "192.168.0.0/16", Size: 20 },
];

/**
 * Deals each app a network of its own out of a pool: the one that it has, or the first one of which nobody else has an address.
 *
 * @param pool as the setting `subnets` has it
 * @returns networks by app, as Docker takes them
 * @throws UserError where the pool has too few
 */
export function dealSubnets(
  pool: string,
  apps: readonly string[],
  taken: readonly TakenNetwork[],
): Map<string, string> {
  const blocks = blocksOf(pool, length);
  const texts = new Set(blocks.map(showNetwork));
  const own = new Map<string, string>();
  for (const { app, subnets } of taken) {
    const block = subnets.find((one) => texts.has(one));
    if (app !== undefined && block !== undefined && apps.includes(app)) own.set(app, block);
  }
  const fresh = freeOf(blocks, taken);
  const lacking = apps.filter((app) => !own.has(app));
  if (lacking.length > fresh.length)
    throw new UserError(
      `subnets: got ${JSON.stringify(pool)}, expected room for ${lacking.length} more networks of 512 addresses, one an app: ` +
        `${fresh.length} of its ${blocks.length} are free`,
    );
  for (const [index, app] of lacking.entries()) own.set(app, showNetwork(fresh[index] as Network));
  return own;
}

/** How many networks Docker can still make of its pools. */
export function countFree(pools: readonly AddressPool[], taken: readonly TakenNetwork[]): number {
  return freeOf(
    pools.flatMap(({ Base, Size }) => blocksOf(Base, Size)),
    taken,
  ).length;
}

function freeOf(blocks: readonly Network[], taken: readonly TakenNetwork[]): Network[] {
  const used = networksIn(taken.flatMap(({ subnets }) => subnets));
  return blocks.filter((block) => !used.some((one) => contains(one, block) || contains(block, one)));
}

/** The IPv4 networks of a length that a network consists of, in order. */
function blocksOf(pool: string, to: number): Network[] {
  return networksIn([pool]).flatMap(({ width, bits, length: from }) => {
    if (width !== 32 || to < from) return [];
    const step = 1n << BigInt(32 - to);
    return Array.from({ length: 2 ** (to - from) }, (_, at) => ({ width, bits: bits + step * BigInt(at), length: to }));
  });
}

function networksIn(texts: readonly string[]): Network[] {
  return texts.flatMap((text) => parseNetwork(text) ?? []);
}

function contains(outer: Network, inner: Network): boolean {
  const rest = BigInt(outer.width - outer.length);
  return outer.width === inner.width && outer.length <= inner.length && outer.bits >> rest === inner.bits >> rest;
}
