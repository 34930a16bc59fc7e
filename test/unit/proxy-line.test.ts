import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener, type Server as HttpServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { createServer as createSocketServer, type AddressInfo, type Socket } from "node:net";
import { askFromHere, checkHeader } from "../../rollout/steps/public-address";
import { startLoad } from "../../scripts/load/load";
import { certificateOf } from "../certificates";

/** Serves on a port of its own while `work` runs, and takes a line off each connection first. */
async function serving(server: HttpServer, work: (port: number) => Promise<unknown>): Promise<string[]> {
  const lines: string[] = [];
  const sockets = new Set<Socket>();
  const front = createSocketServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.once("readable", () => {
      const bytes = (socket.read() as Buffer | null) ?? Buffer.alloc(0);
      const end = bytes.indexOf("\n") + 1;
      lines.push(bytes.subarray(0, end).toString());
      socket.unshift(bytes.subarray(end));
      server.emit("connection", socket);
    });
  }).listen(0, "127.0.0.1");
  await once(front, "listening");
  try {
    await work((front.address() as AddressInfo).port);
  } finally {
    for (const socket of sockets) socket.destroy();
    front.close();
  }
  return lines;
}

const answer: RequestListener = (_, response) => response.setHeader(checkHeader, "id a-0").end();
const question = { upstream: "backends", path: "/", host: "shop.example", shown: "/", isLast: true };
const line = "PROXY UNKNOWN\r\n";
const works = { status: 200, release: "id", server: "a-0" };

describe("a PROXY line", () => {
  it("comes before a request", async () => {
    const lines = await serving(createServer(answer), async (port) =>
      assert.deepEqual(await askFromHere(`http://127.0.0.1:${port}`, { ...question, isTls: false }, "id", true), works),
    );
    assert.deepEqual(lines, [line]);
  });

  it("comes before the handshake of TLS", async () => {
    const { certificate: cert, key } = await certificateOf(["shop.example"]);
    const lines = await serving(createSecureServer({ cert, key }, answer), async (port) =>
      assert.deepEqual(await askFromHere(`https://127.0.0.1:${port}`, { ...question, isTls: true }, "id", true), works),
    );
    assert.deepEqual(lines, [line]);
  });

  it("comes once for each connection of a load", async () => {
    const profile = { method: "GET", path: "/", clients: 1 } as const;
    const lines = await serving(createServer(answer), async (port) => {
      const load = startLoad({
        url: `http://127.0.0.1:${port}`,
        hasLine: true,
        maxSeconds: 10,
        maxRequests: 6,
        profiles: [{ name: "kept", keepAlive: true, ...profile }],
      });
      await load.ended;
      assert.deepEqual([load.total().sent, load.total().lost], [6, 0]);
    });
    assert.deepEqual(lines, [line]);
  });
});
