import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tryDocker } from "../../rollout/docker";
import { startLoad, type Load } from "../../scripts/load/load";
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
  private readonly ended: Promise<void[]>;

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
    process.stdout.write(`      ${handshakes.failed.length} of ${handshakes.made} handshakes failed\n`);
    assertNoneLost(load.mark());
  });
});
