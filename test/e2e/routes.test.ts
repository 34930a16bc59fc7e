import assert from "node:assert/strict";
import { parseSettings } from "../../model/settings";
import { Rig } from "../faults/rig";

/** What the apps answer; a backend each. */
const apps = [
  { name: "any", path: "any" },
  { name: "up", path: "up", paths: ["/up"] },
  { name: "shop", path: "shop", hosts: ["shop.example", "www.shop.example"] },
  { name: "api", path: "api", hosts: ["api.example", "api.example.test"], paths: ["/api", "/v1.0"], stripPrefix: true },
  { name: "admin", path: "admin", hosts: ["api.example", "api.example.test"], paths: ["/api/admin"] },
  { name: "wild", path: "wild", hosts: ["*.shop.example"] },
  { name: "files", path: "files", hosts: ["files.example"], paths: ["/files", "/files/old"] },
  { name: "music", path: "music", hosts: ["music.example", "*.music.example"], paths: ["/files", "/files/old"] },
];

/** Who answers, and what it is asked for; or nginx's own status. */
type Expected = string | number;

const long = `${"a".repeat(60)}.`.repeat(4).slice(0, 240);

const rows: readonly [host: string, target: string, expected: Expected][] = [
  // Names.
  ["shop.example", "/", "shop /"],
  ["www.shop.example", "/", "shop /"],
  ["SHOP.Example", "/", "shop /"],
  ["shop.example.", "/", "shop /"],
  ["shop.example:80", "/", "shop /"],
  ["shop.example:8443", "/", "shop /"],
  ["shop.example.:8443", "/", "shop /"],
  ["blog.shop.example", "/", "wild /"],
  ["a.blog.shop.example", "/", "wild /"],
  ["WWW.SHOP.EXAMPLE", "/", "shop /"],
  ["shop.example.test", "/", "any /"],
  ["notshop.example", "/", "any /"],
  [".shop.example", "/", "wild /"],
  ["localhost", "/", "any /"],
  ["127.0.0.1", "/", "any /"],
  ["127.0.0.1:8080", "/", "any /"],
  ["[::1]", "/", "any /"],
  ["[::1]:8080", "/", "any /"],
  ["[2001:db8::1]:8080", "/", "any /"],
  ["xn--bcher-kva.example", "/", "any /"],
  [long, "/", "any /"],
  ["shop..example", "/", 400],
  ["shop.example/", "/", 400],
  ["shop example", "/", 400],
  ["shop.example\u0000", "/", 400],
  // Paths, longest first, at a segment's end.
  ["other", "/up", "up /up"],
  ["other", "/up/", "up /up/"],
  ["other", "/up/x?y=/z", "up /up/x?y=/z"],
  ["other", "/up?x", "up /up?x"],
  ["other", "/ups", "any /ups"],
  ["other", "/UP", "any /UP"],
  ["other", "/x/up", "any /x/up"],
  ["other", "/?/up", "any /?/up"],
  ["shop.example", "/up", "shop /up"],
  ["files.example", "/files", "files /files"],
  ["files.example", "/files/old/a", "files /files/old/a"],
  ["files.example", "/files/older", "files /files/older"],
  // Of the same shape as the site before, with which it shares a server block.
  ["music.example", "/files", "music /files"],
  ["MUSIC.example.:81", "/files/old/a", "music /files/old/a"],
  ["live.music.example", "/files/old", "music /files/old"],
  ["files.music.example", "/files/older", "music /files/older"],
  ["music.example", "/", 404],
  ["files.example", "http://music.example/files", "music /files"],
  ["files.example", "/", 404],
  ["files.example", "/filesystem", 404],
  ["files.example", "/up", 404],
  // A path that is taken off, and one below it that is not.
  ["api.example", "/api", "api /"],
  ["api.example", "/api/", "api /"],
  ["api.example", "/api?x=1", "api /?x=1"],
  ["api.example", "/api/?x=1", "api /?x=1"],
  ["api.example", "/api/orders/7?x=/api", "api /orders/7?x=/api"],
  ["api.example", "/api/api", "api /api"],
  ["api.example", "/api/a%20b%2Fc", "api /a%20b%2Fc"],
  ["api.example", "/api/a+b;c=d", "api /a+b;c=d"],
  ["api.example", "/api/%C3%BC", "api /%C3%BC"],
  ["api.example", "/v1.0/x", "api /x"],
  ["api.example", "/v1x0/x", 404],
  ["api.example", "/apis", 404],
  ["api.example", "/", 404],
  ["api.example.test", "/api/x", "api /x"],
  ["api.example", "/api/admin", "admin /api/admin"],
  ["api.example", "/api/admin/x?y", "admin /api/admin/x?y"],
  ["api.example", "/api/administrators", "api /administrators"],
  // Other spellings of a path: what nginx reads decides, and what a backend gets never leads above its own.
  // Slashes at the begin of what it gets are one to this backend (Python's http.server).
  ["other", "//up", "up /up"],
  ["other", "/x/../up", "up /x/../up"],
  ["other", "/up/../x", "any /up/../x"],
  ["other", "/%75p/x", "up /%75p/x"],
  ["other", "/up%2fx", "up /up%2fx"],
  ["other", "/./up/.", "up /./up/."],
  ["other", "/up/%2e%2e/x", "any /up/%2e%2e/x"],
  ["api.example", "//api/x", "api /x"],
  ["api.example", "/api//x", "api /x"],
  ["api.example", "/api/x//y", "api /x//y"],
  ["api.example", "/%61pi/x", "api /x"],
  ["api.example", "/api%2fx", "api /x"],
  ["api.example", "/api/x/../y", "api /y"],
  ["api.example", "/api/x/%2e%2E/y", "api /y"],
  ["api.example", "/x/../api/y?z=..", "api /y?z=.."],
  ["api.example", "/api/../api/admin/x", "admin /api/../api/admin/x"],
  ["api.example", "/api/../../x", 400],
  ["api.example", "/api/../x", 404],
  ["other", "/up/../../x", 400],
  ["other", "up", 400],
  // A target that names a host is asked of that host (RFC 9112, 3.2.2).
  ["other", "http://shop.example/x", "shop /x"],
  ["other", "http://shop.example", "shop /"],
  ["shop.example", "http://other/up/x", "up /up/x"],
  ["other", "http://api.example/api/x?y", "api /x?y"],
];

/** Requests whose head is odd. */
const heads: readonly [what: string, lines: readonly string[], expected: Expected][] = [
  ["no Host", ["GET / HTTP/1.1"], 400],
  ["two Hosts", ["GET / HTTP/1.1", "Host: shop.example", "Host: other"], 400],
  ["an empty Host", ["GET / HTTP/1.1", "Host:"], 400],
  ["HTTP/1.0 with a Host", ["GET /x HTTP/1.0", "Host: shop.example"], "shop /x"],
  ["HTTP/1.0 without one", ["GET /up HTTP/1.0"], "up /up"],
  ["another host of a proxy's", ["GET / HTTP/1.1", "Host: other", "X-Forwarded-Host: shop.example"], "any /"],
];

describe("routes, on the real nginx", function () {
  this.timeout(120_000);
  let rig: Rig;
  before(async () => {
    const settings = parseSettings(
      { apps: JSON.stringify(apps), backendCount: String(apps.length) },
      { isApp: () => true },
    );
    rig = await Rig.create("routes", apps.length, { apps: settings.apps, spoolMb: 64 });
  });
  after(() => rig?.remove());

  async function answerOf(lines: readonly string[]): Promise<Expected> {
    const text = await rig.raw(...lines, "Connection: close");
    const status = Number(/^HTTP\/1\.\d (\d+)/.exec(text)?.[1]);
    const backend = /^X-Backend: .*-(\d+)\r$/m.exec(text)?.[1];
    const target = /^X-Target: (.*)\r$/m.exec(text)?.[1];
    return backend === undefined ? status : `${apps[Number(backend)]?.name} ${target}`;
  }

  for (const [host, target, expected] of rows)
    it(`${host.slice(0, 40)} ${target} -> ${expected}`, async () =>
      assert.equal(await answerOf([`GET ${target} HTTP/1.1`, `Host: ${host}`]), expected));

  for (const [what, lines, expected] of heads)
    it(`${what} -> ${expected}`, async () => assert.equal(await answerOf(lines), expected));
});

describe("names that no app has, on the real nginx", function () {
  this.timeout(120_000);
  let rig: Rig;
  before(async () => {
    const settings = parseSettings(
      { apps: JSON.stringify([{ name: "shop", path: "shop", hosts: ["shop.example"] }]) },
      { isApp: () => true },
    );
    rig = await Rig.create("names", 1, { apps: settings.apps });
  });
  after(() => rig?.remove());

  for (const [host, expected] of [
    ["shop.example", 200],
    ["other", 421],
    ["www.shop.example", 421],
    ["localhost", 421],
    ["", 400],
  ] as const)
    it(`${host || "none"} -> ${expected}`, async () => {
      const path = rig.path("/");
      const text = await rig.raw(`GET ${path} HTTP/1.1`, `Host: ${host}`, "Connection: close");
      assert.equal(Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]), expected);
      assert.equal((await rig.seen())(path), expected === 200 ? 1 : 0);
    });
});
