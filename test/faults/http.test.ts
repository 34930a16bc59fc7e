import assert from "node:assert/strict";
import { docker } from "../../rollout/docker";
import { headerRules } from "../../nginx/render/headers";
import { baseImages } from "../machine";
import { brokenTexts, texts } from "../directives";
import { headersIn } from "./headers";
import { Rig } from "./rig";

const echo = async (rig: Rig, ...head: string[]) =>
  headersIn(await rig.raw("GET /echo HTTP/1.1", ...head, "Connection: close"));

const claims = headerRules.map(({ name }) => name).filter((name) => !/^(?:Host|Connection|Upgrade)$/.test(name));
const claimed = claims.map((name) => `${name}: 192.0.2.9`);

describe("what nginx makes of a request", function () {
  this.timeout(60_000);
  let rig: Rig;
  before(async () => (rig = await Rig.create("http", 2)));
  after(() => rig?.remove());

  it("no client tells a backend who it is, by none of the known headers", async () => {
    const got = await echo(rig, "Host: shop.example", ...claimed, "X-Other: kept");
    const gone = claims.filter((name) => !/^X-(?:Real-IP|Forwarded-(?:For|Proto))$/.test(name));
    assert.ok(gone.length > 25);
    for (const name of gone) assert.equal(got.get(name.toLowerCase()), undefined, name);
    assert.match(got.get("x-real-ip") ?? "", /^\d+\.\d+\.\d+\.1$/);
    assert.equal(got.get("x-forwarded-for"), got.get("x-real-ip"));
    assert.equal(got.get("x-forwarded-proto"), "http");
    assert.equal(got.get("x-other"), "kept");
  });

  for (const listed of [
    "X-Forwarded-For",
    "close, X-Real-IP",
    "Host",
    "X-Forwarded-Proto, Content-Length",
    "X-Forwarded-Host, Forwarded",
  ])
    // prettier-ignore
    it(`Connection: ${listed} takes none of the balancer's headers away`, async () => {
      const asked = ["Host: shop.example", ...claimed, "X-Request-Id: kept"];
      const got = await echo(rig, ...asked, `Connection: ${listed}`);
      assert.deepEqual(got, await echo(rig, ...asked));
      assert.equal(got.get("host"), "shop.example");
      assert.equal(got.get("x-request-id"), "kept");
    });

  it("a header with underscores is dropped, and can't stand for one with hyphens", async () => {
    const got = await echo(rig, "Host: a", "X_Forwarded_For: 192.0.2.9", "Remote_User: root");
    assert.deepEqual([got.get("x_forwarded_for"), got.get("remote_user")], [undefined, undefined]);
  });

  for (const [what, target, version, host, expected] of [
    ["as it was written", "/echo", "1.1", "Host: shop.example:81", "shop.example:81"],
    ["without a port", "/echo", "1.1", "Host: shop.example", "shop.example"],
    ["an address", "/echo", "1.1", "Host: [::1]:81", "[::1]:81"],
    ["none, as HTTP/1.0 allows", "/echo", "1.0", "X-Nothing: 1", "localhost"],
    [
      "that of the target before another one",
      "http://shop.example:82/echo",
      "1.1",
      "Host: other.example",
      "shop.example:82",
    ],
    ["that of the target, without a port", "http://shop.example/echo", "1.1", "Host: other.example:1", "shop.example"],
  ] as const)
    it(`Host: ${what}`, async () => {
      const got = headersIn(await rig.raw(`GET ${target} HTTP/${version}`, host, "Connection: close"));
      assert.equal(got.get("host"), expected);
    });

  for (const [protocol, isPassed] of [
    ["websocket", true],
    ["WebSocket", true],
    ["h2c", false],
    ["websocket, h2c", false],
    ["h2c, websocket", false],
    ["TLS/1.0", false],
  ] as const)
    it(`Upgrade: ${protocol} is ${isPassed ? "handed on" : "dropped"}`, async () => {
      const got = headersIn(
        await rig.raw("GET /echo HTTP/1.1", "Host: a", "Connection: upgrade", `Upgrade: ${protocol}`),
      );
      const expected = isPassed ? ["websocket", "upgrade"] : [undefined, undefined];
      assert.deepEqual([got.get("upgrade"), got.get("connection")], expected);
      if (!isPassed) return;
      const answer = await rig.raw("GET /upgrade HTTP/1.1", "Host: a", "Connection: upgrade", `Upgrade: ${protocol}`);
      assert.match(answer, /^HTTP\/1\.1 101 [^]*\r\n\r\ntunnel$/);
    });

  it("30 kB of cookies reach the backend", async () => {
    const cookie = "c".repeat(30_000);
    assert.equal((await echo(rig, "Host: a", `Cookie: ${cookie}`)).get("cookie"), cookie);
  });
});

describe("a client that closes its side as soon as it has asked", function () {
  this.timeout(60_000);
  let rig: Rig;
  const serverConfig = "location /patient { proxy_ignore_client_abort on; proxy_pass http://backends; }";
  before(async () => (rig = await Rig.create("half", 1, { serverConfig })));
  after(() => rig?.remove());

  const ask = (path: string) =>
    rig.rawAndClose(`GET ${path}?seconds=0.2 HTTP/1.1`, "Host: shop.example", "Connection: close");

  it("is taken for gone", async () => assert.equal(await ask("/slow"), ""));

  it("is answered where directives say so", async () => assert.match(await ask("/patient"), /^HTTP\/1\.1 200 /));
});

describe("what nginx makes of a request behind a proxy", function () {
  this.timeout(60_000);
  let rig: Rig;
  before(async () => (rig = await Rig.create("proxied", 3, { behindProxy: true, method: "ip_hash" })));
  after(() => rig?.remove());

  it("what the proxy tells about its client reaches the backend, but for a path or a proxy that it must not name", async () => {
    const got = await echo(rig, "Host: a", ...claimed);
    const lost = claims.filter((name) => got.get(name.toLowerCase()) === undefined);
    assert.deepEqual(lost, ["X-Original-URL", "X-Rewrite-URL", "Proxy-Connection", "Proxy"]);
    assert.match(got.get("x-forwarded-for") ?? "", /^192\.0\.2\.9, \d/);
  });

  for (const [what, head, expected] of [
    ["X-Real-IP", ["X-Real-IP: 192.0.2.1", "X-Forwarded-For: 192.0.2.2"], "192.0.2.1"],
    ["the last address that a proxy has added", ["X-Forwarded-For: 192.0.2.2, 192.0.2.3"], "192.0.2.3"],
    ["the only one that it has added", ["X-Forwarded-For: 2001:db8::1"], "2001:db8::1"],
  ] as const)
    it(`the client's address is ${what}`, async () =>
      assert.equal((await echo(rig, "Host: a", ...head)).get("x-real-ip"), expected));

  it("clients stay with a backend each, told apart by that address: all backends have some", async () => {
    await rig.whole();
    const from = async (address: string) =>
      /x-backend: (\S+)/i.exec(
        await rig.raw("GET / HTTP/1.1", "Host: a", `X-Forwarded-For: ${address}`, "Connection: close"),
      )?.[1];
    const addresses = Array.from({ length: 30 }, (_, at) => `192.0.2.${at}`);
    const first = await Promise.all(addresses.map(from));
    assert.deepEqual(await Promise.all(addresses.map(from)), first);
    assert.equal(new Set(first).size, 3);
  });
});

const ownDirectives = `
proxy_set_header X-Own "a;{";
proxy_set_header X-Forwarded-Prefix /shop;
add_header X-Outer yes;
location /echo { proxy_set_header X-Inner b; add_header X-Location yes; proxy_pass http://backends; }
location /echo/plain { proxy_pass http://backends/echo; }
location /shop/ { proxy_pass http://backends; }
location = /text { return 200 "two
    lines; server x:1; listen 81;"; }
`;

describe("what nginx makes of directives of the user's own", function () {
  this.timeout(60_000);
  let rig: Rig;
  before(async () => (rig = await Rig.create("own", 1, { serverConfig: ownDirectives })));
  after(() => rig?.remove());
  const ask = async (path: string) =>
    rig.raw(`GET ${path} HTTP/1.1`, "Host: shop.example", "Connection: upgrade", "Upgrade: websocket", ...claimed);

  for (const [path, own] of [
    ["/echo/plain", { "x-own": "a;{", "x-forwarded-prefix": "/shop", "x-inner": undefined }],
    ["/echo", { "x-own": undefined, "x-forwarded-prefix": undefined, "x-inner": "b" }],
  ] as const)
    it(`${path}: their headers, and the balancer's`, async () => {
      const got = headersIn(await ask(path));
      for (const [name, value] of Object.entries(own)) assert.equal(got.get(name), value, name);
      assert.equal(got.get("host"), "shop.example");
      assert.equal(got.get("upgrade"), "websocket");
      assert.match(got.get("x-real-ip") ?? "", /^\d+\.\d+\.\d+\.1$/);
      assert.equal(got.get("x-forwarded-for"), got.get("x-real-ip"));
      assert.equal(got.get("true-client-ip"), undefined);
    });

  it("headers of an answer are added to those around", async () => {
    const answer = await ask("/echo");
    assert.match(answer, /X-Outer: yes/);
    assert.match(answer, /X-Location: yes/);
  });

  it("a missing slash is answered with a relative redirect", async () =>
    assert.match(await ask("/shop?a=b"), /^HTTP\/1\.1 301 [^]*\r\nLocation: \/shop\/\?a=b\r\n/));

  it("a string over two lines is as it was written", async () =>
    assert.match(await ask("/text"), /\r\n\r\ntwo\n {4}lines; server x:1; listen 81;$/));

  it("nginx reads what we read, and refuses what we refuse", async () => {
    const { nginxImage } = await baseImages();
    const all = [...texts, ...brokenTexts].map(([text]) => text);
    const main = Buffer.from("events { }\nhttp { server { include /tmp/own.conf; } }\n").toString("base64");
    const script = all.map((text, at) => {
      const own = Buffer.from(text).toString("base64");
      const test = `echo ${own} | base64 -d >/tmp/own.conf; nginx -t -c /tmp/main.conf >/dev/null 2>&1`;
      return `if ${test}; then echo ${at} taken; else echo ${at} refused; fi`;
    });
    script.unshift(`echo ${main} | base64 -d >/tmp/main.conf`);
    const output = await docker("run", "--rm", nginxImage, "sh", "-c", script.join("\n"));
    const expected = all.map((_, at) => `${at} ${at < texts.length ? "taken" : "refused"}`);
    assert.deepEqual(output.trim().split("\n"), expected);
  });
});
