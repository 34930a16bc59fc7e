import { once } from "node:events";
import { get } from "node:https";
import { connect, createServer, type Server, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { join } from "node:path";
import { docker, tryDocker } from "../../rollout/docker";
import { messageOf } from "../../lib/errors";
import { projectRoot } from "../../scripts/setup/project";
import { baseImages } from "../machine";
import { takePort } from "./stack";
import { until } from "./until";

export interface PebbleOptions {
  /** The port that validation connects to, instead of 80. */
  readonly httpPort: number;
  /** The IPv4 address that it connects to, as the host sees it: every name has it. Default 127.0.0.1. */
  readonly address?: string;
  /** How long certificates are valid, seconds. Default 90 days. */
  readonly lifetimeSeconds?: number;
  /** Names that no certificate is made for. Default none. */
  readonly refused?: readonly string[];
}

/**
 * A certificate authority for tests, Let's Encrypt's Pebble, in a container in the host's network: it reaches what is
 * published on the loopback, and is reached from every container and the host at the gateway of Docker's own network. Between
 * them and it is a relay in this process, so that it can go away and still know its accounts when it is back.
 */
export class Pebble {
  private readonly name = `e2e-pebble-${process.pid}-${takePort()}`;
  private readonly port = takePort();
  private readonly listen = `127.0.0.1:${takePort()}`;
  private readonly dns = `127.0.0.1:${takePort()}`;
  private readonly management = `127.0.0.1:${takePort()}`;
  private readonly clients = new Set<Socket>();
  private relay: Server | undefined;

  private constructor(private readonly host: string) {}

  /**
   * Makes one that answers.
   *
   * @throws Error when its image can't be built, a port is taken or it does not answer within 20 s; it is gone then
   */
  static async create(options: PebbleOptions): Promise<Pebble> {
    const gateway = await docker("network", "inspect", "--format", "{{(index .IPAM.Config 0).Gateway}}", "bridge");
    const pebble = new Pebble(gateway.trim());
    try {
      await pebble.run(options);
      return pebble;
    } catch (error) {
      await pebble.remove();
      throw error;
    }
  }

  /** Its directory, which it serves with a certificate of `caCertificate`. */
  get directoryUrl(): string {
    return `https://${this.host}:${this.port}/dir`;
  }

  /** What its own HTTPS is signed by, PEM: for LEGO_CA_CERTIFICATES. */
  async caCertificate(): Promise<string> {
    return docker("exec", this.name, "cat", "cert.pem");
  }

  /** The root of the certificates that it issues, PEM. Another one after `kill`. */
  async root(): Promise<string> {
    return this.fetch(`https://${this.management}/roots/0`);
  }

  /** What it has printed: what was asked of it, what it validated and issued. */
  async log(): Promise<string> {
    return docker("logs", this.name);
  }

  /** Goes away: connections are cut and refused. */
  async stop(): Promise<void> {
    const closed = this.relay && once(this.relay, "close");
    this.relay?.close();
    this.relay = undefined;
    for (const client of this.clients) client.destroy();
    await closed;
  }

  /** Goes away as `stop`, and forgets its accounts, orders and root: `start` brings a new authority at the same URL. */
  async kill(): Promise<void> {
    await this.stop();
    await docker("kill", this.name);
  }

  /** Comes back. */
  async start(): Promise<void> {
    await docker("start", this.name);
    let last: unknown;
    const silent = async () => {
      const { stdout, stderr } = await tryDocker("logs", this.name);
      const { stdout: state } = await tryDocker("inspect", "--format", "{{json .State}}", this.name);
      return new Error(`Pebble does not answer: ${messageOf(last)}\n${state}${stdout}${stderr}`);
    };
    await until(silent, 20, () => this.root().catch((error: unknown) => void (last = error)));
    await until("its DNS answers", 20, () => takesConnections(this.dns));
    this.relay = createServer((client) => {
      const pebble = connectTo(this.listen);
      this.clients.add(client.on("close", () => this.clients.delete(client)));
      client.pipe(pebble).pipe(client);
      const end = () => [client, pebble].map((socket) => socket.destroy());
      for (const socket of [client, pebble]) socket.on("error", end).on("close", end);
    });
    await once(this.relay.listen(this.port, this.host), "listening");
  }

  /** Leaves nothing. */
  async remove(): Promise<void> {
    await this.stop();
    await tryDocker("rm", "--force", "--volumes", this.name);
    await tryDocker("rmi", this.name);
  }

  private async run({ httpPort, address = "127.0.0.1", lifetimeSeconds = 90 * 86400, refused = [] }: PebbleOptions) {
    const { entryImage } = await baseImages();
    const source = join(projectRoot, "test", "fixtures", "pebble");
    await docker("build", "--quiet", "--tag", this.name, "--build-arg", `BASE=${entryImage}`, source);
    const pebble = {
      listenAddress: this.listen,
      managementListenAddress: this.management,
      certificate: "cert.pem",
      privateKey: "key.pem",
      httpPort,
      keyAlgorithm: "ecdsa",
      domainBlocklist: refused,
      // Debian 13 has a Pebble without profiles.
      certificateValidityPeriod: lifetimeSeconds,
      profiles: { default: { description: "the only one", validityPeriod: lifetimeSeconds } },
    };
    const environment = {
      CONFIG: JSON.stringify({ pebble }),
      SAN: `IP:${this.host},IP:127.0.0.1`,
      DNS: this.dns,
      ADDRESS: address,
    };
    const env = Object.entries(environment).flatMap(([key, value]) => ["--env", `${key}=${value}`]);
    await docker("create", "--name", this.name, "--network", "host", ...env, this.name);
    await this.start();
  }

  private async fetch(url: string): Promise<string> {
    const ca = await this.caCertificate();
    return new Promise((resolve, reject) => {
      get(url, { ca }, (response) => resolve(text(response))).on("error", reject);
    });
  }
}

function connectTo(address: string): Socket {
  const [host = "", port] = address.split(":");
  return connect(Number(port), host);
}

async function takesConnections(address: string): Promise<boolean> {
  const socket = connectTo(address);
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
