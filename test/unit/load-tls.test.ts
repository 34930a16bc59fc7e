import assert from "node:assert/strict";
import { createSecureServer } from "node:http2";
import { createServer, type ServerOptions } from "node:https";
import { createServer as createSocketServer, type AddressInfo } from "node:net";
import type { Server, TLSSocket } from "node:tls";
import { startLoad, type Profile } from "../../scripts/load/load";
import { certificateOf, type Certified } from "../certificates";
import { get, load } from "../load";

const host = "shop.example";
/** As a rule, of a load: handshakes take their time. */
const requests = 40;
/** Each version of TLS has tickets of its own kind. */
const tickets = [
  { version: "TLSv1.3", keepAlive: true },
  { version: "TLSv1.3", keepAlive: false },
  { version: "TLSv1.2", keepAlive: false },
] as const;

/** What a server has seen. */
class Seen {
  requests = 0;
  full = 0;
  resumed = 0;
  readonly names = new Set<string>();
}

/** Serves on a port of its own while `work` runs: both protocols, or HTTP/1.1 where `more` has its own list of protocols. */
async function serving<T>(
  { certificate: cert, key, ...more }: Certified & Pick<ServerOptions, "minVersion" | "maxVersion" | "ALPNProtocols">,
  work: (url: string, seen: Seen) => Promise<T>,
): Promise<T> {
  const seen = new Seen();
  const answer: Parameters<typeof createSecureServer>[1] = (request, response) => {
    seen.requests++;
    seen.names.add(`${request.httpVersion} ${request.authority ?? request.headers.host}`);
    response.end("fine");
  };
  const server: Server =
    more.ALPNProtocols === undefined
      ? createSecureServer({ cert, key, ...more, allowHTTP1: true }, answer)
      : createServer({ cert, key, ...more }, (_request, response) => void response.end("fine"));
  const sockets = new Set<TLSSocket>();
  server.on("secureConnection", (socket: TLSSocket & { servername: string | false }) => {
    sockets.add(socket);
    if (socket.isSessionReused()) seen.resumed++;
    else {
      seen.full++;
      seen.names.add(`name ${socket.servername}`);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    return await work(`https://127.0.0.1:${(server.address() as AddressInfo).port}`, seen);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

describe("load generator over TLS", function () {
  this.timeout(30_000);

  let own: Certified;
  before(async () => (own = await certificateOf([host])));

  for (const protocol of ["http/1.1", "http/2"] as const) {
    const ask = (more: Partial<Profile> = {}) => get({ host, protocol, ...more });

    for (const { version, keepAlive } of tickets) {
      const connections = keepAlive ? "connections kept" : "a connection per request";
      it(`asks by ${protocol} and ${version}, ${connections}, and counts the handshakes`, async () => {
        await serving({ ...own, minVersion: version, maxVersion: version }, async (url, seen) => {
          const account = await load(url, ask({ keepAlive }), { ca: own.certificate, requests });
          assert.deepEqual(account.byReason, {});
          assert.equal(account.answered, seen.requests);
          assert.deepEqual([...seen.names].sort(), [
            `${protocol === "http/2" ? "2.0" : "1.1"} ${host}`,
            `name ${host}`,
          ]);
          const { fullHandshakes, resumedHandshakes } = account;
          assert.deepEqual([fullHandshakes, resumedHandshakes], [seen.full, seen.resumed]);
          assert.deepEqual([fullHandshakes, resumedHandshakes], [2, keepAlive ? 0 : account.sent - 2]);
          assert.equal(account.byProfile["get"]?.resumedHandshakes, resumedHandshakes);
        });
      });
    }

    it(`resumes nothing by ${protocol} when it is not to`, async () => {
      await serving(own, async (url, seen) => {
        const account = await load(url, ask({ keepAlive: false, resumption: false }), {
          ca: own.certificate,
          requests,
        });
        assert.deepEqual([account.lost, account.resumedHandshakes, seen.resumed], [0, 0, 0]);
        assert.equal(account.fullHandshakes, account.sent);
      });
    });

    it(`sends no name by ${protocol} when it is asked for an address, and checks the certificate for that`, async () => {
      const ofAddress = await certificateOf(["127.0.0.1"]);
      await serving(ofAddress, async (url, seen) => {
        const account = await load(url, get({ protocol }), { ca: ofAddress.certificate });
        assert.equal(account.lost, 0);
        assert.ok(seen.names.has("name false"));
        const other = await load(url, ask({ host: "127.0.0.2" }), { ca: ofAddress.certificate, requests: 4 });
        assert.equal(other.refused, other.sent);
      });
    });

    it(`loses what is asked by ${protocol} when the certificate is for another name, or not trusted`, async () => {
      await serving(own, async (url, seen) => {
        for (const [account, reason] of [
          [
            await load(url, ask({ host: "mail.example" }), { ca: own.certificate, requests: 4 }),
            /ALTNAME_INVALID.*mail\.example/,
          ],
          [await load(url, ask(), { requests: 4 }), /^DEPTH_ZERO_SELF_SIGNED_CERT/],
        ] as const) {
          assert.equal(account.refused, account.sent);
          const reasons = Object.keys(account.byReason);
          assert.ok(reasons.length === 1 && reason.test(reasons[0] ?? ""), reasons.join("\n"));
          assert.deepEqual([account.fullHandshakes, account.resumedHandshakes], [0, 0]);
        }
        assert.equal(seen.requests, 0);
      });
    });

    it(`counts a handshake by ${protocol} that the server cuts, and a closed port, as refused`, async () => {
      const server = createSocketServer((socket) => void socket.on("error", () => undefined).destroy());
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const cut = await load(url, ask(), { ca: own.certificate, requests: 10 });
      await new Promise((resolve) => server.close(resolve));
      const closed = await load(url, ask(), { ca: own.certificate, requests: 10 });
      assert.deepEqual([cut.refused, closed.refused], [cut.sent, closed.sent]);
      for (const reason of Object.keys(cut.byReason)) assert.match(reason, /^ECONNRESET /);
      for (const reason of Object.keys(closed.byReason)) assert.match(reason, /^ECONNREFUSED /);
    });

    it(`gives up a handshake by ${protocol} that takes too long`, async () => {
      const server = createSocketServer((socket) => void socket.on("error", () => undefined).resume());
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const account = await load(url, ask(), { ca: own.certificate, requests: 4, timeoutSeconds: 0.1 });
      assert.equal(account.timedOut, account.sent);
      // It ends only when no connection is left.
      await new Promise((resolve) => server.close(resolve));
    });
  }

  it("loses what is asked by http/2 when the server does not offer it", async () => {
    for (const { ALPNProtocols, reason } of [
      { ALPNProtocols: ["http/1.1"], reason: /no application protocol/ },
      { ALPNProtocols: [], reason: /^the server does not offer HTTP\/2$/ },
    ])
      await serving({ ...own, ALPNProtocols }, async (url) => {
        const account = await load(url, get({ host, protocol: "http/2" }), { ca: own.certificate, requests: 4 });
        assert.equal(account.refused, account.sent);
        assert.match(Object.keys(account.byReason).join("\n"), reason);
      });
  });

  it("takes certificates only as an authority", () => {
    const options = { url: "https://127.0.0.1:1", profiles: [], maxSeconds: 0 };
    assert.throws(() => startLoad({ ...options, ca: own.key }), /^Error: ca: expected certificates, PEM$/);
  });

  it("takes http/2 only over TLS, and several streams only on a kept connection of it", () => {
    const start = (url: string, more: Partial<Profile>) =>
      startLoad({ url, profiles: [get(more)], maxSeconds: 0 }).stop();
    const url = "https://127.0.0.1:1";
    assert.throws(
      () => start("http://127.0.0.1", { protocol: "http/2" }),
      /profile get: got http\/2 for http:.*https:/,
    );
    assert.throws(
      () => start(url, { streams: 2 }),
      /profile get: got 2 streams, expected an integer from 1 to 1, since/,
    );
    assert.throws(() => start(url, { protocol: "http/2", keepAlive: false, streams: 2 }), /from 1 to 1, since/);
    for (const streams of [0, 1.5, 101])
      assert.throws(() => start(url, { protocol: "http/2", streams }), /streams, expected an integer from 1 to 100$/);
  });
});
