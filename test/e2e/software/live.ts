import assert from "node:assert/strict";
import { once, type EventEmitter } from "node:events";
import type { IncomingMessage } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { request } from "node:https";
import type { Readable } from "node:stream";
import { busyness, until } from "../until";
import { hosts, type SoftwareSite } from "./site";

/** What is used of a client of ws, which the app's folder has. */
interface Socket extends EventEmitter {
  send(data: string): void;
  terminate(): void;
}
type SocketClass = new (url: string, options: object) => Socket;

/** A WebSocket with a message under way at all times. */
class Chat {
  answered = 0;
  closed: { readonly code: number; readonly at: number } | undefined;
  readonly wrong: string[] = [];
  private readonly socket: Socket;

  constructor(site: SoftwareSite) {
    const { WebSocket } = createRequire(join(site.liveFolder, "server.js"))("ws") as { WebSocket: SocketClass };
    const createConnection = () => site.connect(hosts.live, "http/1.1");
    this.socket = new WebSocket(site.address("live", "/socket").replace("https:", "wss:"), { createConnection });
    const send = () => this.closed ?? this.socket.send(String(this.answered));
    this.socket.on("open", send).on("message", (data: Buffer) => {
      if (data.toString() !== `https ${this.answered}`) this.wrong.push(data.toString());
      this.answered += 1;
      setTimeout(send, 20);
    });
    this.socket.on("error", (error) => this.wrong.push(String(error)));
    this.socket.on("close", (code: number) => (this.closed = { code, at: performance.now() }));
  }

  /** Waits until it has gone on from here. */
  async goesOn(): Promise<void> {
    const answered = this.answered;
    await until("10 messages have come back", 10, () => {
      assert.deepEqual([this.closed, this.wrong], [undefined, []]);
      return this.answered >= answered + 10;
    });
  }

  end(): void {
    this.socket.terminate();
  }
}

/** @param get the site, once it is there */
export function describeLive(get: () => SoftwareSite): void {
  for (const protocol of ["http/1.1", "h2"] as const)
    it(`has its events arrive at once, with ${protocol}`, async () => {
      const send = async (data: string) => (await get().ask("live", "/send", { method: "POST", body: data })).text;
      await until("nobody listens", 10, async () => (await send("first")) === "0");
      const [listening, end] = await listen(get(), protocol);
      try {
        let received = "";
        listening.setEncoding("utf8").on("data", (text: string) => (received += text));
        await until("somebody listens", 10, async () => (await send("first")) === "1");
        for (const data of ["a", "b", "x".repeat(20_000), "c"]) {
          await send(data);
          // Nothing comes after it that could push it on.
          await until("the event is there", 5, () => received.endsWith(`data: ${data}\n\n`));
        }
      } finally {
        end();
      }
    });

  it("keeps a WebSocket through two reloads and a roll until the drain ends, when nginx closes it, not the app", async () => {
    const site = get();
    const chat = new Chat(site);
    try {
      await chat.goesOn();
      const began = performance.now();
      await site.change({ accessLog: "all" });
      const reloaded = performance.now();
      await chat.goesOn();
      await site.change({ requestTimeoutSeconds: 61 });
      await chat.goesOn();
      await site.roll("live");
      // The roll has waited for it.
      const { code, at } = chat.closed ?? assert.fail("it is still open");
      assert.deepEqual([code, chat.wrong], [1006, []]);
      assert.ok(at - began >= site.drainSeconds * 1000, `closed after ${at - began} ms`);
      assert.ok(at - reloaded <= (site.drainSeconds + 2 * busyness()) * 1000, `closed after ${at - reloaded} ms`);
    } finally {
      chat.end();
    }
    const next = new Chat(site);
    try {
      await next.goesOn();
    } finally {
      next.end();
    }
  });
}

/** Listens to the events; gives what comes, and what ends it. */
async function listen(site: SoftwareSite, protocol: "http/1.1" | "h2"): Promise<[Readable, () => void]> {
  const headers = { accept: "text/event-stream" };
  if (protocol === "h2") {
    const session = site.http2("live");
    return [session.request({ ":path": "/events", ...headers }), () => session.destroy()];
  }
  const createConnection = () => site.connect(hosts.live, protocol);
  const asked = request(site.address("live", "/events"), { headers, createConnection });
  const [answer] = (await once(asked.end(), "response")) as [IncomingMessage];
  return [answer, () => asked.destroy()];
}
