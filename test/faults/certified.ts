import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { IncomingHttpHeaders } from "node:http";
import { connect as connectHttp2, type OutgoingHttpHeaders } from "node:http2";
import { request } from "node:https";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text as readAll } from "node:stream/consumers";
import { connect as connectTls, type TLSSocket } from "node:tls";
import type { CertificateFiles } from "../../model/certificates";
import { tlsListenPort } from "../../model/layout";
import type { Settings } from "../../model/settings";
import { tlsOptions } from "../../scripts/load/tls";
import { authority, certificateOf } from "../certificates";

export const protocols = ["http/1.1", "h2"] as const;
export type Protocol = (typeof protocols)[number];

/** The answer to one request. */
export interface AnswerTls {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The backend that it came from. */
  readonly from: string;
  readonly body: string;
}

const name = "shop.example";

/** The host that a rig serves with TLS, at its own address, and whatever else has a certificate there. */
export class CertifiedHost {
  readonly name = name;
  private readonly certificates: CertificateFiles[] = [];

  private constructor(
    private readonly folder: string,
    readonly ca: string,
  ) {}

  /** @param names of each certificate */
  static async create(...names: readonly (readonly string[])[]): Promise<CertifiedHost> {
    const root = await authority("Root");
    const own = new CertifiedHost(await mkdtemp(join(tmpdir(), "nlb-certified-")), root.certificate);
    for (const [at, covered] of (names.length === 0 ? [[name]] : names).entries()) {
      const [certificateFile, privateKeyFile] = [join(own.folder, `${at}.crt`), join(own.folder, `${at}.key`)];
      const { certificate, key } = await certificateOf(covered, root);
      await writeFile(certificateFile, `${certificate}\n${root.certificate}`);
      await writeFile(privateKeyFile, key);
      own.certificates.push({ certificateFile, privateKeyFile });
    }
    return own;
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true });
  }

  settings(port: number = tlsListenPort): NonNullable<Settings["tls"]> {
    const { certificates } = this;
    return { port, certificates, redirect: false, hsts: 0, hstsPreload: false, profile: "intermediate" };
  }

  /** A connection without TLS. */
  async connect(host: string, port: number = tlsListenPort): Promise<Socket> {
    const socket = connect({ host, port });
    await once(socket, "connect");
    return socket;
  }

  /** Begins with TLS on a connection, which may have sent something before. */
  async handshake(socket: Socket, protocol: Protocol, host: string = this.name): Promise<TLSSocket> {
    const options = tlsOptions({ url: new URL(`https://${this.name}`), profile: { host }, ca: this.ca }, protocol);
    const secure = connectTls({ ...options, socket });
    await Promise.race([once(secure, "secureConnect"), endOf(socket)]);
    return secure;
  }

  /** Asks once, by the protocol that the handshake has agreed on, and closes the connection. */
  async ask(socket: TLSSocket, path: string, headers: OutgoingHttpHeaders = {}): Promise<AnswerTls> {
    try {
      const ask = socket.alpnProtocol === "h2" ? this.askHttp2 : this.askHttp1;
      return await Promise.race([ask.call(this, socket, path, headers), endOf(socket)]);
    } finally {
      socket.destroy();
    }
  }

  private askHttp1(socket: TLSSocket, path: string, headers: OutgoingHttpHeaders): Promise<AnswerTls> {
    return new Promise((resolve, reject) => {
      request({ path, headers: { Host: this.name, ...headers }, createConnection: () => socket }, (answer) => {
        const { statusCode: status = 0, headers: got } = answer;
        const from = String(got["x-backend"]);
        readAll(answer).then((body) => resolve({ status, headers: got, from, body }), reject);
      })
        .on("error", reject)
        .end();
    });
  }

  private async askHttp2(socket: TLSSocket, path: string, headers: OutgoingHttpHeaders): Promise<AnswerTls> {
    const [answer] = await this.askTogether(socket, path, [headers]);
    return answer as AnswerTls;
  }

  /** Asks with each of several headers at the same time, on one connection that speaks HTTP/2. */
  async askTogether(
    socket: TLSSocket,
    path: string,
    several: readonly OutgoingHttpHeaders[],
  ): Promise<readonly AnswerTls[]> {
    const session = connectHttp2(`https://${this.name}`, { createConnection: () => socket });
    const ask = (headers: OutgoingHttpHeaders) =>
      new Promise<AnswerTls>((resolve, reject) => {
        session.on("error", reject);
        const stream = session.request({ ":path": path, ...headers }).on("error", reject);
        stream.on("response", ({ ":status": status = 0, ...got }) => {
          const from = String(got["x-backend"]);
          readAll(stream).then((body) => resolve({ status, headers: got, from, body }), reject);
        });
      });
    session.setMaxListeners(0);
    return Promise.all(several.map(ask));
  }
}

/** Rejects when a connection is closed, or has been. */
async function endOf(socket: Socket): Promise<never> {
  if (!socket.closed) await once(socket, "close");
  throw new Error("the connection was closed");
}
