import assert from "node:assert/strict";
import { Agent, createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { once } from "node:events";
import { createServer as createSocketServer, type AddressInfo, type Socket } from "node:net";
import fc from "fast-check";
import { ask, dropEndedSockets } from "../../scripts/load/http1";
import { startLoad, type Load } from "../../scripts/load/load";
import { assertBalanced, get, load, until } from "../load";

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

/** Serves what node:http would not do: `onRequest` gets the bare socket for each request that arrives. */
async function servingSockets<T>(
  onRequest: (socket: Socket, count: number) => void,
  work: (url: string) => Promise<T>,
): Promise<T> {
  const sockets = new Set<Socket>();
  let count = 0;
  const server = createSocketServer((socket) => {
    sockets.add(socket);
    // A client that is gone is the client's business.
    socket.on("error", () => undefined).on("data", () => onRequest(socket, ++count));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    return await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

const plainAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx";

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
    assert.deepEqual(account.byReason, { "status 502": account.wrong });
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

  it("counts an answer that ends early, apart from one that has not begun", async () => {
    const account = await serving(
      (request, response, count) => {
        if (count % 10 !== 0) return void response.end("x");
        response.writeHead(200, { "Content-Length": 100 }).write("half");
        setTimeout(() => request.socket.destroy(), 5);
      },
      (url) => load(url, get()),
    );
    assert.equal(account.truncated, Math.floor(account.sent / 10));
    assert.equal(account.lost, account.truncated);
  });

  it("counts a request without an answer as timed out", async () => {
    const account = await serving(
      (_request, response, count) => void (count === 3 || response.end("x")),
      (url) => load(url, get(), { requests: 50, timeoutSeconds: 0.3 }),
    );
    assert.equal(account.timedOut, 1);
    assert.equal(account.lost, 1);
  });

  it("counts refused connections as refused", async () => {
    const url = await serving(answer, async (address) => address);
    const account = await load(url, get(), { requests: 20 });
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
            (url) => load(url, get(), { requests: 20 }),
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
        await until(() => (running.account().byTag["new"] ?? 0) > 0);
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
      (url) => load(url, get({ clients: 1 }), { requests: 50 }),
    );
    assert.ok(account.longestGap >= 390 && account.longestGap < 2000, String(account.longestGap));
    assert.ok(account.max >= 390);
  });

  it("takes silence after the end of sending for no gap", async () => {
    await serving(
      (request, response) => void setTimeout(() => response.end("x"), request.url === "/slow" ? 400 : 0),
      async (url) => {
        const slow = get({ name: "slow", path: "/slow", clients: 1 });
        const running = startLoad({ url, profiles: [get(), slow], maxSeconds: 20 });
        await until(() => running.account().answered > 20);
        const stopping = running.stop();
        const { longestGap, inFlight } = running.account();
        assert.ok(inFlight > 0);
        assert.equal((await stopping).longestGap, longestGap);
      },
    );
  });

  it("opens a new connection when the end of the old one came along with the answer, unannounced", async () => {
    const account = await servingSockets(
      (socket, count) => {
        socket.write(plainAnswer);
        if (count % 3 === 0) socket.end();
      },
      (url) => load(url, get({ clients: 4 }), { requests: 300 }),
    );
    assert.deepEqual(account.byReason, {});
  });

  it("opens a new connection when the old one was ended while idle", async () => {
    const account = await servingSockets(
      (socket) => {
        socket.write(plainAnswer);
        setTimeout(() => socket.end(), 5);
      },
      (url) => load(url, get({ pauseMilliseconds: 20 }), { requests: 30 }),
    );
    assert.deepEqual(account.byReason, {});
  });

  it("drops an idle connection at the very instant in which its end is seen", async () => {
    const result = await servingSockets(
      (socket) => {
        socket.write(plainAnswer);
        setTimeout(() => socket.end(), 5);
      },
      async (url) => {
        const agent = new Agent({ keepAlive: true, maxSockets: 1 });
        const limits = { timeout: 5000, cut: new AbortController().signal };
        const journal = { movedOn: () => undefined, handshook: () => undefined };
        const askOnce = () => ask({ port: new URL(url).port, agent }, undefined, limits, journal);
        const connected = once(agent, "free") as Promise<[Socket]>;
        await askOnce();
        const [socket] = await connected;
        return new Promise<Awaited<ReturnType<typeof askOnce>>>((resolve, reject) => {
          socket.once("end", () => {
            dropEndedSockets(agent);
            askOnce().then(resolve, reject);
          });
        });
      },
    );
    assert.ok("answer" in result, JSON.stringify(result));
  });

  it("counts a request on a kept connection that the server closes just then", async () => {
    const account = await servingSockets(
      (socket, count) => void (count % 7 === 0 ? socket.end() : socket.write(plainAnswer)),
      (url) => load(url, get({ clients: 4 }), { requests: 200 }),
    );
    assert.equal(account.reset, Math.floor(account.sent / 7));
    assert.equal(account.lost, account.reset);
  });

  it("counts an answer that stalls as timed out, not as cut", async () => {
    const account = await serving(
      (_request, response, count) => {
        if (count !== 3) return void response.end("x");
        response.writeHead(200, { "Content-Length": 100 }).write("half");
      },
      (url) => load(url, get(), { requests: 50, timeoutSeconds: 0.3 }),
    );
    assert.deepEqual([account.timedOut, account.lost], [1, 1]);
  });

  it("gives up no request whose answer is there already, when this process was held up", async () => {
    let running: Load | undefined;
    const account = await serving(
      (_request, response, count) => {
        response.end("x");
        if (count !== 10) return;
        // Longer than the time-out of 0.1 s: the client's timer is due before it can read the answer.
        const end = performance.now() + 300;
        while (performance.now() < end);
      },
      async (url) => {
        running = startLoad({ url, profiles: [get()], maxSeconds: 20, timeoutSeconds: 0.1 });
        await until(() => (running?.account().answered ?? 0) > 20);
        return running.stop();
      },
    );
    assert.equal(account.lost, 0);
    assert.ok(account.max >= 300);
  });

  it("carries what is in flight over to the next stretch, so that no loss is hidden", async () => {
    await serving(
      (request, response) => {
        if (request.url === "/slow") setTimeout(() => request.socket.destroy(), 200);
        else response.end("x");
      },
      async (url) => {
        const slow = get({ name: "slow", path: "/slow", clients: 1, tag: () => "slow" });
        const running = startLoad({ url, profiles: [get({ clients: 1 }), slow], maxSeconds: 20 });
        await until(() => running.account().sent > 10);
        const first = running.mark();
        const second = await running.stop();
        assert.deepEqual([first.lost, second.reset, second.carried], [0, 1, first.inFlight]);
        assertBalanced(first);
        assertBalanced(second);
        const total = running.total();
        assert.deepEqual([total.carried, total.inFlight, total.lost], [0, 0, 1]);
        assert.equal(total.sent, first.sent + second.sent);
        assert.equal(total.answered, first.answered + second.answered);
      },
    );
  });

  it("leaves carried requests out of the tags", async () => {
    let release: (() => void) | undefined;
    await serving(
      (_request, response, count) => {
        if (count === 1) release = () => void response.end("old");
        else response.end("new");
      },
      async (url) => {
        const running = startLoad({ url, profiles: [get({ clients: 1, tag: ({ body }) => body })], maxSeconds: 20 });
        await until(() => release !== undefined);
        running.mark();
        release?.();
        await until(() => running.account().answered > 1);
        const account = await running.stop();
        assert.deepEqual(Object.keys(account.byTag), ["new"]);
      },
    );
  });

  it("cuts what is in flight when the grace time is over", async () => {
    await serving(
      () => undefined,
      async (url) => {
        const running = startLoad({ url, profiles: [get()], maxSeconds: 20 });
        await until(() => running.inFlight === 2);
        const account = await running.stop({ graceSeconds: 0.1 });
        assert.deepEqual([account.timedOut, account.inFlight], [2, 0]);
        assert.deepEqual(account.byReason, { "no answer within the grace time": 2 });
      },
    );
  });

  it("ends by itself after so many requests, or so many seconds", async () => {
    await serving(answer, async (url) => {
      const profiles = [get({ clients: 3 })];
      const counted = startLoad({ url, profiles, maxSeconds: 20, maxRequests: 50 });
      await until(() => !counted.sending && counted.inFlight === 0);
      assert.equal(counted.total().answered, 50);
      const timed = startLoad({ url, profiles, maxSeconds: 0.1 });
      await until(() => !timed.sending);
      assert.ok((await timed.stop()).answered > 0);
    });
  });

  it("counts an answer as wrong on which the check itself fails", async () => {
    const check = () => {
      throw new Error("no such header");
    };
    const account = await serving(answer, (url) => load(url, get({ check }), { requests: 10 }));
    assert.deepEqual(account.byReason, { "the check failed: Error: no such header": account.sent });
  });

  it("asks an IPv6 loopback", async () => {
    const server = createServer((_request, response) => void response.end("x"));
    await new Promise<void>((resolve) => server.listen(0, "::1", resolve));
    try {
      const account = await load(`http://[::1]:${(server.address() as AddressInfo).port}`, get(), { requests: 10 });
      assert.equal(account.lost, 0);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it("asks this host's loopback, a host that is allowed by name, and no other", async () => {
    const start = (url: string, allowHost?: string) =>
      startLoad({ url, profiles: [], maxSeconds: 1, ...(allowHost === undefined ? {} : { allowHost }) }).stop();
    for (const url of ["http://192.0.2.1", "http://127.0.0.1.example.com", "http://localhost.example.com"])
      assert.throws(() => start(url), /expected an address of this host's loopback, or its host named by allowHost/);
    assert.throws(() => start("http://192.0.2.1", "192.0.2.10"), /got http:\/\/192\.0\.2\.1, expected/);
    assert.throws(() => start("ftp://127.0.0.1"), /begins with http:\/\/ or https:\/\//);
    await start("http://192.0.2.1", "192.0.2.1");
  });
});
