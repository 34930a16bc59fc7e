import { Agent, request, type IncomingHttpHeaders } from "node:http";
import { connect, type Socket } from "node:net";
import { withProxyLine } from "../../lib/proxy-line";

/** What a request came to. */
export interface Answer {
  /** 0 when the connection ended without one. */
  readonly status: number;
  readonly seconds: number;
  /** Its body, or the first megabyte of it. */
  readonly text: string;
  /** Length of its body. */
  readonly bytes: number;
  /** The backend that it came from. */
  readonly from: string;
  readonly headers: IncomingHttpHeaders;
}

export interface Asked {
  readonly method?: string;
  readonly body?: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  readonly agent?: Agent | false;
  /** Bytes of the answer taken in each second. Default: as fast as they come. */
  readonly bytesPerSecond?: number;
}

/** Who asks nginx at one place. */
export class Asker {
  protected place = { host: "", port: 8080 };
  /** Whether each connection begins with a PROXY line. */
  protected hasLine = false;

  /** On a connection of its own, which begins with a PROXY line where nginx takes those, or on one of an agent's. */
  async ask(
    path: string,
    {
      method = "GET",
      body,
      agent = this.hasLine && withProxyLine(new Agent()),
      headers: more,
      bytesPerSecond,
    }: Asked = {},
  ): Promise<Answer> {
    const start = performance.now();
    return new Promise((resolve) => {
      let text = "";
      let bytes = 0;
      const end = (status: number, answered: IncomingHttpHeaders = {}) => {
        const from = String(answered["x-backend"] ?? "");
        resolve({ status, seconds: (performance.now() - start) / 1000, text, bytes, from, headers: answered });
      };
      const headers = { ...more, ...(body ? { "Content-Length": body.length } : {}) };
      const asked = request({ ...this.place, path, method, agent, headers }, (answer) => {
        answer.setEncoding("latin1");
        answer.on("data", (part: string) => {
          bytes += part.length;
          if (text.length < 1e6) text += part;
          if (bytesPerSecond === undefined) return;
          answer.pause();
          setTimeout(() => answer.resume(), (part.length / bytesPerSecond) * 1000);
        });
        answer.on("end", () => end(answer.statusCode ?? 0, answer.headers));
        answer.on("error", () => end(0));
      });
      asked.setTimeout(60_000, () => asked.destroy());
      asked.on("error", () => end(0));
      asked.end(body);
    });
  }

  /**
   * Sends bytes and takes what comes until the connection ends, or nothing has come for a second.
   *
   * @param lines of a request's head, and a PROXY line before it where nginx takes those
   */
  async raw(...lines: string[]): Promise<string> {
    return this.say(lines, (socket, text) => socket.write(text));
  }

  /** The same by a client that closes its side as soon as it has asked. */
  async rawAndClose(...lines: string[]): Promise<string> {
    return this.say(lines, (socket, text) => socket.end(text));
  }

  private async say(lines: readonly string[], how: (socket: Socket, text: string) => unknown): Promise<string> {
    return new Promise((resolve, reject) => {
      let text = "";
      const socket = connect({ ...this.place, allowHalfOpen: true }, () =>
        how(socket, `${lines.join("\r\n")}\r\n\r\n`),
      );
      socket.on("end", () => socket.end());
      socket.setEncoding("latin1");
      socket.on("data", (part: string) => (text += part));
      socket.on("close", () => resolve(text));
      socket.on("error", reject);
      socket.setTimeout(1000, () => socket.destroy());
    });
  }
}
