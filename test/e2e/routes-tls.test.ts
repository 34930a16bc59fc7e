import assert from "node:assert/strict";
import type { OutgoingHttpHeaders } from "node:http2";
import { parseSettings } from "../../model/settings";
import { docker } from "../../rollout/docker";
import { CertifiedHost, protocols, type AnswerTls, type Protocol } from "../faults/certified";
import { Rig } from "../faults/rig";

/** What the apps answer; a backend each. */
const apps = [
  { name: "rest" },
  { name: "up", paths: ["/up"] },
  { name: "shop", hosts: ["shop.example", "www.shop.example"] },
  { name: "wild", hosts: ["*.shop.example"] },
  { name: "api", hosts: ["api.example"], paths: ["/api"], stripPrefix: true },
  { name: "admin", hosts: ["api.example"], paths: ["/api/admin"] },
  // Of one shape, and with one certificate: they share a server block.
  { name: "files", hosts: ["files.example"], paths: ["/files"] },
  { name: "music", hosts: ["music.example", "*.music.example"], paths: ["/files"] },
  { name: "half", hosts: ["half.example"] },
  { name: "idle", hosts: ["half.example"], weight: 0 },
].map((app) => ({ path: app.name, ...app }));

const certificates = [
  ["shop.example", "www.shop.example", "*.shop.example", "old.example"],
  ["api.example"],
  ["files.example", "music.example", "*.music.example", "half.example"],
  ["rest.example", "*.rest.example"],
];

/** Who answers, and the Host and target that it gets; or nginx's own status; or what keeps the client from asking. */
type Expected = string | Readonly<Record<Protocol, string>>;

const refused = "ERR_SSL_TLSV1_UNRECOGNIZED_NAME";
const notFor = "ERR_TLS_CERT_ALTNAME_INVALID";

/** The handshake is for the host, without its port; for none where that is an address. */
const rows: readonly [host: string, target: string, expected: Expected][] = [
  // Names.
  ["shop.example", "/x?y=/z", "shop shop.example /x?y=/z"],
  ["www.shop.example", "/", "shop www.shop.example /"],
  ["SHOP.Example", "/", "shop shop.example /"],
  ["shop.example.", "/", "shop shop.example /"],
  ["shop.example:8443", "/", "shop shop.example:8443 /"],
  ["SHOP.example.:8443", "/", "shop shop.example:8443 /"],
  ["blog.shop.example", "/", "wild blog.shop.example /"],
  ["Blog.SHOP.example.", "/", "wild blog.shop.example /"],
  ["a.blog.shop.example", "/", notFor],
  ["rest.example", "/", "rest rest.example /"],
  ["a.rest.example", "/", "rest a.rest.example /"],
  ["half.example", "/", "half half.example /"],
  ["old.example", "/a%20b?c=/d", "308 https://shop.example/a%20b?c=/d"],
  ["OLD.example.:8443", "//x/../y", "308 https://shop.example:8443//x/../y"],
  // Names that nobody serves, and no name.
  ["other.example", "/", refused],
  ["notshop.example", "/", refused],
  ["shop.example.test", "/", refused],
  ["www.api.example", "/api", refused],
  ["localhost", "/", refused],
  ["127.0.0.1", "/", refused],
  ["[::1]:8443", "/", refused],
  // Paths.
  ["rest.example", "/up", "up rest.example /up"],
  ["rest.example", "/up/x?y", "up rest.example /up/x?y"],
  ["rest.example", "/ups", "rest rest.example /ups"],
  ["rest.example", "//up", "up rest.example /up"],
  ["rest.example", "/up%2fx", "up rest.example /up%2fx"],
  ["rest.example", "/up/%2e%2e/x", "rest rest.example /up/%2e%2e/x"],
  ["files.example", "/files/x", "files files.example /files/x"],
  ["music.example", "/files/x", "music music.example /files/x"],
  ["live.music.example", "/files", "music live.music.example /files"],
  ["files.example", "/filesystem", "404"],
  ["api.example", "/api?x=1", "api api.example /?x=1"],
  ["api.example", "/api/orders/7?x=/api", "api api.example /orders/7?x=/api"],
  ["api.example", "/api/admin/x", "admin api.example /api/admin/x"],
  ["api.example", "/api/administrators", "api api.example /administrators"],
  ["api.example", "/apis", "404"],
  ["api.example", "/api/a%20b%2Fc", "api api.example /a%20b%2Fc"],
  ["api.example", "//api//x", "api api.example /x"],
  ["api.example", "/api%2fx", "api api.example /x"],
  ["api.example", "/api/x/../y", "api api.example /y"],
  ["api.example", "/api/../api/admin/x", "admin api.example /api/../api/admin/x"],
  ["api.example", "/api/../x", "404"],
  ["api.example", "/api/../../x", "400"],
  ["api.example", "api", "400"],
  ["files.example", "https://music.example/files", { "http/1.1": "music music.example /files", h2: "400" }],
];

/** The handshake is for one name, and the request for another. */
const others: readonly [name: string, host: string, target: string, expected: Expected][] = [
  ["shop.example", "www.shop.example", "/", "shop www.shop.example /"],
  ["SHOP.example.", "shop.example:8443", "/", "shop shop.example:8443 /"],
  ["shop.example", "a.blog.shop.example", "/", "wild a.blog.shop.example /"],
  ["blog.shop.example", "shop.example", "/", "shop shop.example /"],
  ["files.example", "MUSIC.example.:8443", "/files", "music music.example:8443 /files"],
  ["live.music.example", "files.example", "/files", "files files.example /files"],
  ["shop.example", "old.example", "/x", "308 https://shop.example/x"],
  ["old.example", "shop.example", "/x", "shop shop.example /x"],
  // With another certificate.
  ["shop.example", "api.example", "/api/x", "api api.example /x"],
  ["api.example", "a.rest.example", "/up", "up a.rest.example /up"],
  ["rest.example", "half.example", "/", "half half.example /"],
  // Nobody's.
  ["shop.example", "other.example", "/", "421"],
  ["rest.example", "other.example", "/up", "421"],
  ["shop.example", "localhost", "/", "421"],
  ["shop.example", "127.0.0.1:8443", "/", "421"],
  ["shop.example", "[::1]:8443", "/", "421"],
  ["shop.example", "shop..example", "/", "400"],
];

/** Requests that name no host, or two, or not where others do; the handshake is for shop.example. */
const heads: readonly [protocol: Protocol, headers: OutgoingHttpHeaders, expected: string][] = [
  ["http/1.1", { Host: [] }, "400"],
  ["http/1.1", { Host: [""] }, "400"],
  ["http/1.1", { Host: ["shop.example", "shop.example"] }, "400"],
  ["http/1.1", { Host: ["shop.example", "api.example"] }, "400"],
  ["h2", { ":authority": "" }, "400"],
  ["h2", { host: "www.shop.example:8443" }, "shop www.shop.example:8443 /api"],
  ["h2", { host: "API.example." }, "api api.example /"],
  ["h2", { host: "other.example" }, "421"],
  ["h2", { ":authority": "api.example", host: "api.example" }, "api api.example /"],
  ["h2", { ":authority": "api.example", host: "shop.example" }, "400"],
  ["h2", { ":authority": "shop.example", host: "other.example" }, "400"],
  ["h2", { ":authority": "other.example", host: "shop.example" }, "421"],
];

describe("routes over TLS, on the real nginx", function () {
  this.timeout(120_000);
  let host: CertifiedHost;
  let rig: Rig;
  before(async () => {
    host = await CertifiedHost.create(...certificates);
    const redirects = [{ from: "old.example", to: "shop.example" }];
    const settings = parseSettings(
      { apps: JSON.stringify(apps), backendCount: String(apps.length), redirects: JSON.stringify(redirects) },
      { isApp: () => true },
    );
    rig = await Rig.create("routes-tls", apps.length, { apps: settings.apps, redirects, tls: host.settings() });
    got = await logged();
  });
  after(async () => {
    await rig?.remove();
    await host?.remove();
  });

  /** How many requests each backend has got. */
  const logged = async () =>
    Promise.all(rig.backends.map(async (backend) => (await docker("logs", backend)).split("\n").length));
  let got: number[] = [];

  const told = ({ status, from, headers }: AnswerTls): string => {
    if (status !== 200) return [status, headers.location ?? []].flat().join(" ");
    const backend = rig.backends.indexOf(from);
    got[backend] = (got[backend] ?? 0) + 1;
    return `${apps[backend]?.name} ${headers["x-host"]} ${headers["x-target"]}`;
  };

  async function answerOf(protocol: Protocol, name: string, target: string, headers: OutgoingHttpHeaders) {
    try {
      const socket = await host.handshake(await host.connect(rig.host), protocol, name);
      return told(await host.ask(socket, target, headers));
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? String(error);
    }
  }

  for (const protocol of protocols) {
    const all = [...rows.map(([asked, ...row]) => [asked, asked, ...row] as const), ...others];
    for (const [name, asked, target, expected] of all) {
      const answer = typeof expected === "string" ? expected : expected[protocol];
      it(`${protocol} ${name}${name === asked ? "" : `, then ${asked}`} ${target} -> ${answer}`, async () => {
        const headers = { [protocol === "h2" ? ":authority" : "Host"]: asked };
        assert.equal(await answerOf(protocol, name, target, headers), answer);
      });
    }
  }

  for (const [protocol, headers, expected] of heads)
    it(`${protocol} ${JSON.stringify(headers)} -> ${expected}`, async () =>
      assert.equal(await answerOf(protocol, "shop.example", "/api", headers), expected));

  it("many at the same time on one connection: each has its own host's answer", async () => {
    const hosts = ["shop.example", "www.shop.example", "a.shop.example", "api.example", "rest.example", "old.example", "other.example"]; // prettier-ignore
    const socket = await host.handshake(await host.connect(rig.host), "h2");
    const asked = Array.from({ length: 10 }, () => hosts).flat();
    const answers = await host.askTogether(socket, "/api/x", asked.map((name) => ({ ":authority": name }))); // prettier-ignore
    socket.destroy();
    const expected = ["shop shop.example /api/x", "shop www.shop.example /api/x", "wild a.shop.example /api/x", "api api.example /x", "rest rest.example /api/x", "308 https://shop.example/api/x", "421"]; // prettier-ignore
    assert.deepEqual(answers.map(told), Array.from({ length: 10 }, () => expected).flat());
  });

  it("backends were asked for what they have answered, and for nothing else", async () => {
    assert.deepEqual(await logged(), got);
  });
});
