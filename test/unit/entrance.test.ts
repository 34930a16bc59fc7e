import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createSecureServer, type SecureServerOptions } from "node:http2";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../../lib/process";
import { entranceOf, type Entrance } from "../../scripts/entrance";
import { startLoad } from "../../scripts/load/load";
import { projectRoot } from "../../scripts/setup/project";
import { spread } from "../../scripts/spread";
import type { Account } from "../../scripts/load/books";
import type { Answered } from "../../model/topology";
import type { Tls } from "../../model/tls";
import { authority, certificateOf, daysFromNow, type Certified } from "../certificates";

const plainUrl = "http://127.0.0.1:1";
/** Where nobody listens. */
const nowhere = "https://127.0.0.1:1";

/** What a stack answers whose one app has hosts, or none. */
function answered(hosts: readonly string[], certified: readonly string[], more: Partial<Tls> = {}): Answered {
  const certificate = { name: "c", names: certified, kind: "ec", issuer: "", until: "" };
  return {
    sites: [{ hosts, routes: [{ path: "/", upstream: "shop", strip: "" }] }],
    upstreams: [],
    tls: {
      port: 1,
      certificates: certified.length === 0 ? [] : [certificate],
      redirect: true,
      hsts: 0,
      hstsPreload: false,
      profile: "intermediate",
      ...more,
    },
  };
}

/** Serves both protocols with a certificate while `work` runs. */
async function serving<T>(options: SecureServerOptions, work: (url: string) => Promise<T>): Promise<T> {
  const server = createSecureServer({ ...options, allowHTTP1: true }, (_request, response) => response.end("fine"));
  return listening(server, (port) => work(`https://127.0.0.1:${port}`));
}

async function listening<T>(server: Server, work: (port: number) => Promise<T>): Promise<T> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => void sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    return await work((server.address() as AddressInfo).port);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

/** Asks there by both protocols. */
async function askedAt({ address, host = "", path }: Entrance): Promise<Account> {
  const one = { method: "GET", host, path, clients: 1 } as const;
  const profiles = [
    { ...one, name: "kept", keepAlive: true },
    { ...one, name: "fresh", keepAlive: false },
    { ...one, name: "HTTP/2", keepAlive: true, protocol: "http/2" } as const,
  ];
  const load = startLoad({ ...address, profiles, maxRequests: 12, maxSeconds: 10 });
  await load.ended;
  return load.total();
}

describe("entrance of a stack", () => {
  const where = async (topology: Answered, host?: string) => {
    const { address, host: asked, isTls, note } = await entranceOf([plainUrl, nowhere], topology, host);
    return [address.url, asked, isTls, note];
  };

  it("is the plain port without TLS, and for names that have no certificate", async () => {
    const { tls, ...plain } = answered(["shop.example"], ["shop.example"]);
    assert.ok(tls);
    assert.deepEqual(await where(plain), [plainUrl, "shop.example", false, undefined]);
    const two = answered(["blog.example", "shop.example"], ["shop.example"]);
    assert.deepEqual(await where(two), [plainUrl, "blog.example", false, undefined]);
    assert.deepEqual(await where(answered([], [])), [plainUrl, undefined, false, undefined]);
  });

  it("may be at another address than this host's loopback: at the stack's own, and no other", async () => {
    const { address } = await entranceOf(["http://192.0.2.7:8080"], answered([], []));
    assert.deepEqual(address, { url: "http://192.0.2.7:8080", allowHost: "192.0.2.7", hasLine: false });
  });

  it("is that of TLS for names that have one, even if nobody answers there: that is for the load to tell", async () => {
    const named = answered(["shop.example", "*.shop.example"], ["shop.example", "*.shop.example"]);
    assert.deepEqual(await where(named), [nowhere, "shop.example", true, undefined]);
    assert.deepEqual(await where(named, "a.shop.example"), [nowhere, "a.shop.example", true, undefined]);
    const rest = answered([], ["*.shop.example"]);
    assert.deepEqual(await where(rest), [nowhere, "any.shop.example", true, undefined]);
    assert.equal((await askedAt(await entranceOf([plainUrl, nowhere], named))).refused, 12);
  });

  it("is the plain port until an authority has given the certificate", async () => {
    const waiting = answered(["shop.example"], [], { acme: { folder: "f", hosts: ["shop.example"] } });
    assert.deepEqual(await where(waiting), [plainUrl, "shop.example", false, undefined]);
    const own = await certificateOf(["shop.example"]);
    await serving({ cert: own.certificate, key: own.key }, async (url) => {
      assert.equal((await entranceOf([plainUrl, url], waiting)).address.url, url);
    });
  });

  it("speaks PROXY protocol where the stack does", async () => {
    const begun: string[] = [];
    const server = createServer((socket) =>
      socket.once("data", (data) => {
        begun.push(data.toString("latin1").slice(0, 15));
        socket.destroy();
      }),
    );
    await listening(server, async (port) => {
      const proxy = { proxyProtocol: true } as Answered["proxy"] & object;
      const topology = { ...answered(["shop.example"], ["shop.example"]), proxy };
      const { address } = await entranceOf([plainUrl, `https://127.0.0.1:${port}`], topology);
      assert.equal(address.hasLine, true);
    });
    assert.deepEqual(begun, ["PROXY UNKNOWN\r\n"]);
  });

  it("trusts nothing but the authorities known here where one of them has signed the certificate", async () => {
    const root = await authority("root");
    const own = await certificateOf(["shop.example"], root);
    const folder = await mkdtemp(join(tmpdir(), "nlb-entrance-"));
    const file = join(folder, "root.crt");
    await writeFile(file, root.certificate);
    try {
      await serving({ cert: own.certificate, key: own.key }, async (url) => {
        const known = [[plainUrl, url], answered(["shop.example"], ["shop.example"])];
        const ask = `require("./scripts/entrance").entranceOf(...${JSON.stringify(known)}).then((one) => console.log(JSON.stringify(one)))`;
        // Node.js reads whom it knows when it starts.
        const env = { NODE_EXTRA_CA_CERTS: file };
        const { stdout } = await run(process.execPath, ["-r", "./scripts/typescript.cjs", "-e", ask], { env, cwd: projectRoot }); // prettier-ignore
        const { isTls, note, address } = JSON.parse(stdout) as Entrance;
        assert.deepEqual([isTls, note, address.url, address.ca], [true, undefined, url, undefined]);
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  describe("with a certificate that no authority known here has signed", () => {
    let root: Certified;
    let intermediate: Certified;
    before(async () => {
      root = await authority("root");
      intermediate = await authority("intermediate", root);
    });

    const askedWith = async (own: Certified, above = "") =>
      serving({ cert: `${own.certificate}\n${above}`, key: own.key }, async (url) => {
        const entrance = await entranceOf([plainUrl, url], answered(["shop.example"], ["shop.example"]));
        return { note: entrance.note, account: await askedAt(entrance) };
      });

    it("trusts it for being served, and says so", async () => {
      const table: [own: Certified, above: string, code: RegExp][] = [
        [await certificateOf(["shop.example"]), "", /DEPTH_ZERO_SELF_SIGNED_CERT/],
        [await certificateOf(["shop.example"], root), "", /UNABLE_TO_VERIFY_LEAF_SIGNATURE/],
        [await certificateOf(["shop.example"], intermediate), intermediate.certificate, /UNABLE_TO_GET_ISSUER_CERT/],
      ];
      for (const [own, above, code] of table) {
        const { note = "", account } = await askedWith(own, above);
        assert.deepEqual([account.answered, account.byReason], [12, {}]);
        assert.match(
          note,
          /^The certificate of shop\.example is trusted for being served, since it is not known here: /,
        );
        assert.match(note, code);
      }
    });

    it("trusts the next one of the same authority, and none of another", async () => {
      const [first, next, other] = [
        await certificateOf(["shop.example"], intermediate),
        await certificateOf(["shop.example"], intermediate),
        await certificateOf(["shop.example"]),
      ];
      const options = (own: Certified) => ({ cert: `${own.certificate}\n${intermediate.certificate}`, key: own.key });
      const ca = await serving(options(first), async (url) => {
        const { address } = await entranceOf([plainUrl, url], answered(["shop.example"], ["shop.example"]));
        return address.ca;
      });
      const answersOf = (own: Certified) =>
        serving(options(own), async (url) => {
          const address = { url, ...(ca !== undefined && { ca }) };
          return (await askedAt({ address, host: "shop.example", path: "/", upstream: "", isTls: true })).answered;
        });
      assert.deepEqual([await answersOf(next), await answersOf(other)], [12, 0]);
    });

    it("takes none that has ended, or is for another name", async () => {
      const ended = await certificateOf(["shop.example"], undefined, { from: daysFromNow(-9), until: daysFromNow(-1) });
      const other = await certificateOf(["blog.example"]);
      for (const [own, reason] of [
        [ended, /expired/],
        [other, /altnames/],
      ] as const) {
        // prettier-ignore
        const { account } = await askedWith(own);
        assert.equal(account.refused, 12);
        assert.match(Object.keys(account.byReason).join(), reason);
      }
    });
  });
});

describe("spread of requests", () => {
  it("tells how often which answer came, and from where", async () => {
    const own = await certificateOf(["shop.example"]);
    await serving({ cert: own.certificate, key: own.key }, async (url) => {
      const table = await spread([plainUrl, url], answered(["shop.example"], ["shop.example"]));
      assert.match(table, new RegExp(`answer to GET https://shop\\.example:${new URL(url).port}/ \\(20 requests\\)`));
      assert.match(table, /│ 200 fine +│ +20 │/);
    });
  });

  it("tells why none came", async () => {
    const table = await spread([plainUrl], answered([], []));
    assert.match(table, /answer to GET \/ \(20 requests\)/);
    assert.match(table, /│ ECONNREFUSED .*│ +20 │/);
  });
});
