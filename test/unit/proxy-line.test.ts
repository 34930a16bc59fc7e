import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { createSecureServer as createHttp2Server, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import { createServer as createSecureServer } from "node:https";
import { createServer as createSocketServer, type AddressInfo, type Server, type Socket } from "node:net";
import { askFromHere, checkHeader } from "../../rollout/steps/public-address";
import { startLoad } from "../../scripts/load/load";
import { certificateOf } from "../certificates";

/** Serves on a port of its own while `work` runs, and takes a line off each connection first. */
async function serving(server: Server, work: (port: number) => Promise<unknown>): Promise<string[]> {
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
const answerHttp2 = (_: Http2ServerRequest, response: Http2ServerResponse) => response.end();
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

  for (const protocol of ["plain", "http/1.1", "http/2"] as const)
    it(`comes once for each connection of a load, ${protocol}`, async () => {
      const host = "shop.example";
      const { certificate: cert, key } = await certificateOf([host]);
      const isPlain = protocol === "plain";
      const server = isPlain ? createServer(answer) : createHttp2Server({ cert, key, allowHTTP1: true }, answerHttp2);
      const profile = { method: "GET", path: "/", host, clients: 1, ...(!isPlain && { protocol }) } as const;
      for (const keepAlive of [true, false]) {
        const lines = await serving(server, async (port) => {
          const load = startLoad({
            url: `${isPlain ? "http" : "https"}://127.0.0.1:${port}`,
            ...(!isPlain && { ca: cert }),
            hasLine: true,
            maxSeconds: 10,
            maxRequests: 6,
            profiles: [{ name: "all", keepAlive, ...profile }],
          });
          await load.ended;
          const { sent, byReason, fullHandshakes, resumedHandshakes } = load.total();
          assert.deepEqual([sent, byReason], [6, {}]);
          assert.deepEqual([fullHandshakes, resumedHandshakes], isPlain ? [0, 0] : [1, keepAlive ? 0 : 5]);
        });
        assert.deepEqual(lines, Array<string>(keepAlive ? 1 : 6).fill(line));
      }
    });

  it("leaves a closed port refused", async () => {
    let url = "";
    await serving(createServer(answer), async (port) => void (url = `https://127.0.0.1:${port}`));
    for (const protocol of ["http/1.1", "http/2"] as const) {
      const profile = { name: "get", method: "GET", path: "/", clients: 1, keepAlive: true, protocol } as const;
      const load = startLoad({ url, hasLine: true, maxSeconds: 10, maxRequests: 3, profiles: [profile] });
      await load.ended;
      assert.deepEqual([load.total().sent, load.total().refused], [3, 3]);
    }
  });
});
