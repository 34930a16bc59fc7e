import { connect, type PeerCertificate } from "node:tls";

/** What a client of TLS gets to know. */
export interface Handshake {
  readonly certificate: PeerCertificate;
  readonly protocol: string | null;
  /** h2, http/1.1, or false where nothing was agreed on. */
  readonly alpn: string | false | null;
  readonly isResumed: boolean;
  /** What the session is resumed by; undefined where none came within the first second. */
  readonly session: Buffer | undefined;
}

export interface HandshakeOptions {
  readonly port: number;
  /** The name that is asked for; default: none is said. */
  readonly servername?: string;
  /** Whom the client trusts, PEM. */
  readonly ca: string;
  readonly session?: Buffer;
}

/**
 * Makes a connection with TLS to 127.0.0.1, and ends it.
 *
 * @param patience how long to wait for what the session is resumed by, in milliseconds; default 0
 * @throws Error where the handshake fails, or the certificate is not one that the client trusts for the name
 */
export async function handshake(
  { servername, session, ...options }: HandshakeOptions,
  patience = 0,
): Promise<Handshake> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      ...options,
      host: "127.0.0.1",
      ALPNProtocols: ["h2", "http/1.1"],
      ...(servername !== undefined && { servername }),
      ...(session !== undefined && { session }),
    });
    let ticket: Buffer | undefined;
    const end = () => {
      resolve({
        certificate: socket.getPeerCertificate(),
        protocol: socket.getProtocol(),
        alpn: socket.alpnProtocol,
        isResumed: socket.isSessionReused(),
        session: ticket,
      });
      socket.destroy();
    };
    socket.setTimeout(10_000, () => socket.destroy(new Error("no handshake within 10 s")));
    socket.on("error", reject).on("session", (made: Buffer) => {
      ticket = made;
      if (patience > 0) end();
    });
    socket.on("secureConnect", () => (patience > 0 ? setTimeout(end, patience) : end()));
  });
}
