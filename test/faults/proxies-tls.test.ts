import assert from "node:assert/strict";
import type { OutgoingHttpHeaders } from "node:http2";
import { headerRules } from "../../nginx/render/headers";
import { docker } from "../../rollout/docker";
import { tlsListenPort } from "../../model/layout";
import { baseImages } from "../machine";
import { until } from "../e2e/until";
import { CertifiedHost, protocols, type Protocol } from "./certified";
import { headersIn } from "./headers";
import { Rig } from "./rig";

const claims = headerRules.map(({ name }) => name).filter((name) => !/^(?:Host|Connection|Upgrade)$/.test(name));
const claimed = Object.fromEntries(claims.map((name) => [name, "192.0.2.9"]));

/** What a backend gets to know of the client. */
const who = (got: ReadonlyMap<string, string>) =>
  ["x-real-ip", "x-forwarded-for", "x-forwarded-proto"].map((name) => got.get(name));

/**
 * What a backend gets from a container that is no trusted proxy, without what it gets of its address.
 *
 * @param options of curl
 */
async function fromAnybody(rig: Rig, host: CertifiedHost, options: readonly string[]): Promise<Map<string, string>> {
  const { nginxImage } = await baseImages();
  const place = `--connect-to ${host.name}:443:${rig.name}:${tlsListenPort} https://${host.name}/echo`;
  const command = `hostname -i; curl --silent --insecure ${options.map((text) => `'${text}'`).join(" ")} ${place}`;
  const [address, ...body] = (await docker("run", "--rm", "--network", rig.name, nginxImage, "sh", "-c", command)).split("\n"); // prettier-ignore
  const got = headersIn(body.join("\n"));
  assert.deepEqual(who(got), [address, address, "https"]);
  for (const name of ["x-real-ip", "x-forwarded-for"]) got.delete(name);
  return got;
}

const curlOption: Readonly<Record<Protocol, string>> = { "http/1.1": "--http1.1", h2: "--http2" };

describe("what trusted proxies tell over TLS, on the real nginx", function () {
  this.timeout(120_000);
  let host: CertifiedHost;
  let rig: Rig;
  let gateway = "";
  before(async () => {
    host = await CertifiedHost.create();
    rig = await Rig.create("trusted-tls", 2, (address) => {
      gateway = address;
      return {
        method: "ip_hash",
        trustedProxies: ["10.0.0.0/8", "2001:db8:ffff::/48", address],
        tls: host.settings(),
      };
    });
  });
  after(async () => {
    await rig?.remove();
    await host?.remove();
  });

  const open = async (protocol: Protocol) => host.handshake(await host.connect(rig.host), protocol);
  /** From this host, whose address is one of theirs. */
  const told = async (protocol: Protocol, headers: OutgoingHttpHeaders) =>
    headersIn((await host.ask(await open(protocol), "/echo", headers)).body);

  for (const protocol of protocols) {
    for (const [what, lines, expected] of [
      ["one that a proxy has added", ["192.0.2.1"], "192.0.2.1"],
      ["before proxies", ["198.51.100.9, 192.0.2.1, 10.1.2.3, 10.9.9.9"], "192.0.2.1"],
      ["in the first of two lines", ["198.51.100.9,192.0.2.1", "10.1.2.3"], "192.0.2.1"],
      ["of IPv6 with a port", ["[2001:db8::1]:4711, 10.1.2.3"], "2001:db8::1"],
      ["the peer's, for a word that is none", ["192.0.2.1, unknown"], undefined],
      ["the peer's, for nothing", [], undefined],
    ] as const)
      it(`${protocol}: the client's address is ${what}`, async () => {
        const got = await told(protocol, { "X-Forwarded-For": [...lines], "X-Real-IP": "198.51.100.9" });
        assert.deepEqual(who(got), [expected ?? gateway, expected ?? gateway, "https"]);
      });

    it(`${protocol}: whatever else they tell reaches the backend, also that the client came without TLS`, async () => {
      assert.equal((await told(protocol, { "X-Forwarded-Proto": "http" })).get("x-forwarded-proto"), "http");
      const got = await told(protocol, claimed);
      const lost = claims.filter((name) => got.get(name.toLowerCase()) !== "192.0.2.9");
      assert.deepEqual(lost, ["X-Original-URL", "X-Rewrite-URL", "Proxy"]);
    });

    it(`${protocol}: nothing that anybody else tells reaches a backend`, async () => {
      const options = [curlOption[protocol], ...claims.flatMap((name) => ["--header", `${name}: 192.0.2.9`])];
      const got = await fromAnybody(rig, host, options);
      assert.deepEqual(got, await fromAnybody(rig, host, [curlOption[protocol]]));
    });
  }

  it("each request of a connection has the client that it is told of, also beside others", async () => {
    const addresses = Array.from({ length: 100 }, (_, at) => (at % 5 === 0 ? undefined : `192.0.2.${at}`));
    const headers = addresses.map((address) => (address === undefined ? {} : { "X-Forwarded-For": address }));
    const answers = await host.askTogether(await open("h2"), "/echo", headers);
    assert.deepEqual(
      answers.map(({ body }) => who(headersIn(body))),
      addresses.map((address) => [address ?? gateway, address ?? gateway, "https"]),
    );
  });

  it("ip_hash tells the clients of a connection apart, and each stays with a backend", async () => {
    const headers = Array.from({ length: 30 }, (_, at) => ({ "X-Forwarded-For": `192.0.${at}.1` }));
    const backends = async () => {
      const answers = await host.askTogether(await open("h2"), "/", headers);
      return answers.map(({ from }) => from);
    };
    const first = await backends();
    assert.equal(new Set(first).size, rig.backends.length);
    assert.deepEqual(await backends(), first);
  });

  it("the log has the client's address", async () => {
    const path = rig.path("/logged");
    await host.ask(await open("h2"), path, { "X-Forwarded-For": "198.51.100.9, 192.0.2.77, 10.1.2.3" });
    let line: string | undefined;
    await until("the line is there", 10, async () => {
      line = (await rig.log(1000)).split("\n").find((text) => text.includes(path));
      return line !== undefined;
    });
    assert.match(line ?? "", /^192\.0\.2\.77 \[/);
  });
});

describe("what PROXY lines of trusted proxies tell before TLS, on the real nginx", function () {
  this.timeout(120_000);
  let host: CertifiedHost;
  let rig: Rig;
  let gateway = "";
  before(async () => {
    host = await CertifiedHost.create();
    rig = await Rig.create("lines-tls", 1, (address) => {
      gateway = address;
      return { trustedProxies: [address], proxyProtocol: true, tls: host.settings() };
    });
  });
  after(async () => {
    await rig?.remove();
    await host?.remove();
  });

  const open = async (protocol: Protocol, line: string) => {
    const socket = await host.connect(rig.host);
    socket.write(line, "latin1");
    return host.handshake(socket, protocol);
  };

  for (const protocol of protocols) {
    for (const [what, line, expected] of [
      ["version 1", "PROXY TCP4 192.0.2.1 192.0.2.2 4711 443\r\n", "192.0.2.1"],
      ["version 1 and IPv6", "PROXY TCP6 2001:db8::1 2001:db8::2 4711 443\r\n", "2001:db8::1"],
      ["version 1, of nobody", "PROXY UNKNOWN\r\n", undefined],
      ["version 2", "\r\n\r\n\0\r\nQUIT\n!\x11\0\x0cd@\0\x01d@\0\x02\x12\x34\x01\xbb", "100.64.0.1"],
    ] as const)
      it(`${protocol}: the client is the one of the line, and its headers reach no backend: ${what}`, async () => {
        const got = headersIn((await host.ask(await open(protocol, line), "/echo", claimed)).body);
        assert.deepEqual(who(got), [expected ?? gateway, expected ?? gateway, "https"]);
        assert.ok(![...got.values()].includes("192.0.2.9"));
      });

    it(`${protocol}: a connection without a line is closed`, async () => {
      await assert.rejects(open(protocol, ""), /ECONNRESET|disconnected|closed/);
    });

    it(`${protocol}: a line of anybody else tells nothing`, async () => {
      const options = [curlOption[protocol], "--haproxy-clientip", "192.0.2.1"];
      await fromAnybody(rig, host, [...options, "--header", "X-Forwarded-For: 192.0.2.9"]);
    });
  }

  it("all requests of a connection have the client of its line", async () => {
    const secure = await open("h2", "PROXY TCP4 192.0.2.1 192.0.2.2 4711 443\r\n");
    const answers = await host.askTogether(secure, "/echo", Array<OutgoingHttpHeaders>(50).fill(claimed));
    assert.deepEqual(
      [...new Set(answers.map(({ body }) => who(headersIn(body)).join(" ")))],
      ["192.0.2.1 192.0.2.1 https"],
    );
  });
});
