import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { Agent } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { currentRelease, livePlace, logFolder, mainFile, releaseFolder } from "../../model/layout";
import { usersFiles, withUsers } from "../../model/policies/users";
import { topologyOf } from "../../model/topology";
import { renderFiles } from "../../nginx/render/config";
import { attachmentsOf, certificateContext, readCertificates } from "../../rollout/certificates";
import { docker, tryDocker } from "../../rollout/docker";
import { settings as defaults } from "../components";
import { baseImages } from "../machine";
import { until } from "../e2e/until";
import { Asker, type Asked } from "./asking";

type Settings = Parameters<typeof topologyOf>[0];

const release = "0".repeat(16);

interface Options {
  /** Requests that a backend works on at a time. Default: 1000. */
  readonly threads?: number;
  /** Whether nginx is asked at a published port of 127.0.0.1, as users do, not at its own address. */
  readonly isPublished?: boolean;
  /** Room of nginx's spool, as Docker writes it. Default: 4g, or a volume where nginx's memory is limited. */
  readonly spool?: string;
  /** Memory limit of nginx's container, in MiB. Default: none. */
  readonly memoryMb?: number;
  /** What a backend runs, a file beside this one. Default: backend.py. */
  readonly program?: string;
  /** nginx's processes; with one, all requests share its connections to backends. Default: as many as the product has. */
  readonly workers?: 1;
}

/**
 * nginx with the program's configuration before backends that do as they are told, each in a container on a network of its own: what a
 * request meets, without the engine, hence within seconds.
 */
export class Rig extends Asker {
  /** The backends that nginx knows. */
  used: readonly string[];
  /** Of what the backends run, as their servers' names say. */
  version = "a";
  private numbers = 0;
  private apps = defaults.apps;

  private constructor(
    readonly name: string,
    readonly backends: readonly string[],
    private readonly folder: string,
    private readonly options: Options,
  ) {
    super();
    this.used = backends;
  }

  /**
   * @param label part of the names of its containers
   * @param count of backends, 1 or more
   * @param settings by the address, too, that nginx sees this host come from: the gateway of its network
   */
  static async create(
    label: string,
    count: number,
    settings: Partial<Settings> | ((gateway: string) => Partial<Settings>) = {},
    options: Options = {},
  ): Promise<Rig> {
    const name = `faults-${label}-${process.pid}`;
    const backends = Array.from({ length: count }, (_, number) => `${name}-${number}`);
    const rig = new Rig(name, backends, await mkdtemp(join(tmpdir(), "nlb-rig-")), options);
    try {
      await docker("network", "create", name);
      await Promise.all(backends.map((backend) => rig.start(backend)));
      const gateway = "{{range .IPAM.Config}}{{.Gateway}}{{end}}";
      await rig.serve(
        typeof settings === "function"
          ? settings((await docker("network", "inspect", "--format", gateway, name)).trim())
          : settings,
      );
      return rig;
    } catch (error) {
      await rig.remove();
      throw error;
    }
  }

  async remove(): Promise<void> {
    const ids = (await docker("ps", "--all", "--quiet", "--filter", `network=${this.name}`))
      .split("\n")
      .filter(Boolean);
    await tryDocker("rm", "--force", "--volumes", ...ids, this.name, ...this.backends);
    await tryDocker("network", "rm", this.name);
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Where nginx is asked, in plain. */
  get host(): string {
    return this.place.host;
  }

  /** Makes a backend's container anew. */
  async start(backend: string): Promise<void> {
    await tryDocker("rm", "--force", "--volumes", backend);
    const { pythonImage } = await baseImages();
    const program = ["--volume", `${join(__dirname, this.options.program ?? "backend.py")}:/backend.py:ro`];
    await docker("run", "--detach", "--init", "--name", backend, "--network", this.name, "--env", `THREADS=${this.options.threads ?? 1000}`, ...program, pythonImage, "python3", "/backend.py", backend); // prettier-ignore
  }

  /** Writes what nginx reads. */
  private async configure(settings: Partial<Settings>): Promise<void> {
    this.apps = settings.apps ?? defaults.apps;
    this.hasLine = settings.proxyProtocol === true;
    const all = {
      ...defaults,
      apps: this.apps,
      drainSeconds: 4,
      requestTimeoutSeconds: 2,
      maxBodyMb: 64,
      balancerMemoryMb: this.options.memoryMb ?? defaults.balancerMemoryMb,
      spoolMb: 0,
      accessLog: "all" as const,
      ...settings,
    };
    const users = { paths: usersFiles(all), key: "key" };
    const topology = topologyOf(
      withUsers(all, users.key, (path) => certificateContext.readFile(path)),
      this.used.map((name, number) => ({
        app: this.appOf(number).name,
        name: `${name}-${this.version}`,
        address: name,
        port: 5000,
        weight: this.appOf(number).weight,
        health: { path: "/", host: "localhost" },
      })),
      readCertificates(settings.tls?.certificates).map(({ certificate }) => certificate),
    );
    const attachments = attachmentsOf(topology, settings.tls?.certificates, users);
    const place = { ...livePlace, workers: this.options.workers ?? livePlace.workers };
    for (const { name, text } of [...renderFiles(topology, place, release), ...attachments])
      await writeFile(join(this.folder, name), text, { mode: 0o644 });
  }

  private async serve(settings: Partial<Settings>): Promise<void> {
    await this.configure(settings);
    const { nginxImage } = await baseImages();
    const { isPublished = false, memoryMb, spool = "4g" } = this.options;
    const places = [
      "--tmpfs",
      "/tmp",
      // What lies in memory is the container's own.
      ...(memoryMb === undefined
        ? ["--tmpfs", `/var/spool/nginx:size=${spool}`]
        : ["--volume", "/var/spool/nginx", `--memory=${memoryMb}m`, `--memory-swap=${memoryMb}m`]),
      "--tmpfs",
      `${logFolder}:size=1m`,
      "--volume",
      `${this.folder}:${currentRelease}:ro`,
      "--volume",
      `${this.folder}:${releaseFolder(release)}:ro`,
    ];
    const start = `mkdir -p ${livePlace.folder} && exec nginx -c ${currentRelease}/${mainFile} -g 'daemon off; user root;'`;
    await docker("run", "--detach", "--name", this.name, "--network", this.name, ...places, ...(isPublished ? ["--publish", "127.0.0.1::8080"] : []), nginxImage, "sh", "-c", start); // prettier-ignore
    const format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
    const published = async () => Number((await docker("port", this.name, "8080")).split(":")[1]);
    this.place = isPublished
      ? { host: "127.0.0.1", port: await published() }
      : { host: (await docker("inspect", "--format", format, this.name)).trim(), port: 8080 };
    await this.whole();
  }

  /** Has nginx go on with other settings, as an update does. */
  async change(settings: Partial<Settings>): Promise<void> {
    await this.configure(settings);
    const main = `${currentRelease}/${mainFile}`;
    await docker("exec", this.name, "nginx", "-t", "-q", "-c", main);
    const listed = await docker("top", this.name, "-eo", "pid,args");
    const before = new Set([...listed.matchAll(/^ *(\d+) +nginx: worker/gm)].map(([, pid]) => pid));
    await docker("kill", "--signal", "HUP", this.name);
    await until("no worker of before takes connections", 15, async () => {
      const taking = (await docker("top", this.name, "-eo", "pid,args")).matchAll(/^ *(\d+) +nginx: worker process$/gm);
      const pids = [...taking].map(([, pid]) => pid);
      return pids.length > 0 && pids.every((pid) => !before.has(pid));
    });
  }

  /** Asks again and again, by several clients, while nginx goes over to one setting after the other and back, and fails where one is lost. */
  async assertNoneLost(
    path: string,
    settings: readonly Partial<Settings>[],
    { allowed = [200], headers = {} }: { allowed?: readonly number[]; headers?: Asked["headers"] } = {},
  ): Promise<void> {
    const end = new AbortController();
    const statuses = new Map<number, number>();
    const client = async (agent: Agent | false) => {
      while (!end.signal.aborted) {
        const { status } = await this.ask(path, { headers, agent });
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    };
    const clients = [false, false, new Agent({ keepAlive: true }), new Agent({ keepAlive: true })].map((agent) =>
      client(agent as Agent | false),
    );
    try {
      for (let round = 0; round < 3; round++) for (const one of settings) await this.change(one);
    } finally {
      end.abort();
      await Promise.all(clients);
    }
    const others = [...statuses].filter(([status]) => !allowed.includes(status));
    assert.deepEqual(others, [], `${[...statuses.values()].reduce((sum, count) => sum + count)} requests`);
  }

  /** Waits until every backend that gets requests answers through nginx, and nginx has open connections to each. */
  async whole(): Promise<void> {
    const apps = this.backends.map((_, number) => this.appOf(number)).filter(({ weight }) => weight > 0);
    await until("every backend answers", 15, async () => {
      // From other clients each time, where a proxy may tell of them.
      const client = () => ({ "X-Forwarded-For": `2001:db8::${(++this.numbers).toString(16)}` });
      const questions = apps.flatMap(({ hosts, paths }) => {
        const host = { Host: hosts[0]?.replace("*", "any") ?? "localhost" };
        return [client(), client()].map((one) => this.ask(paths[0] ?? "/", { headers: { ...one, ...host } }));
      });
      const answers = await Promise.all(questions);
      return (
        answers.every(({ status }) => status === 200) && new Set(answers.map(({ from }) => from)).size === apps.length
      );
    });
  }

  /** Backends are dealt to the apps in turn. */
  private appOf(number: number): Settings["apps"][number] {
    return this.apps[number % this.apps.length] as Settings["apps"][number];
  }

  /** A path that no other request has, by which the backends' logs tell who got it. */
  path(path: string): string {
    return `${path}${path.includes("?") ? "&" : "?"}id=${++this.numbers}.`;
  }

  /** How often backends have together got each path. Default: all backends. */
  async seen(backends = this.backends): Promise<(path: string) => number> {
    const logs = await Promise.all(backends.map((backend) => tryDocker("logs", backend)));
    const got = new Map<string, number>();
    for (const path of logs.flatMap(({ stdout }) => stdout.split("\n")).map((line) => line.split(" ")[1] ?? ""))
      got.set(path, (got.get(path) ?? 0) + 1);
    return (path) => got.get(path) ?? 0;
  }

  /** The last lines of nginx's log: which backends it has tried, and with what result. */
  async log(lines = 20): Promise<string> {
    const { stdout } = await tryDocker("logs", "--tail", String(lines), this.name);
    return stdout;
  }
}
