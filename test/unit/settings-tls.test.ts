import assert from "node:assert/strict";
import { doorsOf } from "../../model/entry";
import { parseSettings } from "../../model/settings";
import { askedElsewhere } from "../../model/tls";
import { authority, certificateOf } from "../certificates";

describe("settings of TLS", () => {
  const files: Record<string, string> = {};
  before(async () => {
    const root = await authority("Root");
    const add = async (name: string, ...names: string[]) => {
      const { certificate, key } = await certificateOf(names, root);
      files[`${name}.crt`] = `${certificate}\n${root.certificate}`;
      files[`${name}.key`] = key;
    };
    await add("shop", "shop.example", "www.shop.example");
    await add("wild", "*.wild.example");
    await add("later", "www.shop.example");
    await add("more", "www.shop.example", "more.example");
    const { certificate, key } = await certificateOf(["shop.example"], undefined, { kind: "rsa" });
    Object.assign(files, { "rsa.crt": certificate, "rsa.key": key });
    files["root.pem"] = root.certificate;
    files["cut.pem"] = root.certificate.replace(/^\S{60,}\r?\n/m, "");
  });

  const parse = (config: Record<string, unknown>) =>
    parseSettings(
      Object.fromEntries(
        Object.entries(config).map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]),
      ),
      {
        isApp: () => true,
        readFile: (path) => files[path],
      },
    );
  const pair = (name: string, key = name) => ({ certificateFile: `${name}.crt`, privateKeyFile: `${key}.key` });
  const shop = { certificates: [pair("shop")] };
  const app = (...hosts: string[]) => ({ name: "shop", path: "shop", hosts });

  it("have defaults for all but the certificates", () => {
    assert.deepEqual(parse({ tls: shop }).tls, {
      port: 8443,
      certificates: [pair("shop")],
      redirect: true,
      hsts: 0,
      hstsPreload: false,
      profile: "intermediate",
    });
  });

  it("take hosts that certificates are for, wildcards among them", () => {
    const hosts = ["shop.example", "*.wild.example", "a.wild.example"];
    parse({
      tls: { certificates: [pair("shop"), pair("wild")] },
      apps: [app(...hosts)],
      redirects: [{ from: "www.shop.example", to: "shop.example" }],
    });
  });

  it("take a certificate beside another one for one name more, and for a name of both by another kind of key", () => {
    parse({ tls: { certificates: [pair("shop"), pair("more")] } });
    parse({ tls: { certificates: [pair("shop"), pair("rsa")] } });
  });

  const names = "expected a name that a certificate of tls.certificates is for: shop.example, www.shop.example";
  const rows: [what: string, config: Record<string, unknown>, problem: string][] = [
    ["no object", { tls: true }, "tls: got true, expected an object {certificates, ...}"],
    ["no certificates", { tls: {} }, "tls.certificates: got nothing, expected at least one, or `acme`"],
    ["an empty list", { tls: { certificates: [] } }, "tls.certificates: got [], expected at least one, or `acme`"],
    [
      "a certificate that is a name",
      { tls: { certificates: ["shop.crt"] } },
      'tls.certificates[0]: got "shop.crt", expected an object {certificateFile, privateKeyFile}',
    ],
    [
      "no key",
      { tls: { certificates: [{ certificateFile: "shop.crt" }] } },
      "tls.certificates[0].privateKeyFile: got nothing, expected the name of a file, relative to the program's folder",
    ],
    [
      "a key that isn't known",
      { tls: { ...shop, http2: true } },
      "tls.http2: unknown key (got true), allowed keys are port, certificates, acme, redirect, hsts, hstsPreload, profile",
    ],
    [
      "a mistyped file",
      { tls: { certificates: [{ ...pair("shop"), keyFile: "a" }] } },
      'tls.certificates[0].keyFile: unknown key (got "a"), allowed keys are certificateFile, privateKeyFile',
    ],
    [
      "a file that isn't there",
      { tls: { certificates: [pair("shap")] } },
      'tls.certificates[0].certificateFile: got "shap.crt", expected a file that can be read',
    ],
    [
      "another key",
      { tls: { certificates: [pair("shop"), pair("wild", "shop")] } },
      'tls.certificates[1].privateKeyFile: got "shop.key", expected the key of the certificate of *.wild.example',
    ],
    [
      "a certificate twice",
      { tls: { certificates: [pair("shop"), pair("shop")] } },
      'tls.certificates[1].certificateFile: got "shop.crt", expected a certificate for a name that tls.certificates[0] is not for, or one with another kind of key',
    ],
    [
      "a certificate that another one leaves nothing to",
      { tls: { certificates: [pair("wild"), pair("shop"), pair("later")] } },
      'tls.certificates[2].certificateFile: got "later.crt", expected a certificate for a name that tls.certificates[1] is not for, or one with another kind of key',
    ],
    [
      "a certificate that one by its own kind of key leaves nothing to",
      { tls: { certificates: [pair("rsa"), pair("shop"), pair("later")] } },
      'tls.certificates[2].certificateFile: got "later.crt", expected a certificate for a name that tls.certificates[1] is not for, or one with another kind of key',
    ],
    [
      "a file that isn't there, which may have been for an app's host",
      { tls: { certificates: [pair("shop"), pair("apo")] }, apps: [app("api.example")] },
      'tls.certificates[1].certificateFile: got "apo.crt", expected a file that can be read',
    ],
    [
      "the port of both",
      { port: 8443, tls: shop },
      "tls.port: got nothing, expected a port other than 8443, which `port` has",
    ],
    ["no port", { tls: { ...shop, port: 0 } }, "tls.port: got 0, expected an integer from 1 to 65535"],
    [
      "another profile",
      { tls: { ...shop, profile: "old" } },
      'tls.profile: got "old", expected one of intermediate, modern',
    ],
    [
      "a time that never ends",
      { tls: { ...shop, hsts: 63_072_001 } },
      "tls.hsts: got 63072001, expected an integer from 0 to 63072000",
    ],
    [
      "preload without a time",
      { tls: { ...shop, hstsPreload: true } },
      "tls.hsts: got nothing, expected at least 31536000, a year, with hstsPreload",
    ],
    [
      "preload beside a plain port that serves",
      { tls: { ...shop, hsts: 31_536_000, hstsPreload: true, redirect: false } },
      "tls.redirect: got false, expected true with hstsPreload",
    ],
    [
      "a host without a certificate",
      { tls: shop, apps: [app("shop.example", "api.shop.example")] },
      `apps[0].hosts[1]: got "api.shop.example", ${names}`,
    ],
    [
      "a wildcard without one",
      { tls: shop, apps: [app("*.shop.example")] },
      `apps[0].hosts[0]: got "*.shop.example", ${names}`,
    ],
    [
      "a redirect without one",
      { tls: shop, redirects: [{ from: "old.example", to: "shop.example" }] },
      `redirects[0].from: got "old.example", ${names}`,
    ],
  ];
  const acme = { email: "someone@example.test" };
  const plain = "in lower case, for example shop.example";
  const more: typeof rows = [
    ["no e-mail address", { tls: { acme: { email: "me" } } }, 'tls.acme.email: got "me", expected an e-mail address'],
    [
      "an authority that isn't an object",
      { tls: { acme: true } },
      "tls.acme: got true, expected an object {email, ...}",
    ],
    [
      "another key of it",
      { tls: { acme: { ...acme, dns: 1 } } },
      "tls.acme.dns: unknown key (got 1), allowed keys are email, directory, hosts, authorityFile",
    ],
    [
      "a directory without TLS",
      { tls: { acme: { ...acme, directory: "http://a.example" } } },
      'tls.acme.directory: got "http://a.example", expected the URL of an authority\'s directory, for example https://acme.example/directory',
    ],
    [
      "a wildcard to get",
      { tls: { acme: { ...acme, hosts: ["*.shop.example"] } } },
      `tls.acme.hosts[0]: got "*.shop.example", expected a host name ${plain.replace("case", "case without *")}`,
    ],
    [
      "a host twice",
      { tls: { acme: { ...acme, hosts: ["a.example", "a.example"] } } },
      'tls.acme.hosts[1]: got "a.example", expected each item once: [0] is this one, too',
    ],
    [
      "an authority that isn't known",
      { tls: { acme: { ...acme, authorityFile: "none.pem" } }, apps: [app("a.example")] },
      'tls.acme.authorityFile: got "none.pem", expected a file with a certificate in PEM',
    ],
    [
      "an authority whose certificate is cut",
      { tls: { acme: { ...acme, authorityFile: "cut.pem" } }, apps: [app("a.example")] },
      'tls.acme.authorityFile: got "cut.pem", expected a file with a certificate in PEM',
    ],
    [
      "a directory that is no URL",
      { tls: { acme: { ...acme, directory: "https://acme.example:99999/directory" } }, apps: [app("a.example")] },
      'tls.acme.directory: got "https://acme.example:99999/directory", expected the URL of an authority\'s directory, for example https://acme.example/directory',
    ],
    [
      "a directory that is neither",
      { tls: { acme: { ...acme, directory: "letsencrypt" } }, apps: [app("a.example")] },
      'tls.acme.directory: got "letsencrypt", expected the URL of an authority\'s directory, for example https://acme.example/directory',
    ],
    [
      "an address",
      { tls: { acme }, apps: [app("192.0.2.1")] },
      'apps[0].hosts[0]: got "192.0.2.1", expected a name: tls.acme gets no certificate for an address',
    ],
    [
      "an address to get",
      { tls: { acme: { ...acme, hosts: ["192.0.2.1"], authorityFile: "root.pem" } }, apps: [app()] },
      'tls.acme.hosts[0]: got "192.0.2.1", expected a name: tls.acme gets no certificate for an address',
    ],
    [
      "a name that only some network has",
      { tls: { acme }, apps: [app("a.example")], redirects: [{ from: "shop", to: "a.example" }] },
      'redirects[0].from: got "shop", expected a name with a dot: an authority that browsers know has no certificate for others',
    ],
    [
      "the path of an authority's questions",
      { tls: { acme }, apps: [{ ...app("a.example"), paths: ["/", "/.well-known/acme-challenge"] }] },
      'apps[0].paths[1]: got "/.well-known/acme-challenge", expected a path that is not /.well-known/acme-challenge or below it, where tls.acme answers the authority',
    ],
    [
      "nothing to get",
      { tls: { acme } },
      "tls.acme.hosts: got nothing, expected at least one name to get a certificate for: no app has `hosts` that lack one",
    ],
    [
      "a wildcard of an app's",
      { tls: { acme }, apps: [app("a.example", "*.a.example")] },
      'apps[0].hosts[1]: got "*.a.example", expected one without *, which tls.acme gets a certificate for',
    ],
    [
      "a wildcard beside certificates",
      { tls: { ...shop, acme }, apps: [app("a.example", "*.a.example")] },
      `apps[0].hosts[1]: got "*.a.example", ${names}, or one without *, which tls.acme gets a certificate for`,
    ],
    [
      "a host that is not to be got",
      { tls: { acme: { ...acme, hosts: ["a.example"] } }, apps: [app("a.example", "b.example")] },
      'apps[0].hosts[1]: got "b.example", expected one of tls.acme.hosts: a.example',
    ],
    [
      "a host to get that has one",
      { tls: { ...shop, acme: { ...acme, hosts: ["shop.example"] } }, apps: [app("shop.example")] },
      'tls.acme.hosts[0]: got "shop.example", expected a name that no certificate of tls.certificates is for',
    ],
    [
      "a host to get that nobody answers",
      { tls: { acme: { ...acme, hosts: ["a.example", "b.example"] } }, apps: [app("a.example")] },
      'tls.acme.hosts[1]: got "b.example", expected a name that an app or a redirect has',
    ],
  ];
  rows.push(...more);
  for (const [what, config, problem] of rows)
    it(`are refused for ${what}`, () =>
      assert.throws(() => parse(config), { message: `Bad stack config:\n  ${problem}` }));

  it("take what an authority of one's own may have a certificate for, and a path beside its questions", () => {
    parse({
      tls: { acme: { ...acme, authorityFile: "root.pem" } },
      apps: [{ ...app("shop"), paths: ["/.well-known", "/.well-known/acme-challenges"] }],
    });
    parse({ tls: shop, apps: [{ ...app("shop.example"), paths: ["/.well-known/acme-challenge/x"] }] });
  });

  it("are warned of where an authority asks at another port or address than the balancer's", () => {
    const warned = (more: object, own: object = {}) =>
      askedElsewhere(parse({ tls: { acme: { ...acme, ...own } }, apps: [app("a.example")], ...more }));
    const sentence = (address: string) => [
      `The authority of tls.acme asks at port 80 of each host, and the balancer listens at ${address}: what comes there has to be handed on to it.`,
    ];
    assert.deepEqual(warned({}), sentence("127.0.0.1:8080"));
    assert.deepEqual(warned({ port: 80 }), sentence("127.0.0.1:80"));
    assert.deepEqual(warned({ port: 80, bindAddress: "::1" }), sentence("[::1]:80"));
    assert.deepEqual(warned({ bindAddress: "0.0.0.0" }), sentence("0.0.0.0:8080"));
    assert.deepEqual(warned({ port: 80, bindAddress: "0.0.0.0" }), []);
    assert.deepEqual(warned({}, { authorityFile: "root.pem" }), []);
    assert.deepEqual(askedElsewhere(parse({ tls: shop })), []);
  });

  it("ask for an entry of their own", () => {
    assert.deepEqual(doorsOf(parse({ tls: { ...shop, port: 443 } })), [
      { name: "socket", port: 8080, listenPort: 8080 },
      { name: "tls", port: 443, listenPort: 8443 },
    ]);
  });
});
