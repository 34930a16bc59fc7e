import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { docker, tryDocker } from "../../rollout/docker";
import { ourSettings } from "./configs";

/** A container of the bench. */
export interface Server {
  /** Its name, also its host name on the lab's network. */
  readonly name: string;
  readonly image: string;
  /** More host names of it; default: none. */
  readonly aliases?: readonly string[];
  /** What it runs; default: the image's own command. */
  readonly command?: readonly string[];
  /** Files that it finds, by path. */
  readonly files?: Readonly<Record<string, string>>;
  /** Whether it has the product's restrictions; default true. */
  readonly hardened?: boolean;
  /** Memory limit in MiB; default: that of the balancer. */
  readonly memoryMb?: number;
  /** More options of `docker run`; default: none. */
  readonly options?: readonly string[];
  /** Port of it that is published on a free port of 127.0.0.1; default: none. */
  readonly publish?: number;
}

const label = "nginx-load-balancer.bench";
const started = 20_000;

/** Containers on a network of their own, all with the same limits, and all gone in the end. */
export class Lab {
  private constructor(
    readonly network: string,
    private readonly folder: string,
    private readonly id: string,
  ) {}

  /** Runs `measure` in a lab, and removes the lab however that ends. */
  static async with<T>(measure: (lab: Lab) => Promise<T>): Promise<T> {
    const id = `${process.pid}-${Date.now().toString(36)}`;
    const lab = new Lab(`nlb-bench-${id}`, await mkdtemp(join(tmpdir(), "nlb-bench-")), id);
    try {
      await docker("network", "create", "--label", `${label}=${id}`, lab.network);
      return await measure(lab);
    } finally {
      await lab.remove();
    }
  }

  /**
   * Starts containers, some at a time, and waits until each of them listens on its port. Where one fails, it ends when none
   * is being started any more: one that starts while the lab is removed would be left over.
   */
  async start(servers: readonly Server[], port: number): Promise<void> {
    const waiting = [...servers];
    const starter = async () => {
      for (let server = waiting.shift(); server !== undefined; server = waiting.shift()) {
        try {
          await this.run(server);
          await this.untilItListens(server.name, port);
        } catch (error) {
          waiting.length = 0;
          throw error;
        }
      }
    };
    const ends = await Promise.allSettled(Array.from({ length: 4 }, starter));
    const failure = ends.find((end) => end.status === "rejected");
    if (failure !== undefined) throw failure.reason;
  }

  /** The container of a server. */
  container(name: string): string {
    return `${name}-${this.id}`;
  }

  /** Runs a command to its end in the network namespace of a server, or of the host; gives what it printed. */
  async runBeside(place: string | "host", image: string, command: readonly string[]): Promise<string> {
    const network = place === "host" ? "host" : `container:${this.container(place)}`;
    return docker("run", "--rm", "--label", `${label}=${this.id}`, "--network", network, image, ...command);
  }

  /** Makes a volume that servers share; gives its name. */
  async volume(name: string): Promise<string> {
    return (await docker("volume", "create", "--label", `${label}=${this.id}`, `${this.network}-${name}`)).trim();
  }

  async publishedPort(name: string, port: number): Promise<number> {
    const address = (await docker("port", this.container(name), String(port))).split("\n")[0] ?? "";
    return Number(address.slice(address.lastIndexOf(":") + 1));
  }

  /** Starts a container, without waiting for anything of it. */
  async run(server: Server): Promise<void> {
    const files = await Promise.all(
      Object.entries(server.files ?? {}).map(async ([path, text], index) => {
        const file = join(this.folder, `${server.name}-${index}`);
        await writeFile(file, text);
        return `--volume=${file}:${path}:ro`;
      }),
    );
    const memory = `${server.memoryMb ?? ourSettings().balancerMemoryMb}m`;
    const hardening = ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges:true", "--user=10001:10001"];
    await docker(
      "run",
      "--detach",
      `--name=${this.container(server.name)}`,
      `--label=${label}=${this.id}`,
      `--network=${this.network}`,
      ...[server.name, ...(server.aliases ?? [])].map((alias) => `--network-alias=${alias}`),
      `--memory=${memory}`,
      `--memory-swap=${memory}`,
      "--tmpfs=/tmp:rw,noexec,nosuid,nodev,size=64m,mode=1777",
      "--log-driver=json-file",
      "--log-opt=max-size=10m",
      ...(server.hardened === false ? [] : hardening),
      ...(server.publish === undefined ? [] : [`--publish=127.0.0.1::${server.publish}`]),
      ...files,
      ...(server.options ?? []),
      server.image,
      ...(server.command ?? []),
    );
  }

  private async untilItListens(name: string, port: number): Promise<void> {
    const deadline = Date.now() + started;
    const listens = ["exec", this.container(name), "bash", "-c", `exec 3<>/dev/tcp/127.0.0.1/${port}`];
    while ((await tryDocker(...listens)).code !== 0) {
      if (Date.now() > deadline) {
        const { stdout, stderr } = await tryDocker("logs", "--tail", "10", this.container(name));
        throw new Error(`${name} does not listen on port ${port} within ${started / 1000} s:\n${stdout}${stderr}`);
      }
      await pause(100);
    }
  }

  private async remove(): Promise<void> {
    const containers = (await docker("ps", "--all", "--quiet", `--filter=label=${label}=${this.id}`)).split("\n");
    const ids = containers.filter(Boolean);
    if (ids.length > 0) await docker("rm", "--force", "--volumes", ...ids);
    const volumes = (await docker("volume", "ls", "--quiet", `--filter=label=${label}=${this.id}`)).split("\n");
    await Promise.all(volumes.filter(Boolean).map((volume) => tryDocker("volume", "rm", volume)));
    await tryDocker("network", "rm", this.network);
    await rm(this.folder, { recursive: true, force: true });
  }
}
