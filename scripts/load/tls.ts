import { isIP } from "node:net";
import { checkServerIdentity, connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import { connectWithLine } from "../../lib/proxy-line";
import type { ClientOptions, Journal } from "./exchange";
import type { Address } from "./profile";

/** The host of an address as sockets take it: an IPv6 one without its brackets. */
export function bareHost(host: string): string {
  return host.replace(/^\[|\]$/g, "");
}

/**
 * How to connect for a profile: the name that it asks for goes to the server, and its certificate has to be for that.
 *
 * @param alpn the one protocol to agree on
 */
export function tlsOptions(
  { url, profile, ca }: Pick<ClientOptions, "url" | "ca"> & { profile: { host?: string } },
  alpn: "http/1.1" | "h2",
) {
  const name = bareHost((profile.host ?? url.host).replace(/:\d+$/, ""));
  return {
    host: bareHost(url.hostname),
    // A certificate is enough without those above it.
    ...(ca !== undefined && { ca, allowPartialTrustChain: true }),
    // An address is no name to send (RFC 6066, 3), but certificates may be for one.
    servername: isIP(name) === 0 ? name : "",
    checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
    ALPNProtocols: [alpn],
    rejectUnauthorized: true, // whatever the environment says
  } satisfies ConnectionOptions;
}

/** Tells of the handshake of a connection that has just been begun, when it is complete. */
export function watchHandshake(socket: TLSSocket, journal: Journal): void {
  socket.once("secureConnect", () => journal.handshook(socket.isSessionReused()));
}

/** How long a handshake may take, in milliseconds. */
const patience = 10_000;

/** The certificates that a server shows. */
export interface ServedChain {
  readonly pem: string;
  /** Why a client would not take them; undefined where it would. */
  readonly problem: string | undefined;
}

/**
 * Looks at what a server shows to clients that ask for a name, whatever it is.
 *
 * @returns undefined where there is no handshake
 */
export async function servedChain({ url: text, ca, hasLine }: Address, name: string): Promise<ServedChain | undefined> {
  const url = new URL(text);
  const options = {
    ...tlsOptions({ url, profile: { host: name }, ca }, "http/1.1"),
    port: Number(url.port || 443),
    rejectUnauthorized: false,
  };
  return new Promise((resolve) => {
    const socket = connect(hasLine === true ? { ...options, socket: connectWithLine(options) } : options);
    socket.setTimeout(patience, () => socket.destroy());
    socket.on("error", () => undefined).once("close", () => resolve(undefined));
    socket.once("secureConnect", () => {
      const { authorized, authorizationError } = socket;
      resolve({ pem: chainOf(socket), problem: authorized ? undefined : String(authorizationError) });
      socket.destroy();
    });
  });
}

function chainOf(socket: TLSSocket): string {
  const texts = new Set<string>();
  for (let one = socket.getPeerX509Certificate(); one !== undefined; one = one.issuerCertificate) {
    if (texts.has(one.toString())) break; // one that has signed itself
    texts.add(one.toString());
  }
  return [...texts].join("");
}
