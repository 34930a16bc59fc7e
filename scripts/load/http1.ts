import { Agent, request, type RequestOptions } from "node:http";
import { Agent as TlsAgent, request as requestTls } from "node:https";
import { TLSSocket } from "node:tls";
import { withProxyLine } from "../../lib/proxy-line";
import {
  exchange,
  failed,
  nextPoll,
  type Client,
  type ClientOptions,
  type Journal,
  type Limits,
  type Result,
} from "./exchange";
import { bareHost, tlsOptions, watchHandshake } from "./tls";

/** A client that speaks HTTP/1.1, in plain or over TLS. */
export class Http1Client implements Client {
  private readonly agent: Agent;

  constructor(private readonly options: ClientOptions) {
    const { url, profile, hasLine } = options;
    const { keepAlive, resumption = true } = profile;
    const isTls = url.protocol === "https:";
    // An agent keeps the TLS sessions itself: its socket's last one, as long as no connection fails.
    const tls = { ...tlsOptions(options, "http/1.1"), maxCachedSessions: resumption ? 1 : 0 };
    const agent = isTls ? new TlsAgent({ keepAlive, maxSockets: 1, ...tls }) : new Agent({ keepAlive, maxSockets: 1 });
    this.agent = hasLine === true ? withProxyLine(agent, isTls) : agent;
  }

  ask(body: string | undefined, limits: Limits): Promise<Result> {
    const { url, journal } = this.options;
    const { host, method, path } = this.options.profile;
    const headers = {
      ...(host !== undefined && { Host: host }),
      ...(body !== undefined && { "Content-Length": Buffer.byteLength(body) }),
    };
    const target = { host: bareHost(url.hostname), port: url.port, path, method, agent: this.agent, headers };
    return ask(target, body, limits, journal);
  }

  async tidy(): Promise<void> {
    if (!this.options.profile.keepAlive) return;
    await nextPoll();
    dropEndedSockets(this.agent);
  }

  close(): void {
    this.agent.destroy();
  }
}

/** Sends one request, once, by the options' agent. */
export function ask(
  options: RequestOptions & { agent: Agent },
  body: string | undefined,
  limits: Limits,
  journal: Journal,
): Promise<Result> {
  return exchange((settle) => {
    const isTls = options.agent instanceof TlsAgent;
    let connected = false;
    let begun = false;
    const fail = (error: Error) => settle(failed(error, connected, begun));

    const outgoing = (isTls ? requestTls : request)(options, (response) => {
      begun = true;
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("error", fail);
      response.on("end", () =>
        settle({ answer: { status: response.statusCode ?? 0, headers: response.headers, body: text } }),
      );
    });
    outgoing.once("socket", (socket) => {
      connected = outgoing.reusedSocket;
      if (connected) return;
      socket.once(isTls ? "secureConnect" : "connect", () => (connected = true));
      if (socket instanceof TLSSocket) watchHandshake(socket, journal);
    });
    outgoing.on("error", fail);
    outgoing.end(body);
    return () => outgoing.destroy();
  }, limits);
}

/** Drops the idle connections that the server has ended. Node.js itself would still write to one for an instant. */
export function dropEndedSockets(agent: Agent): void {
  for (const sockets of Object.values(agent.freeSockets))
    for (const socket of sockets ?? []) if (socket.readableEnded) socket.destroy();
}
