import { isIP } from "node:net";
import { checkServerIdentity, type ConnectionOptions, type TLSSocket } from "node:tls";
import type { ClientOptions, Journal } from "./exchange";

/** The host of an address as sockets take it: an IPv6 one without its brackets. */
export function bareHost(host: string): string {
  return host.replace(/^\[|\]$/g, "");
}

/**
 * How to connect for a profile: the name that it asks for goes to the server, and its certificate has to be for that.
 *
 * @param alpn the one protocol to agree on
 */
export function tlsOptions({ url, profile, ca }: ClientOptions, alpn: "http/1.1" | "h2") {
  const name = bareHost((profile.host ?? url.host).replace(/:\d+$/, ""));
  return {
    host: bareHost(url.hostname),
    ...(ca !== undefined && { ca }),
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
