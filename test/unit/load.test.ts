import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import type { Account } from "../../scripts/load/books";
import { startLoad, type Profile } from "../../scripts/load/load";

type Handler = (request: IncomingMessage, response: ServerResponse, count: number) => void;

/** Serves on a port of its own while `work` runs. */
async function serving<T>(handler: Handler, work: (url: string, server: Server) => Promise<T>): Promise<T> {
  let count = 0;
  const server = createServer((request, response) => handler(request, response, ++count));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    return await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, server);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const get = (more: Partial<Profile> = {}): Profile => ({
  name: "get",
  method: "GET",
  path: "/",
  keepAlive: true,
  clients: 2,
  ...more,
});

/** The books of a load that goes on until so many requests have been sent. */
async function load(url: string, profile: Profile, requests = 100, timeoutSeconds = 5): Promise<Account> {
  const running = startLoad({ url, profiles: [profile], maxSeconds: 20, timeoutSeconds });
  while (running.account().sent < requests) await new Promise((resolve) => setTimeout(resolve, 5));
  const account = await running.stop();
  assert.equal(account.sent, account.answered + account.lost, "the books balance");
  assert.equal(account.lost, account.wrong + account.reset + account.refused + account.timedOut);
  return account;
}

const answer: Handler = (_request, response) => void response.end("fine");

describe("load generator", function () {
  this.timeout(30_000);

  for (const keepAlive of [true, false]) {
    it(`loses nothing to a good server, ${keepAlive ? "connections kept" : "a connection per request"}`, async () => {
      const connections = new Set<unknown>();
      const account = await serving(
        (request, response, count) => {
          connections.add(request.socket);
          answer(request, response, count);
        },
        (url) => load(url, get({ keepAlive })),
      );
      assert.equal(account.lost, 0);
      assert.equal(account.answered, account.sent);
      assert.equal(connections.size, keepAlive ? 2 : account.sent);
    });
  }

  it("counts an answer of another status as wrong, with its reason", async () => {
    const account = await serving(
      (_request, response, count) => void response.writeHead(count % 10 === 0 ? 502 : 200).end("x"),
      (url) => load(url, get()),
    );
    assert.equal(account.wrong, Math.floor(account.sent / 10));
    assert.equal(account.lost, account.wrong);
    assert.equal(account.losses[0]?.reason, "status 502");
  });

  it("counts a wrong echo", async () => {
    const echo = get({
      name: "post",
      method: "POST",
      body: () => "ping",
      check: ({ body }, sent) => (body === sent ? undefined : `echo ${body}`),
    });
    const account = await serving(
      (request, response, count) => {
        let body = "";
        request.on("data", (chunk: Buffer) => (body += chunk.toString()));
        request.on("end", () => response.end(count % 5 === 0 ? "pong" : body));
      },
      (url) => load(url, echo),
    );
    assert.equal(account.wrong, Math.floor(account.sent / 5));
    assert.equal(account.byProfile["post"]?.wrong, account.wrong);
  });

  it("counts a kept connection that is cut while a request is under way", async () => {
    const account = await serving(
      (request, response, count) => void (count % 10 === 0 ? request.socket.resetAndDestroy() : response.end("x")),
      (url) => load(url, get()),
    );
    assert.equal(account.reset, Math.floor(account.sent / 10));
    assert.equal(account.lost, account.reset);
  });

  it("counts an answer that ends early", async () => {
    const account = await serving(
      (request, response, count) => {
        if (count % 10 !== 0) return void response.end("x");
        response.writeHead(200, { "Content-Length": 100 }).write("half");
        setTimeout(() => request.socket.destroy(), 5);
      },
      (url) => load(url, get()),
    );
    assert.equal(account.reset, Math.floor(account.sent / 10));
  });

  it("counts a request without an answer as timed out", async () => {
    const account = await serving(
      (_request, response, count) => void (count === 3 || response.end("x")),
      (url) => load(url, get(), 50, 0.3),
    );
    assert.equal(account.timedOut, 1);
    assert.equal(account.lost, 1);
  });

  it("counts refused connections as refused", async () => {
    const url = await serving(answer, async (address) => address);
    const account = await load(url, get(), 20);
    assert.equal(account.refused, account.sent);
  });

  it("loses nothing to a server that announces the end of a connection", async () => {
    const account = await serving(
      (_request, response, count) =>
        void response.writeHead(200, count % 3 === 0 ? { Connection: "close" } : {}).end("x"),
      (url) => load(url, get()),
    );
    assert.equal(account.lost, 0);
  });

  it("balances its books whatever the server does", async () => {
    const act: Record<string, (request: IncomingMessage, response: ServerResponse) => void> = {
      answer: (_request, response) => void response.end("x"),
      refuse: (_request, response) => void response.writeHead(503).end(),
      cut: (request) => void request.socket.destroy(),
      close: (_request, response) => void response.writeHead(200, { Connection: "close" }).end("x"),
    };
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom("answer", "refuse", "cut", "close"), { minLength: 1, maxLength: 8 }),
        async (acts) => {
          const done = { answer: 0, refuse: 0, cut: 0, close: 0 };
          const account = await serving(
            (request, response, count) => {
              const name = acts[count % acts.length] as keyof typeof done;
              done[name]++;
              act[name]?.(request, response);
            },
            (url) => load(url, get(), 20),
          );
          assert.deepEqual(
            [account.answered, account.wrong, account.reset],
            [done.answer + done.close, done.refuse, done.cut],
          );
        },
      ),
      { numRuns: 15 },
    );
  });

  it("tells the stretches of a load apart, and counts by tag", async () => {
    await serving(
      (_request, response, count) => void response.end(count > 30 ? "new" : "old"),
      async (url) => {
        const running = startLoad({ url, profiles: [get({ clients: 1, tag: ({ body }) => body })], maxSeconds: 20 });
        while ((running.account().byTag["new"] ?? 0) === 0) await new Promise((resolve) => setTimeout(resolve, 5));
        const first = running.mark();
        const second = await running.stop();
        assert.ok(first.byTag["old"] === 30, JSON.stringify(first.byTag));
        assert.equal(second.byTag["old"], undefined);
      },
    );
  });

  it("measures the longest time without an answer", async () => {
    const account = await serving(
      (_request, response, count) => void setTimeout(() => response.end("x"), count === 20 ? 400 : 0),
      (url) => load(url, get({ clients: 1 }), 50),
    );
    assert.ok(account.longestGap >= 390 && account.longestGap < 2000, String(account.longestGap));
    assert.ok(account.max >= 390);
  });

  it("refuses any address but this host's loopback", () => {
    assert.throws(
      () => startLoad({ url: "http://192.0.2.1", profiles: [], maxSeconds: 1 }),
      /expected an address of this host's loopback/,
    );
  });
});
