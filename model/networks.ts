import { isIP } from "node:net";
import { z } from "zod";
import { rule } from "./rules";

/** Addresses that begin with the same bits: one address, or a network. */
export interface Network {
  /** 32 for IPv4, 128 for IPv6. */
  readonly width: 32 | 128;
  /** Its address as a number. */
  readonly bits: bigint;
  /** How many bits, from the first one, all of its addresses have in common: 1 to `width`. */
  readonly length: number;
}

/**
 * Reads an address or a network as nginx takes it: no zone, no bit set behind the common ones, no IPv4 address in IPv6's
 * spelling, which a peer that is compared with it never has, and not every address at all.
 *
 * @returns undefined for another text
 */
export function parseNetwork(text: string): Network | undefined {
  const network = read(text);
  if (network === undefined) return undefined;
  const { width, bits } = unmapped(masked(network));
  return width === network.width && bits === network.bits ? network : undefined;
}

/** What a text should be that names no network. */
export function expectedFor(text: string): string {
  return networkMeant(text) ?? "an IPv4 or IPv6 address or network, for example 10.0.0.0/8 or 2001:db8::7";
}

/** Rule of a setting that is several addresses and networks of clients. */
export const networkList = rule("a list of up to 1000 addresses and networks", (e) => {
  const error = ({ input }: { readonly input?: unknown }) =>
    `expected ${expectedFor(typeof input === "string" ? input : "")}`;
  return z
    .array(
      z.string({ error }).refine((text) => parseNetwork(text) !== undefined, { error }),
      e,
    )
    .max(1000, e);
});

/** The network that a text means which says too much for one, as {@link showNetwork} writes it; undefined where that is anybody's guess. */
export function networkMeant(text: string): string | undefined {
  const network = read(text.trim().replace(/%[^/]*/, ""));
  return network && showNetwork(unmapped(masked(network)));
}

/** A network in one spelling, with its length unless it is one address; of IPv6 the one of RFC 5952. */
export function showNetwork({ width, bits, length }: Network): string {
  const size = width === 32 ? 8n : 16n;
  const parts = Array.from({ length: width / Number(size) }, (_, at) =>
    BigInt.asUintN(Number(size), bits >> (BigInt(width) - size * BigInt(at + 1))),
  );
  const address = width === 32 ? parts.join(".") : shorten(parts.map((part) => part.toString(16)).join(":"));
  return length === width ? address : `${address}/${length}`;
}

function read(text: string): Network | undefined {
  const [, address = "", prefix] = /^([^/%]+)(?:\/([1-9][0-9]{0,2}))?$/.exec(text) ?? [];
  const family = isIP(address);
  if (family === 0) return undefined;
  const width = family === 4 ? 32 : 128;
  const length = prefix === undefined ? width : Number(prefix);
  if (length > width) return undefined;
  const bits =
    family === 4
      ? numberOf(address.split("."), 8n)
      : numberOf(
          groupsOf(address).map((group) => `0x${group}`),
          16n,
        );
  return { width, length, bits };
}

function masked(network: Network): Network {
  const rest = BigInt(network.width - network.length);
  return { ...network, bits: (network.bits >> rest) << rest };
}

/** An IPv4 network that is written as one of IPv6 (RFC 4291, 2.5.5.2). */
function unmapped(network: Network): Network {
  const { width, bits, length } = network;
  if (width === 32 || length <= 96 || bits >> 32n !== 0xffffn) return network;
  return { width: 32, bits: BigInt.asUintN(32, bits), length: length - 96 };
}

function numberOf(parts: readonly string[], size: bigint): bigint {
  return parts.reduce((sum, part) => (sum << size) + BigInt(part), 0n);
}

/** The eight groups of an IPv6 address. */
function groupsOf(address: string): string[] {
  const [head = [], tail = []] = shorten(address)
    .split("::")
    .map((half) => half.split(":").filter(Boolean));
  return [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => "0"), ...tail];
}

/** An IPv6 address as URLs have it. */
function shorten(address: string): string {
  return new URL(`http://[${address}]`).hostname.slice(1, -1);
}
