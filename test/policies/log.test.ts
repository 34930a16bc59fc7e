import assert from "node:assert/strict";
import { accessLogFile } from "../../model/layout";
import { readLogLine, type RequestLine } from "../../model/log";
import { docker, tryDocker } from "../../rollout/docker";
import { until } from "../e2e/until";
import { headersIn } from "../faults/headers";
import { Rig } from "../faults/rig";

const shop = { accessLog: "json", logMb: 16 } as const;
const own = /^[0-9a-f]{32}$/;

describe("the log of requests, on the real nginx", function () {
  this.timeout(120_000);
  let rig: Rig;
  let gateway = "";
  before(
    async () =>
      (rig = await Rig.create("log", 2, (address) => {
        gateway = address;
        return shop;
      })),
  );
  after(() => rig?.remove());

  const lines = async (): Promise<RequestLine[]> =>
    (await docker("exec", rig.name, "cat", accessLogFile))
      .split("\n")
      .flatMap((line) => readLogLine(line, new Map()) ?? []);
  const lineOf = async (target: string) => {
    let found: RequestLine | undefined;
    await until(`the line of ${target}`, 10, async () => {
      found = (await lines()).find((line) => line.target === target);
      return found !== undefined;
    });
    return found as unknown as RequestLine;
  };
  /** The id that the client was told, the one that the backend got, and the one that is logged. */
  const idsOf = async (target: string, ...head: string[]) => {
    const answer = await rig.raw(`GET ${target} HTTP/1.1`, "Host: shop.example", ...head, "Connection: close");
    const told = [...(answer.split("\r\n\r\n")[0] ?? "").matchAll(/^X-Request-ID: (.*)\r?$/gm)].map(([, id]) => id);
    return [...told, headersIn(answer).get("x-request-id"), (await lineOf(target)).id];
  };

  it("has a line of all fields for a request, with the backend that answered", async () => {
    const { from } = await rig.ask("/echo?a=%22b%22", { method: "POST", body: Buffer.from("abc"), headers: { Host: "Shop.example:81", "User-Agent": 'a "b"\\' } }); // prettier-ignore
    const line = await lineOf("/echo?a=%22b%22");
    assert.ok(rig.backends.includes(from));
    const { time, id, attempts, bytes, received, seconds, ...rest } = line;
    assert.ok(Math.abs(Date.parse(time) - Date.now()) < 10_000, time);
    assert.match(id, own);
    assert.equal(attempts.length, 1);
    assert.match(attempts[0]?.address ?? "", /^[\d.]+:5000$/);
    assert.ok(bytes > 100 && received > 50 && seconds >= 0 && seconds < 5);
    assert.deepEqual(rest, {
      ...{ kind: "request", client: gateway, site: "any", host: "shop.example", route: "/", app: "", backend: "" },
      ...{ method: "POST", target: "/echo?a=%22b%22", protocol: "HTTP/1.1", tls: "", status: 200, cache: "" },
      agent: 'a "b"\\',
    });
  });

  it("has an id of nginx's own, whatever a client or an app says", async () => {
    const ids = await idsOf("/echo?id=claimed", "X-Request-ID: claimed");
    assert.equal(ids.length, 3);
    assert.match(String(ids[0]), own);
    assert.deepEqual(new Set(ids).size, 1, ids.join());
  });

  it("hands a trace on as its client has begun it, to whichever backend is asked; makes none of its own", async () => {
    const trace = [
      "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
      "tracestate: vendor=t61rcWkgMzE,other=00f067aa0ba902b7",
    ];
    const heard = async (target: string, ...head: string[]) => {
      const answer = await rig.raw(`GET ${target} HTTP/1.1`, "Host: shop.example", ...head, "Connection: close");
      const headers = headersIn(answer);
      assert.match(headers.get("x-request-id") ?? "", own);
      return ["traceparent", "tracestate"].flatMap((name) => {
        const value = headers.get(name);
        return value === undefined ? [] : `${name}: ${value}`;
      });
    };
    for (let round = 0; round < 4; round++) assert.deepEqual(await heard("/echo?trace", ...trace), trace);
    assert.deepEqual(await heard("/echo?trace=none"), []);
  });

  it("has what was begun anew, and what a backend that is gone has not answered", async () => {
    const [gone = ""] = rig.backends;
    await docker("kill", gone);
    await until("a request meets it", 20, async () => {
      await Promise.all([1, 2, 3, 4].map(() => rig.ask("/?after=kill")));
      return (await lines()).some(({ attempts }) => attempts.length > 1);
    });
    const [line] = (await lines()).filter(({ attempts }) => attempts.length > 1);
    assert.ok(line?.attempts.at(-1)?.status === 200 && line.status === 200);
    await rig.start(gone);
    await rig.whole();
  });

  for (const [what, trust] of [
    ["trustedProxies", () => ({ trustedProxies: [gateway] })],
    ["behindProxy", () => ({ behindProxy: true })],
  ] as const)
    it(`${what}: takes over the id that a proxy has made, if it can be one`, async () => {
      await rig.change({ ...shop, ...trust() });
      assert.deepEqual(
        await idsOf(`/echo?${what}=good`, "X-Request-ID: a.b_c-1:2/3+4=@"),
        Array(3).fill("a.b_c-1:2/3+4=@"),
      );
      for (const bad of ["", "a b", "x".repeat(129), 'a"b']) {
        const [id] = await idsOf(`/echo?${what}=${encodeURIComponent(bad)}`, `X-Request-ID: ${bad}`);
        assert.match(String(id), own);
      }
    });

  it("stops when the disk is full, and nothing else does; goes on when there is room", async () => {
    await rig.change(shop);
    const ask = async (path: string) => (await rig.ask(path, { headers: { "User-Agent": "x".repeat(20_000) } })).status;
    for (let round = 0; round < 8; round++)
      assert.deepEqual(await Promise.all(Array.from({ length: 10 }, () => ask("/full"))), Array(10).fill(200));
    await until("nginx says so", 20, async () => {
      assert.equal(await ask("/full"), 200);
      return (await tryDocker("logs", rig.name)).stderr.includes("No space left on device");
    });
    assert.equal(await ask("/lost"), 200);
    await docker("exec", rig.name, "truncate", "--size", "0", accessLogFile);
    await until("there are lines again", 20, async () => {
      assert.equal(await ask("/again"), 200);
      return (await lines()).some(({ target }) => target === "/again");
    });
  });
});
