import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { tlsListenPort } from "../../model/layout";
import { docker } from "../../rollout/docker";
import { Http2Connection } from "../../scripts/load/http2-connection";
import { CertifiedHost, type Protocol } from "./certified";
import { Rig } from "./rig";

const drainSeconds = 4;
/** Connections of each kind. */
const count = 100;
/** Their first requests are spread over this time, which is less than the drain. */
const seconds = 3;

/** Asks for the first time on a connection that was there before nginx was told to end, and says what came of it. */
type Fresh = () => Promise<string>;

describe("connections with TLS on which nothing has been asked yet", function () {
  this.timeout(60_000);
  let host: CertifiedHost;
  let rig: Rig;
  before(async () => {
    host = await CertifiedHost.create();
    rig = await Rig.create("fresh", 2, { drainSeconds, tls: host.settings() });
  });
  after(async () => {
    await rig?.remove();
    await host?.remove();
  });

  async function http1(): Promise<Fresh> {
    const socket = await host.handshake(await host.connect(rig.host), "http/1.1");
    return async () => {
      const { status, headers } = await host.ask(socket, "/");
      return `${status} ${headers.connection}`;
    };
  }

  async function http2(): Promise<Fresh> {
    let connection: Http2Connection | undefined;
    await new Promise<void>((resolve) => {
      connection = new Http2Connection({
        url: new URL(`https://${rig.host}:${tlsListenPort}`),
        profile: { name: "", host: host.name, method: "GET", path: "/", keepAlive: true, clients: 1 },
        ca: host.ca,
        hasLine: false,
        journal: { movedOn: () => undefined, handshook: () => resolve() },
        ticket: undefined,
        keepTicket: () => undefined,
      });
    });
    const headers = { ":method": "GET", ":path": "/", ":scheme": "https", ":authority": host.name };
    return () =>
      new Promise((resolve) => {
        if (connection?.isUsable !== true) return resolve("told before");
        connection.ask({ headers, body: undefined }, (end) => {
          connection?.retire();
          if ("answer" in end) resolve(`${end.answer.status}`);
          else resolve("unprocessed" in end ? "not processed" : `${end.outcome}: ${end.reason}`);
        });
      });
  }

  /** The handshake, too, comes only with the request. */
  async function late(protocol: Protocol): Promise<Fresh> {
    const socket = await host.connect(rig.host);
    return async () => {
      const { status, headers } = await host.ask(await host.handshake(socket, protocol), "/");
      return protocol === "h2" ? `${status}` : `${status} ${headers.connection}`;
    };
  }

  const answered = ["200 keep-alive", "200 close"];
  // What an HTTP/2 client may send again, be it a POST: it has been told that nobody has begun with it.
  const safe = ["200", "told before", "not processed", "Stream closed with error code NGHTTP2_REFUSED_STREAM"];
  /** How each kind is opened, and what may come of it. The first is what comes as long as nothing happens. */
  const kinds = [
    ["HTTP/1.1", http1, answered],
    ["HTTP/2", http2, safe],
    ["late HTTP/1.1", () => late("http/1.1"), answered],
    ["late HTTP/2", () => late("h2"), safe],
  ] as const;

  // An nginx that is replaced gets QUIT.
  for (const [what, signal] of [
    ["a reload", "HUP"],
    ["the end of nginx", "QUIT"],
  ] as const)
    it(`outlive ${what}: HTTP/1.1 is answered, HTTP/2 is answered or told to ask elsewhere`, async () => {
      const fresh = await Promise.all(
        kinds.map(([, open]) => Promise.all(Array.from({ length: count }, () => open()))),
      );
      const signalled = docker("kill", "--signal", signal, rig.name);
      const outcomes = await Promise.all(
        fresh.map((connections) =>
          Promise.all(
            connections.map(async (ask, at) => {
              await pause((at / count) * seconds * 1000);
              return ask().catch((error: unknown) => (error as Error).message);
            }),
          ),
        ),
      );
      await signalled;
      for (const [at, [kind, , fine]] of kinds.entries()) {
        const own = outcomes[at] ?? [];
        assert.deepEqual(
          own.filter((outcome) => !fine.includes(outcome)),
          [],
          kind,
        );
        assert.ok(
          own.some((outcome) => outcome !== fine[0]),
          `${kind}: all were asked before nginx was told`,
        );
      }
    });
});
