import assert from "node:assert/strict";
import { connect } from "node:net";
import { text as readAll } from "node:stream/consumers";
import { headerRules } from "../../nginx/render/headers";
import { docker } from "../../rollout/docker";
import { headersIn } from "./headers";
import { Rig } from "./rig";
import { baseImages } from "../machine";
import { FixtureApp } from "../e2e/app";
import { TestStack, takePort, type Outputs } from "../e2e/stack";
import { CertifiedHost, protocols, type Protocol } from "./certified";

const claims = headerRules
  .filter(({ name }) => !/^(?:Host|Connection|Upgrade)$/.test(name))
  .map(({ name }) => `${name}: 192.0.2.9`);

describe("what PROXY lines of trusted proxies tell, on the real nginx", function () {
  this.timeout(120_000);
  let rig: Rig;
  let gateway = "";
  before(async () => {
    rig = await Rig.create("lines", 1, (address) => {
      gateway = address;
      return { trustedProxies: [address], proxyProtocol: true };
    });
  });
  after(() => rig?.remove());

  const request = ["GET /echo HTTP/1.1", "Host: a", ...claims, "Connection: close"];
  /** Version 2, for TCP: its bytes are all below 128. The addresses and ports follow. */
  const second = (family: string, addresses: string) =>
    `\r\n\r\n\0\r\nQUIT\n!${family}\0${String.fromCharCode(addresses.length)}${addresses}`;

  for (const [what, line, expected] of [
    ["version 1", "PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r\n", "192.0.2.1"],
    ["version 1 and IPv6", "PROXY TCP6 2001:db8::1 2001:db8::2 4711 80\r\n", "2001:db8::1"],
    ["version 1, of nobody", "PROXY UNKNOWN\r\n", undefined],
    ["version 2", second("\x11", "d@\0\x01d@\0\x02\x12\x34\0P"), "100.64.0.1"],
  ] as const)
    it(`the client is the one of the line, and its headers reach no backend: ${what}`, async () => {
      const [first = "", ...rest] = request;
      const got = headersIn(await rig.raw(line + first, ...rest));
      assert.deepEqual([got.get("x-real-ip"), got.get("x-forwarded-for")], Array(2).fill(expected ?? gateway));
      assert.equal(got.get("x-forwarded-proto"), "http");
      assert.ok(![...got.values()].includes("192.0.2.9"));
    });

  it("a connection without a line is closed, and no backend is asked", async () => {
    const path = rig.path("/none");
    assert.equal(await rig.raw(`GET ${path} HTTP/1.1`, "Host: a", "Connection: close"), "");
    assert.equal((await rig.seen())(path), 0);
  });

  it("a line of anybody else tells nothing", async () => {
    const { nginxImage } = await baseImages();
    const command = `hostname -i; curl --silent --haproxy-clientip 192.0.2.1 http://${rig.name}:8080/echo`;
    const text = await docker("run", "--rm", "--network", rig.name, nginxImage, "sh", "-c", command);
    const [address, ...body] = text.split("\n");
    assert.equal(headersIn(body.join("\n")).get("x-real-ip"), address);
  });
});

describe("PROXY protocol, on the real engine and Docker", function () {
  this.timeout(600_000);
  let app: FixtureApp;
  let stack: TestStack;
  let outputs: Outputs;
  let host: CertifiedHost;
  const tlsPort = takePort();

  before(async () => {
    host = await CertifiedHost.create();
    app = await FixtureApp.create();
    stack = await TestStack.create("lines", { backendCount: 2, apps: [{ name: "fixture", path: app.path }] });
    outputs = await stack.up();
  });
  after(async () => {
    await stack?.remove();
    await app?.remove();
    await host?.remove();
  });

  /** The answer to a connection of this host, to its end. */
  const answerTo = async (...lines: readonly string[]) => {
    const socket = connect({ host: "127.0.0.1", port: stack.port });
    socket.write(lines.map((line) => `${line}\r\n`).join(""));
    return readAll(socket);
  };
  /** The answer over TLS, after a line or none. */
  const secretAnswerTo = async (protocol: Protocol, ...lines: readonly string[]) => {
    const socket = await host.connect("127.0.0.1", tlsPort);
    socket.write(lines.map((line) => `${line}\r\n`).join(""));
    return (await host.ask(await host.handshake(socket, protocol), "/told")).body;
  };
  const request = ["GET /told HTTP/1.1", "Host: a", "Connection: close", ""];
  const line = "PROXY TCP4 192.0.2.77 192.0.2.2 4711 80";

  it("is turned on by an update, whose check sends a line itself", async () => {
    const { entry } = await stack.containers();
    const format = "{{range .NetworkSettings.Networks}}{{.Gateway}}{{end}}";
    const gateway = (await docker("inspect", "--format", format, entry?.id ?? "")).trim();
    assert.match(await answerTo(...request), /200 OK/);
    await stack.configure({ trustedProxies: [gateway], proxyProtocol: true });
    outputs = await stack.up();
    assert.match(await answerTo(line, ...request), /"HTTP_X_REAL_IP": "192\.0\.2\.77"/);
    assert.equal(await answerTo(...request), "");
  });

  it("is spoken by the load of verify", async () => {
    const { code, output } = await stack.script("verify", "--config-file", stack.configFile, "--clients", "4");
    assert.equal(code, 0, output);
  });

  it("goes on with TLS beside it, whose port takes lines, too", async () => {
    await stack.configure({ tls: host.settings(tlsPort) });
    outputs = await stack.up();
    assert.match(await answerTo(line, ...request), /"HTTP_X_REAL_IP": "192\.0\.2\.77"/);
    for (const protocol of protocols) {
      const told = await secretAnswerTo(protocol, line);
      assert.match(told, /"HTTP_X_REAL_IP": "192\.0\.2\.77"/);
      assert.match(told, /"HTTP_X_FORWARDED_PROTO": "https"/);
      await assert.rejects(secretAnswerTo(protocol), /ECONNRESET|disconnected|closed/);
    }
  });

  it("is spoken by the load of verify before TLS", async () => {
    const { code, output } = await stack.script("verify", "--config-file", stack.configFile, "--clients", "4");
    assert.equal(code, 0, output);
    assert.match(output, /TLS handshakes: [1-9]\d* in full/);
  });

  it("is turned off by another one, and a line is refused from then on", async () => {
    await stack.configure({ proxyProtocol: false });
    assert.equal((await stack.up()).url, outputs.url);
    assert.match(await answerTo(...request), /200 OK/);
    assert.match(await answerTo(line, ...request), /^HTTP\/1\.1 400 |400 Bad Request/);
    for (const protocol of protocols) {
      assert.match(await secretAnswerTo(protocol), /"HTTP_X_FORWARDED_PROTO": "https"/);
      await assert.rejects(secretAnswerTo(protocol, line));
    }
  });
});
