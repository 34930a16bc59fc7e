import assert from "node:assert/strict";
import { constants, createSecureServer, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import type { Account } from "../../scripts/load/books";
import { startLoad, type LoadOptions, type Profile } from "../../scripts/load/load";
import { frames, servingFrames, type FrameConnection } from "../http2-frames";
import { certificateOf, type Certified } from "../certificates";
import { assertBalanced, get, load, until } from "../load";

const host = "shop.example";
/** A stream id above all (RFC 9113, 6.8). */
const noStream = 2 ** 31 - 1;

describe("load generator by HTTP/2", function () {
  this.timeout(30_000);

  let own: Certified;
  before(async () => (own = await certificateOf([host])));

  const ask = (more: Partial<Profile> = {}) => get({ host, protocol: "http/2", ...more });

  /** The books of a load on a server that says what `onRequest` has it say. */
  const loadFrames = (
    profile: Profile,
    onRequest: (connection: FrameConnection, stream: number, count: number) => void,
    { greeting, ...options }: Partial<LoadOptions> & { requests?: number; greeting?: Buffer } = {},
  ): Promise<Account> =>
    servingFrames({ ...own, ...(greeting && { greeting }) }, onRequest, (url) =>
      load(url, profile, { ca: own.certificate, ...options }),
    );

  /** Serves by node:http2 while `work` runs. */
  async function serving<T>(
    onStream: (stream: ServerHttp2Stream, session: ServerHttp2Session, count: number) => void,
    work: (url: string) => Promise<T>,
  ): Promise<T> {
    let count = 0;
    const sessions = new Set<ServerHttp2Session>();
    const server = createSecureServer({ cert: own.certificate, key: own.key });
    server.on("session", (session) => {
      sessions.add(session);
      session.on("stream", (stream) =>
        onStream(
          stream.on("error", () => undefined),
          session,
          ++count,
        ),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      return await work(`https://127.0.0.1:${(server.address() as AddressInfo).port}`);
    } finally {
      for (const session of sessions) session.destroy();
      server.close();
    }
  }

  it("has as many requests under way on one connection as there are streams", async () => {
    const underWay = new Map<FrameConnection, number>();
    const most = new Map<FrameConnection, number>();
    const account = await loadFrames(ask({ streams: 4 }), (connection, stream) => {
      const now = (underWay.get(connection) ?? 0) + 1;
      underWay.set(connection, now);
      most.set(connection, Math.max(now, most.get(connection) ?? 0));
      setTimeout(() => {
        underWay.set(connection, (underWay.get(connection) ?? 0) - 1);
        connection.say(frames.answer(stream, "x"));
      }, 5);
    });
    assert.deepEqual(account.byReason, {});
    assert.deepEqual([...most.values()], [4, 4]);
    assert.equal(account.fullHandshakes, 2);
  });

  it("sends a body, and gets an answer's status, headers and body", async () => {
    const echo = ask({
      method: "POST",
      body: () => "ping ä",
      check: ({ status, headers, body }, sent) =>
        status === 201 && headers["x-a"] === "b" && body === sent
          ? undefined
          : JSON.stringify({ status, headers, body }),
    });
    const account = await serving(
      (stream) => {
        const chunks: Buffer[] = [];
        stream.on("data", (chunk: Buffer) => chunks.push(chunk));
        stream.on("end", () => {
          stream.respond({ ":status": 201, "x-a": "b" });
          stream.end(Buffer.concat(chunks));
        });
      },
      (url) => load(url, echo, { ca: own.certificate }),
    );
    assert.deepEqual(account.byReason, {});
  });

  for (const code of [constants.NGHTTP2_NO_ERROR, constants.NGHTTP2_ENHANCE_YOUR_CALM])
    it(`loses by a GOAWAY of code ${code} only what the server may have processed`, async () => {
      let answered = 0;
      const account = await loadFrames(ask({ clients: 1, streams: 4 }), (connection, stream, count) => {
        if (count > 4) {
          answered++;
          return connection.say(frames.answer(stream, "x"));
        }
        // Of the streams 1, 3, 5 and 7, one is answered, one is not, and two are above the last one.
        if (count === 4) connection.sayAndEnd(frames.answer(1, "x"), frames.goAway(3, code));
      });
      assert.deepEqual([account.lost, account.reset, account.movedOn], [1, 1, 2]);
      assert.equal(account.answered, answered + 1);
      assert.equal(account.fullHandshakes + account.resumedHandshakes, 2);
    });

  it("waits for the answers that come after a GOAWAY, be it announced before", async () => {
    const account = await loadFrames(ask({ clients: 1, streams: 3 }), (connection, stream, count) => {
      if (count > 3) return connection.say(frames.answer(stream, "x"));
      if (count < 3) return;
      connection.say(frames.goAway(noStream));
      connection.say(frames.goAway(3));
      setTimeout(() => connection.sayAndEnd(frames.answer(1, "x"), frames.answer(3, "x")), 20);
    });
    assert.deepEqual([account.lost, account.movedOn], [0, 1]);
  });

  it("moves on what was on its way when the server closed the connection, and what waited for its turn", async () => {
    const maxConcurrentStreams = 3;
    const account = await loadFrames(
      ask({ streams: 6 }),
      (connection, stream) => {
        if (stream === 31) connection.sayAndEnd(frames.goAway(stream - 2));
        else connection.say(frames.answer(stream, "x"));
      },
      { greeting: frames.settings(maxConcurrentStreams, 2) },
    );
    assert.deepEqual(account.byReason, {});
    const connections = account.fullHandshakes + account.resumedHandshakes;
    // More than the two that a connection may have under way; the last connections of the clients end otherwise.
    assert.ok(account.movedOn > 2 * (connections - 2) && connections > 5, JSON.stringify(account));
  });

  it("loses nothing to a server that ends its connections in good order", async () => {
    for (const keepAlive of [true, false]) {
      const received = new Map<ServerHttp2Session, number>();
      let answered = 0;
      const account = await serving(
        (stream, session, count) => {
          const ofSession = (received.get(session) ?? 0) + 1;
          received.set(session, ofSession);
          if (ofSession === (keepAlive ? 20 : 1)) session.close();
          setTimeout(() => {
            if (stream.destroyed) return;
            stream.respond();
            stream.end("x", () => answered++);
          }, count % 3);
        },
        (url) =>
          load(url, ask({ keepAlive, ...(keepAlive && { streams: 5 }) }), {
            requests: keepAlive ? 300 : 60,
            ca: own.certificate,
          }),
      );
      assert.deepEqual(account.byReason, {});
      // What moves on was not processed: the server has answered each once.
      assert.equal(account.answered, answered);
      assert.equal(account.fullHandshakes + account.resumedHandshakes, received.size);
      assert.ok(received.size > 10, String(received.size));
    }
  });

  it("moves on a refused stream, to a new connection", async () => {
    const connections = new Set<FrameConnection>();
    const account = await loadFrames(ask({ clients: 1 }), (connection, stream, count) => {
      connections.add(connection);
      const isRefused = count % 5 === 0;
      connection.say(isRefused ? frames.reset(stream, constants.NGHTTP2_REFUSED_STREAM) : frames.answer(stream, "x"));
    });
    assert.equal(account.lost, 0);
    assert.ok(account.movedOn >= 20, String(account.movedOn));
    assert.equal(connections.size, account.movedOn + 1);
  });

  it("moves on what is refused on the new connection, too", async () => {
    let received = 0;
    const account = await loadFrames(ask({ clients: 1 }), (connection, stream) => {
      const isRefused = ++received % 3 !== 0;
      connection.say(isRefused ? frames.reset(stream, constants.NGHTTP2_REFUSED_STREAM) : frames.answer(stream, "x"));
    });
    assert.deepEqual([account.lost, account.movedOn], [0, 2 * account.sent]);
  });

  it("loses what is refused on a second new connection", async () => {
    let received = 0;
    const account = await loadFrames(
      ask(),
      (connection, stream) => {
        received++;
        connection.say(frames.reset(stream, constants.NGHTTP2_REFUSED_STREAM));
      },
      { requests: 10 },
    );
    assert.deepEqual([account.reset, account.movedOn, received], [account.sent, 2 * account.sent, 3 * account.sent]);
    assert.match(Object.keys(account.byReason).join("\n"), /^sent twice more: .*REFUSED_STREAM$/);
  });

  it("counts a stream that is reset, and goes on with the connection", async () => {
    const connections = new Set<FrameConnection>();
    const { NGHTTP2_NO_ERROR: none, NGHTTP2_INTERNAL_ERROR: internal, NGHTTP2_CANCEL: cancel } = constants;
    const says = (stream: number): Buffer[][] => [
      [frames.answer(stream, "x"), frames.reset(stream, none)],
      [frames.reset(stream, internal)],
      [frames.beginning(stream, "x"), frames.reset(stream, internal)],
      [frames.reset(stream, none)],
      [frames.beginning(stream, "x", 2), frames.reset(stream, none)],
      [frames.reset(stream, cancel)],
      [frames.beginning(stream, "x"), frames.reset(stream, cancel)],
    ];
    const kinds = says(1).length;
    const account = await loadFrames(
      ask({ clients: 1 }),
      (connection, stream, count) => {
        connections.add(connection);
        connection.say(...(says(stream)[count % kinds] ?? []));
      },
      { requests: 5 * kinds },
    );
    const expected = [0, 0, 0];
    for (let count = 1; count <= account.sent; count++) {
      const kind = count % kinds;
      const index = kind === 0 ? 0 : 2 - (kind % 2);
      expected[index] = (expected[index] ?? 0) + 1;
    }
    assert.deepEqual([account.answered, account.reset, account.truncated], expected);
    assert.deepEqual([connections.size, account.movedOn], [1, 0]);
    assert.deepEqual(Object.keys(account.byReason).sort(), [
      "ERR_HTTP2_STREAM_ERROR Stream closed with error code NGHTTP2_INTERNAL_ERROR",
      "the stream was reset, code 0",
      "the stream was reset, code 8",
    ]);
  });

  it("counts a connection that ends unannounced while requests are under way", async () => {
    const account = await loadFrames(ask({ clients: 1 }), (connection, stream, count) => {
      if (count % 10 === 0) connection.sayAndEnd();
      else if (count % 5 === 0) connection.sayAndEnd(frames.beginning(stream, "x"));
      else connection.say(frames.answer(stream, "x"));
    });
    const tenths = Math.floor(account.sent / 10);
    assert.deepEqual([account.reset, account.truncated], [tenths, Math.floor(account.sent / 5) - tenths]);
    assert.deepEqual([account.movedOn, account.byReason], [0, { "the connection ended": account.lost }]);
  });

  for (const announced of [true, false])
    it(`opens a new connection when the old one's end came with the answer or while idle, ${announced ? "" : "un"}announced`, async () => {
      const account = await loadFrames(ask({ pauseMilliseconds: 1 }), (connection, stream, count) => {
        const end = announced ? [frames.goAway(stream)] : [];
        if (count % 3 === 0) return connection.sayAndEnd(frames.answer(stream, "x"), ...end);
        connection.say(frames.answer(stream, "x"));
      });
      assert.deepEqual([account.byReason, account.movedOn], [{}, 0]);
    });

  it("gives up what has no answer in time, sends it no more, and leaves its connection when nothing else is on it", async () => {
    const connections = new Map<FrameConnection, number>();
    const account = await loadFrames(
      ask({ clients: 1, streams: 2 }),
      (connection, stream, count) => {
        connections.set(connection, (connections.get(connection) ?? 0) + 1);
        if (count === 3) setTimeout(() => connection.say(frames.goAway(1)), 400);
        else setTimeout(() => connection.say(frames.answer(stream, "x")), 20);
      },
      { timeoutSeconds: 0.3, requests: 60 },
    );
    assert.deepEqual([account.timedOut, account.lost, account.movedOn], [1, 1, 0]);
    assert.equal(connections.size, 2);
    const received = [...connections.values()].reduce((sum, count) => sum + count, 0);
    assert.equal(received, account.sent);
  });

  it("enters in the stretch in which it happens what moves on, and cuts it when the grace time is over", async () => {
    let release: (() => void) | undefined;
    await servingFrames(
      own,
      (connection, stream, count) => {
        if (count === 1) release = () => connection.say(frames.goAway(stream - 1));
      },
      async (url) => {
        const running = startLoad({ url, ca: own.certificate, profiles: [ask({ clients: 1 })], maxSeconds: 20 });
        await until(() => release !== undefined);
        const first = running.mark();
        release?.();
        await until(() => running.account().movedOn === 1);
        const second = await running.stop({ graceSeconds: 0.1 });
        assert.deepEqual([first.movedOn, second.movedOn, second.sent, second.timedOut], [0, 1, 0, 1]);
        assertBalanced(second);
        const { sent, movedOn, fullHandshakes, resumedHandshakes } = running.total();
        assert.deepEqual([sent, movedOn, fullHandshakes + resumedHandshakes], [1, 1, 2]);
      },
    );
  });
});
