import { connect as connectHttp2 } from "node:http2";
import { request } from "node:https";
import type { TLSSocket } from "node:tls";
import { text } from "node:stream/consumers";

/** What to ask with TLS, on a connection of its own. */
export interface AskedTls {
  readonly port: number;
  /** Whom the client trusts, PEM. */
  readonly ca: string;
  /** The name in the handshake. */
  readonly servername: string;
  /** The name in the request; default: the same. */
  readonly host?: string;
  readonly path?: string;
  readonly protocol?: "http/1.1" | "http/2";
}

export interface AnswerTls {
  readonly status: number;
  /** The version of the app that has answered; "nginx" where none has. */
  readonly version: string;
  readonly body: string;
  /** Of the certificate that the connection was made with. */
  readonly serial: string;
}

/** @throws Error where no whole answer comes */
export async function askTls(asked: AskedTls): Promise<AnswerTls> {
  return asked.protocol === "http/2" ? askHttp2(asked) : askHttp1(asked);
}

async function askHttp1({ host, path = "/", port, ca, servername }: AskedTls): Promise<AnswerTls> {
  const headers = { Host: host ?? servername };
  return new Promise((resolve, reject) => {
    request({ host: "127.0.0.1", port, ca, servername, path, headers, agent: false }, (answer) => {
      const serial = serialOf(answer.socket as TLSSocket);
      text(answer).then(
        (body) => resolve({ ...answerOf(answer.statusCode, answer.headers["x-version"], body), serial }),
        reject,
      );
    })
      .on("error", reject)
      .end();
  });
}

async function askHttp2({ host, path = "/", port, ca, servername }: AskedTls): Promise<AnswerTls> {
  const session = connectHttp2(`https://127.0.0.1:${port}`, { ca, servername });
  try {
    return await new Promise((resolve, reject) => {
      session.on("error", reject);
      const stream = session.request({ ":path": path, ":authority": host ?? servername });
      stream.on("error", reject).on("response", ({ ":status": status, "x-version": version }) => {
        const serial = serialOf(session.socket as TLSSocket);
        text(stream).then((body) => resolve({ ...answerOf(status, version, body), serial }), reject);
      });
    });
  } finally {
    session.destroy();
  }
}

function serialOf(socket: TLSSocket): string {
  return socket.getPeerCertificate().serialNumber;
}

function answerOf(status: number | undefined, version: string | string[] | undefined, body: string) {
  return { status: status ?? 0, version: String(version ?? "nginx"), body };
}
