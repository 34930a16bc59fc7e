import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removeKept } from "../../rollout/destroy";
import { docker } from "../../rollout/docker";
import { startLoad, type Load } from "../../scripts/load/load";
import { readStatus, type CertificateStatus } from "../../scripts/status";
import { askPlain, type AnswerPlain } from "./ask";
import { FixtureApp } from "./app";
import { Pebble } from "./pebble";
import { TestStack, takePort, type Outputs } from "./stack";

/** A stack with an authority of its own, for tests of certificates that are got and renewed. */
export class AcmeStack {
  readonly tlsPort = takePort();

  private constructor(
    readonly stack: TestStack,
    readonly pebble: Pebble,
    private readonly source: FixtureApp,
    private readonly folder: string,
    public outputs: Outputs,
    readonly load: Load,
  ) {}

  /**
   * Makes one that serves without TLS, under load.
   *
   * @param host whose requests the load has
   * @param lifetimeSeconds how long certificates are valid
   */
  static async create(
    label: string,
    host: string,
    lifetimeSeconds: number,
    refused: readonly string[] = [],
  ): Promise<AcmeStack> {
    const folder = await mkdtemp(join(tmpdir(), "nlb-acme-"));
    const source = await FixtureApp.create();
    const stack = await TestStack.create(label);
    const pebble = await Pebble.create({ httpPort: stack.port, lifetimeSeconds, refused });
    await writeFile(join(folder, "authority.pem"), await pebble.caCertificate());
    await stack.configure({
      backendCount: 2,
      drainSeconds: 6,
      healthTimeoutSeconds: 20,
      apps: [{ name: "shop", path: source.path, hosts: [host] }],
    });
    const outputs = await stack.up();
    const one = { host, path: "/", method: "GET", clients: 1 } as const;
    const load = startLoad({
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
    return new AcmeStack(stack, pebble, source, folder, outputs, load);
  }

  /** An app with a backend for each host that it has. */
  app(name: string, ...hosts: string[]): object {
    return { name, path: this.source.path, hosts };
  }

  /** Settings of TLS, with the plain port as it is. */
  tls(more: object = {}): object {
    const { directoryUrl: directory } = this.pebble;
    const acme = { email: "someone@example.test", directory, authorityFile: join(this.folder, "authority.pem") };
    return { port: this.tlsPort, redirect: false, acme, ...more };
  }

  async up(config: Record<string, unknown> = {}): Promise<void> {
    await this.stack.configure(config);
    this.outputs = await this.stack.up();
  }

  async certificates(): Promise<readonly CertificateStatus[]> {
    return (await readStatus(this.stack.stackLabel, this.outputs)).certificates;
  }

  /** Id of the container that gets them. */
  async keeper(): Promise<string> {
    const label = (name: string, value: string) => ["--filter", `label=nginx-load-balancer.${name}=${value}`];
    return (await docker("ps", "--quiet", ...label("stack", this.stack.stackLabel), ...label("role", "acme"))).trim();
  }

  /** Asks the plain port. */
  async ask(host: string, path = "/"): Promise<AnswerPlain> {
    return askPlain(this.stack.url, host, { path });
  }

  async remove(): Promise<void> {
    await this.load.stop();
    await this.stack.remove();
    await removeKept(this.stack.stackLabel);
    await this.pebble.remove();
    await this.source.remove();
    await rm(this.folder, { recursive: true, force: true });
  }
}
