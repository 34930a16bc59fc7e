import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { docker, tryDocker } from "../../rollout/docker";
import { startLoad, type Load } from "../../scripts/load/load";
import { removeKept } from "../../rollout/destroy";
import { readStatus } from "../../scripts/status";
import { acmeVolumeName } from "../../model/names";
import { FixtureApp } from "./app";
import { assertNoneLost } from "./books";
import { handshake } from "./handshake";
import { Pebble } from "./pebble";
import { TestStack, takePort, type Outputs } from "./stack";
import { until } from "./until";

/** How long certificates are valid, seconds: they are renewed in the middle of it. */
const lifetimeSeconds = Number(process.env["ACME_SECONDS"] ?? 40);

/** Many new connections with TLS, one after the other, and what became of them. */
class Handshakes {
  made = 0;
  readonly failed: string[] = [];
  readonly serials = new Set<string>();
  private stopped = false;
  private readonly ended: Promise<unknown>;

  constructor(port: number, ca: string, names: readonly string[]) {
    const client = async (servername: string) => {
      while (!this.stopped) {
        const { certificate } = await handshake({ port, ca, servername }).catch((error: unknown) => {
          this.failed.push(`${servername}: ${String(error)}`);
          return { certificate: undefined };
        });
        this.made += 1;
        if (certificate !== undefined) this.serials.add(`${servername} ${certificate.serialNumber}`);
      }
    };
    this.ended = Promise.all(names.map(client));
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.ended;
  }

  /** How many certificates of a host were seen. */
  seen(host: string): number {
    return [...this.serials].filter((line) => line.startsWith(`${host} `)).length;
  }
}

describe("certificates from an authority", function () {
  this.timeout(900_000);
  const [shop, www, blog, refused] = ["shop", "www", "blog", "refused"].map((name) => `${name}.example.test`) as [
    string,
    string,
    string,
    string,
  ];
  const tlsPort = takePort();
  let stack: TestStack;
  let source: FixtureApp;
  let folder: string;
  let pebble: Pebble;
  let outputs: Outputs;
  let load: Load;
  let handshakes: Handshakes;
  let root: string;

  const app = (...hosts: string[]) => ({ name: "shop", path: source.path, hosts });
  const tls = (more: object = {}) => ({
    port: tlsPort,
    redirect: false,
    acme: {
      email: "someone@example.test",
      directory: pebble.directoryUrl,
      authorityFile: join(folder, "authority.pem"),
    },
    ...more,
  });
  const certificates = async () => (await readStatus(stack.stackLabel, outputs)).certificates;
  const keeper = async () => {
    const label = (name: string, value: string) => ["--filter", `label=nginx-load-balancer.${name}=${value}`];
    return (await docker("ps", "--quiet", ...label("stack", stack.stackLabel), ...label("role", "acme"))).trim();
  };
  const ask = (host: string, path = "/") =>
    new Promise<{ status: number | undefined; location: string | undefined }>((resolve, reject) => {
      get(stack.url, { path, agent: false, headers: { Host: host } }, (answer) =>
        resolve({ status: answer.resume().statusCode, location: answer.headers.location }),
      ).on("error", reject);
    });

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "nlb-acme-"));
    source = await FixtureApp.create();
    stack = await TestStack.create("acme");
    pebble = await Pebble.create({ httpPort: stack.port, lifetimeSeconds, refused: [refused] });
    await writeFile(join(folder, "authority.pem"), await pebble.caCertificate());
    await stack.configure({
      backendCount: 2,
      drainSeconds: 6,
      healthTimeoutSeconds: 20,
      apps: [app(shop)],
      redirects: [{ from: www, to: shop }],
    });
    outputs = await stack.up();
    const one = { host: shop, path: "/", method: "GET", clients: 1 } as const;
    load = startLoad({
      url: outputs.url,
      maxSeconds: 1200,
      profiles: [
        { ...one, name: "kept GET", keepAlive: true, pauseMilliseconds: 2 },
        { ...one, name: "fresh GET", keepAlive: false, pauseMilliseconds: 5 },
        {
          ...one,
          name: "kept POST",
          method: "POST",
          path: "/echo",
          body: () => "x",
          keepAlive: true,
          pauseMilliseconds: 2,
        },
      ],
    });
  });
  after(async () => {
    await load?.stop();
    await handshakes?.stop();
    await stack?.remove();
    await pebble?.remove();
    await source?.remove();
    await tryDocker("volume", "rm", acmeVolumeName(stack.stackLabel));
    await rm(folder, { recursive: true, force: true });
  });

  it("come to a running plain stack, which loses nothing", async () => {
    await stack.configure({ tls: tls() });
    outputs = await stack.up();
    assertNoneLost(load.mark());
    root = await pebble.root();
    for (const servername of [shop, www]) {
      const { certificate, alpn, protocol } = await handshake({ port: tlsPort, ca: root, servername });
      assert.equal(certificate.subjectaltname, `DNS:${servername}`);
      assert.deepEqual([alpn, protocol], ["h2", "TLSv1.3"]);
    }
    for (const servername of [blog, undefined])
      await assert.rejects(
        handshake({ port: tlsPort, ca: root, ...(servername && { servername }) }),
        /unrecognized name|alert/i,
      );
    await stack.engineOk("preview", "--expect-no-changes");
  });

  it("are renewed three times without a handshake that fails", async () => {
    handshakes = new Handshakes(tlsPort, root, [shop, www]);
    await until("three renewals", 4 * lifetimeSeconds, () =>
      Promise.resolve(handshakes.seen(shop) > 3 && handshakes.seen(www) > 3),
    );
    assert.deepEqual(handshakes.failed, []);
    assertNoneLost(load.mark());
  });

  it("are shown with the time that they have left, and with what keeps them from being renewed", async () => {
    await pebble.stop();
    const failing = async () => (await certificates()).find(({ failure }) => failure !== undefined);
    const { names, failure, daysLeft } = await until("a renewal fails", 4 * lifetimeSeconds, failing);
    await pebble.start();
    assert.ok(names.join() === shop || names.join() === www);
    assert.equal(daysLeft, 0);
    assert.match(failure ?? "", /^1 attempt has failed, the next one is at \d\d\d\d-.*: .*connection/s);
    assert.match((await stack.script("status")).output, /1 attempt has failed/);
    const healed = async () => (await certificates()).every((one) => one.failure === undefined);
    await until("they are renewed after all", 4 * lifetimeSeconds, healed);
    assert.deepEqual(handshakes.failed, []);
  });

  it("are got all the same when lego is killed in the middle of an order", async () => {
    const orders = async () => (await pebble.log()).match(/new-order/gi)?.length ?? 0;
    const before = await orders();
    await until("an order is made", 4 * lifetimeSeconds, async () => (await orders()) > before);
    await docker(
      "exec",
      await keeper(),
      "sh",
      "-c",
      'for p in /proc/[0-9]*; do case $(tr "\\0" " " <$p/cmdline) in */lego*) kill -9 ${p#/proc/} ;; esac; done; true',
    );
    const seen = handshakes.seen(shop) + handshakes.seen(www);
    await until("two renewals", 6 * lifetimeSeconds, () =>
      Promise.resolve(handshakes.seen(shop) + handshakes.seen(www) > seen + 1),
    );
    process.stdout.write(`      ${handshakes.failed.length} of ${handshakes.made} handshakes failed\n`);
    assert.deepEqual(handshakes.failed, []);
  });

  it("that are refused fail the update, which names host and cause, and keep nobody else from theirs", async () => {
    await stack.configure({ apps: [app(shop), { ...app(blog, refused), name: "blog" }] });
    const { code, output } = await stack.engine("up");
    assert.notEqual(code, 0);
    assert.match(output, /No certificate for 1 of 4 hosts:\s+refused\.example\.test: .*rejectedIdentifier/s);
    assertNoneLost(load.mark());
    const { certificate } = await handshake({ port: tlsPort, ca: root, servername: blog });
    assert.equal(certificate.subjectaltname, `DNS:${blog}`);
    assert.equal((await ask(refused)).status, 200);
    await stack.configure({ apps: [app(shop), { ...app(blog), name: "blog" }] });
    outputs = await stack.up();
    assert.deepEqual(
      (await certificates()).map(({ names }) => names.join()),
      [blog, shop, www],
    );
    assertNoneLost(load.mark());
  });

  it("have clients of the plain port sent on, but for the authority's questions", async () => {
    await load.stop();
    await stack.configure({ tls: tls({ redirect: true, hsts: 60 }) });
    outputs = await stack.up();
    const to = (host: string, path: string) => ({ status: 308, location: `https://${host}:${tlsPort}${path}` });
    assert.deepEqual(await ask(shop, "/a?b=c"), to(shop, "/a?b=c"));
    assert.deepEqual(await ask(www, "/a"), to(shop, "/a"));
    assert.equal((await ask(shop, "/.well-known/acme-challenge/none")).status, 404);
    assert.deepEqual(await ask("other.example.test"), { status: 421, location: undefined });
    const seen = handshakes.seen(shop);
    await until("a renewal", 4 * lifetimeSeconds, () => Promise.resolve(handshakes.seen(shop) > seen));
    assert.deepEqual(handshakes.failed, []);
  });

  it("outlive the stack, unless told otherwise", async () => {
    await handshakes.stop();
    const issued = async () => (await pebble.log()).match(/Issued certificate serial/g)?.length ?? 0;
    await stack.engineOk("destroy");
    const before = await issued();
    outputs = await stack.up();
    assert.equal((await certificates()).length, 3);
    // Those that are about to end are renewed meanwhile.
    assert.ok((await issued()) - before <= 3);
    await stack.engineOk("destroy");
    const volume = acmeVolumeName(stack.stackLabel);
    assert.equal((await tryDocker("volume", "inspect", volume)).code, 0);
    await removeKept(stack.stackLabel);
    assert.notEqual((await tryDocker("volume", "inspect", volume)).code, 0);
  });
});
