import {
  connect,
  constants,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
  type OutgoingHttpHeaders,
} from "node:http2";
import { connect as connectTls } from "node:tls";
import { connectWithLine } from "../../lib/proxy-line";
import { failed, type ClientOptions, type Result } from "./exchange";
import { tlsOptions, watchHandshake } from "./tls";

/** A request as HTTP/2 has it. */
export interface Question {
  readonly headers: OutgoingHttpHeaders;
  readonly body: string | undefined;
}

/** What came of a request on one connection; `unprocessed` is the reason for which the server has not processed it. */
export type StreamEnd = Result | { readonly unprocessed: string };

/** How to open a connection. */
export interface Opening extends ClientOptions {
  /** A TLS session to resume. */
  readonly ticket: Buffer | undefined;
  /** Gets the server's next one; undefined when the connection failed. */
  readonly keepTicket: (ticket: Buffer | undefined) => void;
}

type Head = IncomingHttpHeaders & IncomingHttpStatusHeader;

/** A connection that speaks HTTP/2 over TLS. It ends when it is retired and nothing is under way on it. */
export class Http2Connection {
  private readonly session: ClientHttp2Session;
  private connected = false;
  /** Why the connection failed. */
  private failure: Error | undefined;
  /** The last stream that the server may have processed, once it has announced the end. */
  private lastStream = Infinity;
  private underWay = 0;
  private isRetired = false;

  constructor(opening: Opening) {
    const { url, hasLine, ticket, keepTicket, journal } = opening;
    const options = { ...tlsOptions(opening, "h2"), port: Number(url.port || 443), session: ticket };
    const socket = connectTls(hasLine === true ? { ...options, socket: connectWithLine(options) } : options);
    watchHandshake(socket, journal);
    socket.once("secureConnect", () => {
      this.connected = socket.alpnProtocol === "h2";
      if (this.connected) return;
      this.failure = new Error("the server does not offer HTTP/2");
      this.session.destroy(this.failure); // not the socket: a session that begins without one aborts Node.js 20
    });
    socket.on("session", keepTicket);
    socket.once("close", (hadError: boolean) => {
      if (hadError) keepTicket(undefined);
    });
    this.session = connect(url, { createConnection: () => socket });
    for (const part of [socket, this.session]) part.on("error", (error: Error) => (this.failure ??= error));
    this.session.on("goaway", (_code: number, lastStream: number) => (this.lastStream = lastStream));
  }

  /** Whether it is neither retired nor has the server announced or made its end. */
  get isUsable(): boolean {
    return !this.isRetired && !this.session.closed && !this.session.destroyed;
  }

  /** Sends a request on a usable connection, calls `onEnd` once, and returns how to give it up. */
  ask({ headers, body }: Question, onEnd: (end: StreamEnd) => void): () => void {
    const stream = this.session.request(headers);
    let head: Head | undefined;
    let failure: Error | undefined;
    const chunks: Buffer[] = [];
    this.underWay++;
    stream.on("response", (received) => (head = received));
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", (error: Error) => (failure = error));
    stream.on("close", () => {
      const end = this.endOf(stream, head, Buffer.concat(chunks), failure);
      this.underWay--;
      if (this.isRetired) this.retire();
      onEnd(end);
    });
    stream.end(body);
    return () => {
      if (stream.pending) stream.destroy();
      else stream.close(constants.NGHTTP2_CANCEL);
    };
  }

  /** Asks nothing more on it. */
  retire(): void {
    this.isRetired = true;
    // Not within an event: nghttp2 may be at work on the session below it.
    if (this.underWay === 0) setImmediate(() => this.session.destroy());
  }

  /** How a stream that is closed has ended. Its event `end` tells nothing: it comes for answers that were cut off, too. */
  private endOf(
    { id, rstCode }: ClientHttp2Stream,
    head: Head | undefined,
    body: Buffer,
    streamFailure: Error | undefined,
  ): StreamEnd {
    if (rstCode === constants.NGHTTP2_NO_ERROR && head !== undefined && isWhole(head, body)) {
      const { ":status": status = 0, ...headers } = head;
      return { answer: { status, headers, body: body.toString() } };
    }
    const silent = new Error(this.session.destroyed ? "the connection ended" : `the stream was reset, code ${rstCode}`);
    const failure = this.failure ?? streamFailure ?? silent;
    const isRefused = rstCode === constants.NGHTTP2_REFUSED_STREAM || (id ?? 0) > this.lastStream;
    if (isRefused && head === undefined) return { unprocessed: failure.message };
    return failed(failure, this.connected, head !== undefined);
  }
}

/** Whether it has as many bytes as announced: a reset without an error looks like an answer's end (RFC 9113, 8.1). */
function isWhole(head: Head, body: Buffer): boolean {
  return Number(head["content-length"] ?? body.length) === body.length;
}
