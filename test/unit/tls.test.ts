import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Certificate } from "../../model/certificates";
import { tlsOf } from "../../model/tls";
import { topologyOf } from "../../model/topology";
import { releaseOf, showFiles } from "../../nginx/render/config";
import { attachmentsOf, readCertificates } from "../../rollout/certificates";
import { parseStates } from "../../rollout/steps/certificates";
import { judge, publicQuestions, type Question } from "../../rollout/steps/public-address";
import { acmeStatusOf } from "../../scripts/status";
import { certificateOf, type Certified } from "../certificates";
import { settings } from "../components";

describe("what clients are imagined to ask with TLS", () => {
  const certificate: Certificate = {
    name: "a",
    names: ["shop.example", "own.example"],
    kind: "ec",
    issuer: "CN=a",
    until: "2127-01-01T00:00:00.000Z",
  };
  const [any] = settings.apps;
  const server = (app: string) => ({
    name: app,
    app,
    port: 5000,
    weight: 1,
    health: { path: "/health", host: "localhost" },
  });
  const asked = (certificates: Certificate[]) => {
    const apps = [
      { ...any, name: "any" },
      { ...any, name: "shop", hosts: ["shop.example"] },
    ] as typeof settings.apps;
    const tls = {
      port: 8443,
      certificates: [],
      redirect: true,
      hsts: 0,
      hstsPreload: false,
      profile: "modern",
    } as const;
    const topology = topologyOf({ ...settings, apps, tls }, [server("any"), server("shop")], certificates);
    return publicQuestions(topology).map(
      (questions) => questions.map(({ host, isTls, shown }) => ({ host, isTls, shown }))[0],
    );
  };

  it("is each host, and for apps without one a name that only a certificate has", () => {
    assert.deepEqual(asked([certificate]), [
      { host: "own.example", isTls: true, shown: "own.example/health" },
      { host: "shop.example", isTls: true, shown: "shop.example/health" },
    ]);
  });

  it("is the plain port where no name is left for apps without hosts", () => {
    assert.deepEqual(asked([{ ...certificate, names: ["shop.example"] }])[0], {
      host: "localhost",
      isTls: false,
      shown: "/health",
    });
  });
});

describe("certificates from an authority", () => {
  const acme = {
    email: "someone@example.test",
    directory: "https://authority.example/directory",
    hosts: [] as string[],
  };
  const plain = {
    port: 8443,
    certificates: [],
    redirect: true,
    hsts: 0,
    hstsPreload: false,
    profile: "modern",
  } as const;
  const answered = {
    apps: [{ hosts: ["b.example", "*.b.example"] }, { hosts: ["a.example"] }],
    redirects: [{ from: "www.b.example" }],
  };
  const wild = { name: "w", names: ["*.b.example"], kind: "ec", issuer: "", until: "" };
  const hostsOf = (hosts: string[]) => tlsOf({ ...plain, acme: { ...acme, hosts } }, answered, [wild]).acme?.hosts;

  it("are asked for all hosts that have none, or for those that are named", () => {
    assert.deepEqual(hostsOf([]), ["a.example", "b.example"]);
    assert.deepEqual(hostsOf(["b.example"]), ["b.example"]);
    assert.equal("acme" in tlsOf(plain, answered, [wild]), false);
  });

  it("lie apart for each authority", () => {
    const folderOf = (directory: string) =>
      tlsOf({ ...plain, acme: { ...acme, directory } }, answered, []).acme?.folder;
    assert.match(folderOf(acme.directory) ?? "", /^[0-9a-f]{10}$/);
    assert.notEqual(folderOf("https://other.example/directory"), folderOf(acme.directory));
  });

  const states = (output: string) => parseStates({ folder: "f", hosts: ["a.example", "b.example"] }, output);
  const nothing = { certificate: undefined, failures: 0, next: 0, words: "" };

  it("are there, or have failed, or are both, as their files tell", () => {
    const pem = "-----BEGIN CERTIFICATE-----\nxyz\n-----END CERTIFICATE-----\n";
    assert.deepEqual(
      [...states(`host a.example \n${pem}host b.example 2 1700000000 some: words\n`)],
      [
        ["a.example", { ...nothing, certificate: pem }],
        ["b.example", { certificate: undefined, failures: 2, next: 1700000000, words: "some: words" }],
      ],
    );
    assert.deepEqual(states(`host b.example 1 5 x\n${pem}`).get("b.example"), {
      certificate: pem,
      failures: 1,
      next: 5,
      words: "x",
    });
  });

  it("are unknown where nothing can be read", () => {
    for (const output of ["", "no such container\n"])
      assert.deepEqual([...states(output).values()], [nothing, nothing]);
  });

  it("are shown with the days that are left, or why there is none", async () => {
    const { certificate } = await certificateOf(["a.example"]);
    const shown = acmeStatusOf(
      new Map([
        ["a.example", { ...nothing, certificate }],
        ["b.example", { ...nothing, failures: 2, next: 1700000000, words: "refused" }],
      ]),
      new Date(),
    );
    assert.deepEqual(shown, [
      {
        names: ["a.example"],
        issuer: "CN=a.example",
        until: new Date(new X509Certificate(certificate).validTo).toISOString(),
        daysLeft: 89,
        isRenewed: true,
      },
      {
        ...{ names: ["b.example"], issuer: "", until: undefined, daysLeft: undefined, isRenewed: true },
        failure: "2 attempts have failed, the next one is at 2023-11-14T22:13:20.000Z: refused",
      },
    ]);
  });

  it("are asked for with TLS, and without where there is none yet", () => {
    const [app] = settings.apps as [(typeof settings.apps)[number]];
    const server = { name: "a", port: 5000, weight: 1, health: { path: "/health", host: "localhost" } };
    const topology = topologyOf({ ...settings, apps: [{ ...app, hosts: ["a.example"] }], tls: { ...plain, acme } }, [
      server,
    ]);
    const [questions = []] = publicQuestions(topology);
    assert.deepEqual(
      questions.map(({ host, path, isTls, isOptional = false }) => [host + path, isTls, isOptional]),
      [
        ["a.example/health", true, true],
        ["a.example/", true, true],
        ["a.example/health", false, false],
        ["a.example/", false, false],
      ],
    );
    const none = { status: undefined, why: "no handshake" };
    const [first, , last] = questions as [Question, Question, Question];
    assert.equal(judge(first, none, releaseOf(topology)), "look further");
    assert.equal(
      judge(last, none, releaseOf(topology)),
      "a client that asks for a.example/health gets no answer: no handshake",
    );
  });
});

describe("certificates beside a release", () => {
  let folder: string;
  let files: { certificateFile: string; privateKeyFile: string };
  const write = ({ certificate, key }: Certified) => {
    writeFileSync(files.certificateFile, certificate);
    writeFileSync(files.privateKeyFile, key);
  };
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "nlb-certificates-"));
    files = { certificateFile: join(folder, "a.crt"), privateKeyFile: join(folder, "a.key") };
  });
  after(() => rmSync(folder, { recursive: true }));

  const topology = () => {
    const tls = {
      ...settings.tls,
      port: 8443,
      certificates: [files],
      redirect: true,
      hsts: 0,
      hstsPreload: false,
      profile: "modern",
    } as const;
    const servers = [{ name: "a", port: 5000, weight: 1, health: { path: "/", host: "localhost" } }];
    return topologyOf(
      { ...settings, tls },
      servers,
      readCertificates([files]).map(({ certificate }) => certificate),
    );
  };

  it("are read again for nginx, which is told their names alone", async () => {
    const made = await certificateOf(["own.example"]);
    write(made);
    const before = topology();
    const [crt, key, ...more] = attachmentsOf(before, [files]);
    assert.deepEqual(more, []);
    assert.match(crt?.name ?? "", /^own\.example-[0-9a-f]{16}\.crt$/);
    assert.equal(key?.name, crt?.name.replace(/crt$/, "key"));
    assert.equal(key?.text.trim(), made.key.trim());
    const shown = showFiles(releaseOf(before).files);
    assert.ok(shown.includes(`ssl_certificate_key ${key?.name};`));
    assert.doesNotMatch(shown + JSON.stringify(before), /BEGIN|PRIVATE/);
  });

  it("are refused where another one lies there than in the preview", async () => {
    write(await certificateOf(["own.example"]));
    const before = topology();
    write(await certificateOf(["own.example"]));
    const message =
      "The certificate of own.example or its key is another one than in the preview: run `pulumi up` again.";
    assert.throws(() => attachmentsOf(before, [files]), { message });
    assert.notEqual(releaseOf(topology()).id, releaseOf(before).id);
  });

  it("are none of a stack without TLS", () => assert.deepEqual(attachmentsOf({}), []));
});
