import type { AddressInfo, Socket } from "node:net";
import { createServer, type TLSSocket } from "node:tls";
import type { Certified } from "./certificates";

const types = { data: 0, headers: 1, reset: 3, settings: 4, goAway: 7 } as const;
const endStream = 1;
const endHeaders = 4;
const headerBytes = 9;
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/** Frames that a server can say (RFC 9113, 6). */
export const frames = {
  /** Status 200 and a body. */
  answer: (stream: number, body: string) => Buffer.concat([head(stream), data(stream, body, endStream)]),
  /** Status 200 and the beginning of a body, which is announced with `length` bytes. */
  beginning: (stream: number, body: string, length?: number) =>
    Buffer.concat([head(stream, length), data(stream, body, 0)]),
  reset: (stream: number, code: number) => frame(types.reset, 0, stream, numbers(code)),
  goAway: (lastStream: number, code = 0) => frame(types.goAway, 0, 0, numbers(lastStream, code)),
  settings: (id: number, value: number) => {
    const payload = numbers(0, value).subarray(2);
    payload.writeUInt16BE(id);
    return frame(types.settings, 0, 0, payload);
  },
};

/** The server's end of a connection that speaks HTTP/2 frame by frame, to say what node:http2 would not. */
export class FrameConnection {
  private received = Buffer.alloc(0);
  private isOpen = false;

  /** @param greeting frames to begin with */
  constructor(
    private readonly socket: TLSSocket,
    private readonly greeting: Buffer,
    private readonly onRequest: (connection: FrameConnection, stream: number) => void,
  ) {
    // A client that is gone is the client's business.
    socket.on("error", () => undefined).on("data", (received: Buffer) => this.read(received));
  }

  /** Sends frames as one; nothing any more after the end. */
  say(...said: Buffer[]): void {
    if (this.socket.writable) this.socket.write(Buffer.concat(said));
  }

  /** Sends frames as one, then the connection's end. */
  sayAndEnd(...said: Buffer[]): void {
    this.socket.end(Buffer.concat(said));
  }

  private read(received: Buffer): void {
    this.received = Buffer.concat([this.received, received]);
    if (!this.isOpen) {
      if (this.received.length < preface.length) return;
      this.received = this.received.subarray(preface.length);
      this.isOpen = true;
      this.say(this.greeting);
    }
    while (this.received.length >= headerBytes) {
      const end = headerBytes + this.received.readUIntBE(0, 3);
      if (this.received.length < end) return;
      const type = this.received.readUInt8(3);
      const stream = this.received.readUInt32BE(5);
      this.received = this.received.subarray(end);
      if (type === types.headers) this.onRequest(this, stream);
    }
  }
}

/** What to serve, and how. */
export interface Serving extends Certified {
  /** Frames that a connection begins with; default: settings without any. */
  readonly greeting?: Buffer;
}

/** Serves on a port of its own while `work` runs; `onRequest` gets each request that arrives, with its number over all. */
export async function servingFrames<T>(
  { greeting = frame(types.settings, 0, 0, Buffer.alloc(0)), certificate: cert, key }: Serving,
  onRequest: (connection: FrameConnection, stream: number, count: number) => void,
  work: (url: string) => Promise<T>,
): Promise<T> {
  const sockets = new Set<Socket>();
  let count = 0;
  const server = createServer({ cert, key, ALPNProtocols: ["h2"] }, (socket) => {
    sockets.add(socket);
    new FrameConnection(socket, greeting, (connection, stream) => onRequest(connection, stream, ++count));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    return await work(`https://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

function head(stream: number, length?: number): Buffer {
  const fields = [Buffer.from([0x88])]; // :status: 200, by its number in HPACK's static table (RFC 7541, A)
  if (length !== undefined) {
    const value = String(length);
    fields.push(Buffer.from([0x0f, 0x0d, value.length]), Buffer.from(value)); // content-length, not indexed
  }
  return frame(types.headers, endHeaders, stream, Buffer.concat(fields));
}

function data(stream: number, body: string, flags: number): Buffer {
  return frame(types.data, flags, stream, Buffer.from(body));
}

/** A frame: the length of its payload, its type, its flags, its stream, its payload (RFC 9113, 4.1). */
export function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUIntBE(payload.length, 0, 3);
  header.writeUInt8(type, 3);
  header.writeUInt8(flags, 4);
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, payload]);
}

function numbers(...values: number[]): Buffer {
  const buffer = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) buffer.writeUInt32BE(value, 4 * index);
  return buffer;
}
