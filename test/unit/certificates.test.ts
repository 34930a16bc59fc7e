import assert from "node:assert/strict";
import { createPrivateKey } from "node:crypto";
import {
  certificatesFor,
  daysLeft,
  endingSoon,
  readCertificate,
  type CertificateReading,
} from "../../model/certificates";
import { authority, certificateOf, daysFromNow, type Certified } from "../certificates";

describe("a certificate's files", () => {
  let root: Certified, between: Certified, ended: Certified, shop: Certified, other: Certified, own: Certified;
  let many: Record<"late" | "early" | "nameless" | "rsa" | "small" | "odd" | "underEnded", Certified>;
  before(async () => {
    root = await authority("Root");
    between = await authority("Between", root);
    ended = await authority("Ended", root, {
      from: new Date("2024-01-01T00:00:00Z"),
      until: new Date("2025-02-03T04:05:06Z"),
    });
    [shop, other, own] = await Promise.all([
      certificateOf(["shop.example", "*.Shop.example"], between),
      certificateOf(["other.example"], between),
      certificateOf(["own.example"]),
    ]);
    const [late, early, nameless, rsa, small, odd, underEnded] = await Promise.all([
      certificateOf(["late.example"], between, {
        from: new Date("2024-01-01T00:00:00Z"),
        until: new Date("2025-01-02T03:04:05Z"),
      }),
      certificateOf(["early.example"], between, {
        from: new Date("2126-01-02T03:04:05Z"),
        until: new Date("2127-01-01T00:00:00Z"),
      }),
      certificateOf([], between),
      certificateOf(["shop.example"], undefined, { kind: "rsa" }),
      certificateOf(["small.example"], undefined, { kind: "rsa", keySize: 1024 }),
      certificateOf(["a b;c", "f*.example", "odd.example", "*.odd_1.example", "a..b", "*"]),
      certificateOf(["shop.example"], ended),
    ]);
    many = { late, early, nameless, rsa, small, odd, underEnded };
  });

  const read = (
    chain: string | undefined,
    key: string | undefined,
    authorities: readonly string[] = [],
  ): CertificateReading => {
    const files: Record<string, string | undefined> = { "a.crt": chain, "a.key": key };
    return readCertificate(
      { certificateFile: "a.crt", privateKeyFile: "a.key" },
      { readFile: (path) => files[path], authorities: () => authorities, now: new Date() },
    );
  };
  const chained = (...all: Certified[]) => all.map(({ certificate }) => certificate).join("\n");

  it("tell its names, kind, issuer and end, and what nginx is to send: all but an authority that signs itself", () => {
    const reading = read(`some words\n${chained(shop, between, root)}`, `\n${shop.key}`);
    assert.ok("certificate" in reading);
    const { certificate, chain, key } = reading;
    assert.deepEqual(certificate.names, ["shop.example", "*.shop.example"]);
    assert.deepEqual([certificate.kind, certificate.issuer], ["ec", "CN=Between"]);
    assert.match(certificate.name, /^shop\.example-[0-9a-f]{16}$/);
    assert.equal(daysLeft(certificate.until, new Date()), 89);
    assert.equal(chain.match(/BEGIN CERTIFICATE/g)?.length, 2);
    assert.match(key, /^-----BEGIN [^]*-----\n$/);
  });

  it("tell no name that a host can't have: nginx would read it as something else", () => {
    const reading = read(chained(many.odd), many.odd.key);
    assert.deepEqual("certificate" in reading && reading.certificate.names, ["odd.example", "*.odd_1.example"]);
  });

  it("are named by what is in them", () => {
    const nameOf = (reading: CertificateReading) =>
      "certificate" in reading ? reading.certificate.name : reading.expected;
    const whole = nameOf(read(chained(shop, between, root), shop.key));
    assert.equal(nameOf(read(chained(shop, between), shop.key, [root.certificate])), whole);
    assert.notEqual(nameOf(read(chained(many.rsa), many.rsa.key)), whole);
    assert.match(nameOf(read(chained(own), own.key)), /^own\.example-/);
  });

  const der = (pem: string, passphrase?: string) =>
    createPrivateKey(pem)
      .export({ type: "pkcs8", format: "pem", ...(passphrase && { cipher: "aes-256-cbc", passphrase }) })
      .toString();
  const rows: [
    what: string,
    chain: () => string | undefined,
    key: () => string | undefined,
    problem: string | RegExp,
  ][] = [
    ["no certificate", () => undefined, () => shop.key, "certificateFile: a file that can be read"],
    [
      "a file of something else",
      () => shop.key,
      () => shop.key,
      "certificateFile: certificates in PEM: -----BEGIN CERTIFICATE----- ...",
    ],
    [
      "a certificate that is cut",
      () => shop.certificate.replace(/^\S{60,}\r?\n/m, ""),
      () => shop.key,
      "certificateFile: certificates in PEM: -----BEGIN CERTIFICATE----- ...",
    ],
    [
      "one without names",
      () => chained(many.nameless, between, root),
      () => many.nameless.key,
      "certificateFile: a certificate for host names (subjectAltName)",
    ],
    [
      "one that has ended",
      () => chained(many.late, between, root),
      () => many.late.key,
      "certificateFile: a certificate that is valid now: that of late.example has ended on 2025-01-02 03:04 UTC",
    ],
    [
      "one that has not begun",
      () => chained(many.early, between, root),
      () => many.early.key,
      "certificateFile: a certificate that is valid now: that of early.example begins on 2126-01-02 03:04 UTC",
    ],
    [
      "one whose key nginx does not take",
      () => chained(many.small),
      () => many.small.key,
      "certificateFile: an RSA key of at least 2048 bits: that of small.example has 1024",
    ],
    [
      "one above it that has ended",
      () => chained(many.underEnded, ended, root),
      () => many.underEnded.key,
      "certificateFile: a certificate that is valid now: that of CN=Ended has ended on 2025-02-03 04:05 UTC",
    ],
    [
      "a chain out of order",
      () => chained(shop, root, between),
      () => shop.key,
      "certificateFile: each certificate followed by the one that has signed it: CN=shop.example is signed by CN=Between, and followed by CN=Root",
    ],
    [
      "a chain that begins with the wrong one",
      () => chained(between, shop),
      () => shop.key,
      "certificateFile: a certificate for host names (subjectAltName)",
    ],
    [
      "a chain that lacks its second",
      () => chained(shop),
      () => shop.key,
      "certificateFile: the whole chain: the certificate of CN=Between is missing, which has signed that of CN=shop.example, and is no authority that is known here",
    ],
    [
      "a chain that lacks its last",
      () => chained(shop, between),
      () => shop.key,
      "certificateFile: the whole chain: the certificate of CN=Root is missing, which has signed that of CN=Between, and is no authority that is known here",
    ],
    ["no key", () => chained(shop, between, root), () => undefined, "privateKeyFile: a file that can be read"],
    [
      "a file that is no key",
      () => chained(shop, between, root),
      () => shop.certificate,
      "privateKeyFile: a private key in PEM",
    ],
    [
      "another certificate's key",
      () => chained(shop, between, root),
      () => other.key,
      "privateKeyFile: the key of the certificate of shop.example, *.shop.example",
    ],
    [
      "a key with a passphrase",
      () => chained(shop, between, root),
      () => der(shop.key, "secret"),
      "privateKeyFile: a key without a passphrase, for which nginx could not ask",
    ],
  ];
  for (const [what, chain, key, problem] of rows)
    it(`are refused for ${what}`, () => {
      const reading = read(chain(), key());
      assert.equal("expected" in reading ? `${reading.at}: ${reading.expected}` : "", problem);
    });
});

describe("certificates for hosts", () => {
  const one = { name: "1", kind: "ec", names: ["shop.example", "*.shop.example"] };
  const two = { name: "2", kind: "rsa", names: ["shop.example"] };
  const three = { name: "3", kind: "ec", names: ["shop.example", "a.b.shop.example"] };
  for (const [host, expected] of [
    ["shop.example", "12"],
    ["www.shop.example", "1"],
    ["*.shop.example", "1"],
    ["a.b.shop.example", "3"],
    ["b.a.shop.example", ""],
    ["*.a.shop.example", ""],
    ["notshop.example", ""],
    ["example", ""],
    ["*.example", ""],
  ] as const)
    it(`are ${expected || "none"} for ${host}`, () =>
      assert.equal(
        certificatesFor(host, [one, two, three])
          .map(({ name }) => name)
          .join(""),
        expected,
      ));

  it("are told of when 21 days or fewer are left", () => {
    const now = new Date("2026-01-01T00:00:00Z");
    const ending = (until: string) => endingSoon([{ names: ["a.example", "b.example"], until }], now);
    assert.deepEqual(ending("2026-01-22T00:00:01Z"), []);
    assert.deepEqual(ending("2026-01-21T23:59:59Z"), [
      "The certificate of a.example, b.example ends in 20 days, on 2026-01-21 23:59 UTC.",
    ]);
    assert.ok(daysFromNow(1) > now);
  });
});
