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

/** Many new connections with TLS, one after the other, and what became of them. */
export class Handshakes {
  made = 0;
  readonly failed: string[] = [];
  readonly serials = new Set<string>();
  private stopped = false;
  private readonly ended: Promise<unknown>;

  constructor(port: number, ca: string, names: readonly string[]) {
    const client = async (servername: string) => {
      while (!this.stopped) {
        const { certificate } = await handshake({ port, ca, servername }).catch((error: unknown) => {
          this.failed.push(`${servername}: ${String(error)}`);
          return { certificate: undefined };
        });
        this.made += 1;
        if (certificate !== undefined) this.serials.add(`${servername} ${certificate.serialNumber}`);
      }
    };
    this.ended = Promise.all(names.map(client));
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.ended;
  }

  /** How many certificates of a host were seen. */
  seen(host: string): number {
    return [...this.serials].filter((line) => line.startsWith(`${host} `)).length;
  }
}
