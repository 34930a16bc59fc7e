import { X509Certificate } from "node:crypto";
import type { Answer } from "./exchange";

/** What a client asks, again and again. */
export interface Profile {
  /** Name in the books. */
  readonly name: string;
  readonly method: "GET" | "POST";
  readonly path: string;
  /**
   * Name that is asked for, in the header and in the TLS handshake (SNI); the server's certificate has to be for it.
   * Default: that of the address.
   */
  readonly host?: string;
  /** Default: "http/1.1". "http/2" needs TLS. */
  readonly protocol?: "http/1.1" | "http/2";
  /** Body of a POST, made for each request anew. */
  readonly body?: () => string;
  /** Whether a client keeps its connection; otherwise each request has one of its own. */
  readonly keepAlive: boolean;
  /** Whether a client resumes its last TLS session on a new connection, as browsers do; default true. */
  readonly resumption?: boolean;
  /** Clients at work at the same time, each with one request after the other. */
  readonly clients: number;
  /** Requests that a client has under way at the same time, on one connection: HTTP/2 that keeps it; default 1. */
  readonly streams?: number;
  /** Pause of a client between two requests, in milliseconds; default 0. */
  readonly pauseMilliseconds?: number;
  /** Why an answer is wrong; undefined when it is right. Default: any status but 200 is wrong. */
  readonly check?: (answer: Answer, body: string | undefined) => string | undefined;
  /** What to count the right answers by, such as their version. */
  readonly tag?: (answer: Answer) => string | undefined;
}

/** Whom clients ask. */
export interface Address {
  /** The one address that is asked, for example http://127.0.0.1:8080 or https://127.0.0.1:8443. */
  readonly url: string;
  /** A host other than this host's loopback that may be asked: exactly the one in `url`. Default: none. */
  readonly allowHost?: string;
  /** Certificates of the authorities to trust, PEM. Default: those that Node.js comes with. */
  readonly ca?: string;
  /** Whether connections begin with a PROXY line. Default: no. */
  readonly hasLine?: boolean;
}

/** More streams than this a server need not allow (RFC 9113, 6.5.2); others would wait for their turn. */
const mostStreams = 100;

/**
 * The address to ask.
 *
 * @throws Error for one that is neither this host's loopback nor allowed by name, and for a `ca` that is no certificate
 */
export function checkedUrl({ url: text, allowHost, ca }: Address): URL {
  const url = new URL(text);
  if (!["http:", "https:"].includes(url.protocol))
    throw new Error(`url: got ${text}, expected an address that begins with http:// or https://`);
  if (!isLoopback(url.hostname) && url.hostname !== allowHost)
    throw new Error(`url: got ${text}, expected an address of this host's loopback, or its host named by allowHost`);
  if (ca !== undefined && !isCertificate(ca)) throw new Error("ca: expected certificates, PEM");
  return url;
}

/** @throws Error for a profile that can't be asked for at this address */
export function checkProfile({ name, protocol, keepAlive, streams = 1 }: Profile, url: URL): void {
  const isHttp2 = protocol === "http/2";
  if (isHttp2 && url.protocol !== "https:")
    throw new Error(`profile ${name}: got http/2 for ${url.origin}, expected an address that begins with https://`);
  const most = isHttp2 && keepAlive ? mostStreams : 1;
  if (!Number.isInteger(streams) || streams < 1 || streams > most)
    throw new Error(
      `profile ${name}: got ${streams} streams, expected an integer from 1 to ${most}` +
        (most === 1 ? ", since only HTTP/2 with keepAlive has several" : ""),
    );
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).serialNumber !== "";
  } catch {
    return false;
  }
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}
