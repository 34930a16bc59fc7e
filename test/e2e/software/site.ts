import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import type { IncomingHttpHeaders } from "node:http";
import { connect as connectHttp2, type ClientHttp2Session } from "node:http2";
import { request, type RequestOptions } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { connect, type TLSSocket } from "node:tls";
import { docker, tryDocker } from "../../../rollout/docker";
import { run } from "../../../lib/process";
import { projectRoot } from "../../../scripts/setup/project";
import { authority, certificateOf } from "../../certificates";
import { baseImages } from "../../machine";
import { TestStack, takePort } from "../stack";

export interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Names of the apps, whose hosts have certificates. Docker takes a registry by a name that it need not look up. */
export const hosts = { shop: "shop.example", live: "live.example", registry: "localhost" } as const;
type App = keyof typeof hosts;

const fixture = (name: string) => join(projectRoot, "test", "fixtures", name);

/** A stack with software that is not ours, with TLS: Django, Node.js with ws, and a registry of images. */
export class SoftwareSite {
  readonly drainSeconds = 30;
  readonly port = takePort();
  private readonly name = `e2e-software-${process.pid}`;
  private readonly revisions: Record<App, number> = { shop: 1, live: 1, registry: 1 };
  private readonly images = { live: `${this.name}-live`, registry: `${this.name}-registry` };

  private constructor(
    readonly folder: string,
    readonly ca: string,
    readonly stack: TestStack,
  ) {}

  /** Makes one that serves. */
  static async create(): Promise<SoftwareSite> {
    const folder = await mkdtemp(join(tmpdir(), "nlb-software-"));
    const ca = await authority("Tests");
    const { certificate, key } = await certificateOf(Object.values(hosts), ca);
    // An authority that nobody knows has to be told.
    await writeFile(join(folder, "site.crt"), certificate + ca.certificate);
    await writeFile(join(folder, "site.key"), key);
    const site = new SoftwareSite(folder, ca.certificate, await TestStack.create("software"));
    try {
      await site.begin();
      return site;
    } catch (error) {
      await site.remove();
      throw error;
    }
  }

  /** The folder of ws, as npm has installed it. */
  get liveFolder(): string {
    return join(this.folder, "live");
  }

  address(app: App, path: string): string {
    return `https://${hosts[app]}:${this.port}${path}`;
  }

  /** A new connection whose certificate is the host's. */
  connect(host: string, ...protocols: readonly string[]): TLSSocket {
    const { port, ca } = this;
    return connect({ host: "127.0.0.1", port, ca, servername: host, ALPNProtocols: [...protocols] });
  }

  /** A new connection that speaks HTTP/2. */
  http2(app: App): ClientHttp2Session {
    return connectHttp2(this.address(app, ""), { createConnection: () => this.connect(hosts[app], "h2") });
  }

  /** Asks on a connection of its own, with HTTP/1.1. */
  async ask(
    app: App,
    path: string,
    { body, ...options }: Omit<RequestOptions, "agent"> & { body?: string | URLSearchParams } = {},
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const asked = request(this.address(app, path), {
        createConnection: () => this.connect(hosts[app], "http/1.1"),
        ...options,
        headers: {
          ...(body instanceof URLSearchParams && { "Content-Type": "application/x-www-form-urlencoded" }),
          ...options.headers,
        },
      });
      asked.on("error", reject).on("response", (answer) => {
        const { statusCode: status, headers } = answer;
        text(answer).then((all) => resolve({ status, headers, text: all }), reject);
      });
      asked.end(body?.toString());
    });
  }

  /** Changes settings other than apps. */
  async change(settings: Record<string, unknown>): Promise<void> {
    await this.stack.configure(settings);
    await this.stack.up();
  }

  /** Replaces an app's backends by others of the same image. */
  async roll(app: App): Promise<void> {
    this.revisions[app] += 1;
    await this.change({ apps: this.apps() });
  }

  async remove(): Promise<void> {
    await this.stack.remove();
    await tryDocker("volume", "rm", this.name);
    await tryDocker("rmi", ...Object.values(this.images));
    await rm(this.folder, { recursive: true, force: true });
  }

  private async begin(): Promise<void> {
    const { entryImage } = await baseImages();
    await cp(fixture("node"), this.liveFolder, { recursive: true });
    const npm = await run("npm", ["ci", "--ignore-scripts"], { cwd: this.liveFolder });
    if (npm.outcome !== "succeeded") throw new Error(`npm ci: ${npm.outcome}: ${npm.stdout}${npm.stderr}`);
    for (const [image, source] of [
      [this.images.live, this.liveFolder],
      [this.images.registry, fixture("registry")],
    ] as const)
      await docker("build", "--quiet", "--tag", image, "--build-arg", `BASE=${entryImage}`, source);
    await docker("volume", "create", this.name);
    const file = (name: string) => join(this.folder, name);
    await this.change({
      drainSeconds: this.drainSeconds,
      maxBodyMb: 64,
      spoolMb: 16_384,
      tls: {
        port: this.port,
        certificates: [{ certificateFile: file("site.crt"), privateKeyFile: file("site.key") }],
      },
      apps: this.apps(),
    });
  }

  private apps(): object[] {
    const app = (name: App, more: object, env: object = {}) => ({
      name,
      hosts: [hosts[name]],
      count: 1,
      env: { REVISION: String(this.revisions[name]), ...env },
      ...more,
    });
    return [
      app("shop", { path: "test/fixtures/django", healthHost: hosts.shop }),
      app("live", { image: this.images.live }),
      app(
        "registry",
        { image: this.images.registry, count: 2, healthPath: "/", volumes: [`${this.name}:/var/lib/registry:rw`] },
        // Its processes continue each other's uploads.
        { REGISTRY_HTTP_SECRET: "only-for-tests" },
      ),
    ];
  }
}
