import { Deadline, until, type Patience } from "../../../lib/until";
import { listContainers } from "../../../rollout/containers";
import { docker, tryDocker } from "../../../rollout/docker";
import { readStatus } from "../../../scripts/status";
import { askPlain } from "../../e2e/ask";
import { DerivedImages } from "../../e2e/derived-images";
import type { EngineRun, TestStack } from "../../e2e/stack";
import { TlsStack } from "../../e2e/tls-stack";
import { succeed } from "./namespaces";
import type { SecondEngine } from "./second-engine";
import { apps, hostOf, TableLoad, type App } from "./load";

/** How long a backend may be silent, in seconds. */
export const requestTimeoutSeconds = 3;

const healthSeconds = 90;

/** A stack of two apps with two backends each, at a plain port and at one of TLS, with load on it: what faults are made in. */
export class Ward {
  load!: TableLoad;
  /** What a fault has seen that belongs into its row, a sentence each. */
  readonly said: string[] = [];
  /** How many updates there were. */
  ups = 0;
  private written = 0;
  private readonly versions: Record<App, string> = { alpha: "alpha", beta: "beta" };
  private readonly wishes: Record<App, object> = { alpha: {}, beta: {} };
  private readonly images = new DerivedImages("table");

  private constructor(
    private readonly own: TlsStack,
    /** The engine that it runs on, where nobody else uses that. */
    readonly engine: SecondEngine | undefined,
  ) {}

  static async create(engine?: SecondEngine): Promise<Ward> {
    const own = await TlsStack.create("table", apps);
    const ward = new Ward(own, engine);
    try {
      await ward.certify();
      await own.up({
        requestTimeoutSeconds,
        apps: ward.settings,
        tls: { port: own.port, certificates: [own.files("own")], redirect: false },
      });
      const { ca } = own;
      ward.load = new TableLoad({ plain: own.outputs.url, tls: `https://127.0.0.1:${own.port}`, ca });
    } catch (error) {
      await ward.remove();
      throw error;
    }
    return ward;
  }

  async remove(): Promise<void> {
    await this.load?.stop();
    await tryDocker("unpause", ...(await this.ids()));
    await this.own.remove();
    await this.images.remove();
  }

  get stack(): TestStack {
    return this.own.stack;
  }

  get url(): string {
    return this.own.outputs.url;
  }

  /** A version of an app's source, to be rolled out by the next update; default: another one than all before. */
  async write(app: App, version = `${app}-${++this.written}`): Promise<void> {
    this.versions[app] = version;
    await this.own.write(app, version);
  }

  /** The version of an app's source. */
  version(app: App): string {
    return this.versions[app];
  }

  /** Sets keys of an app's settings, for the next update. */
  async set(app: App, wish: object): Promise<void> {
    this.wishes[app] = { ...this.wishes[app], ...wish };
    await this.stack.configure({ apps: this.settings });
  }

  /** Writes a certificate for both apps, another one each time, for the next update. */
  async certify(): Promise<void> {
    await this.own.certify("own", apps.map(hostOf));
  }

  /** Waits until each app is answered by its newest version, several times in a row: no older one is left. */
  async untilNewest(): Promise<void> {
    for (const app of apps) {
      const ask = () => this.own.ask(hostOf(app)).then(({ version }) => version);
      await until(`${app} is answered by ${this.versions[app]}`, 10, async () => {
        const versions = await Promise.all(Array.from({ length: 8 }, ask));
        return versions.every((version) => version === this.versions[app]);
      });
    }
  }

  /** Runs an update; a failing one is a result. */
  async up(...args: string[]): Promise<EngineRun> {
    this.ups++;
    const run = await this.stack.engine("up", ...args);
    if (run.code === 0) await this.look();
    return run;
  }

  async upOk(...args: string[]): Promise<string> {
    const { code, output } = await this.up(...args);
    if (code !== 0) throw new Error(`pulumi up ${args.join(" ")} failed: ${wordsOf(output)}`);
    return output;
  }

  /** Reads what the engine's state tells of the stack. */
  async look(): Promise<void> {
    this.own.outputs = await this.stack.outputs();
  }

  /** The id of a container: that of the balancer, of the entry of the plain port, or of a backend by its slot. */
  async container(slot: string): Promise<string> {
    const { backends, balancer, entry } = await this.stack.containers();
    const found =
      slot === "balancer" ? balancer : slot === "entry" ? entry : backends.find((backend) => backend.slot === slot);
    if (found === undefined) throw new Error(`there is no container of ${slot}`);
    return found.id;
  }

  /** The ids of its containers by what they are, whether they run or not. */
  async roles(): Promise<Record<"balancer" | "entry" | "backend", string[]>> {
    const listed = await listContainers(this.stack.stackLabel);
    const of = (wanted: string) => listed.flatMap(({ role, id }) => (role === wanted ? [id] : []));
    return { balancer: of("balancer"), entry: of("entry"), backend: of("backend") };
  }

  async ids(): Promise<string[]> {
    return lines("ps", "--all", "--quiet", "--no-trunc", "--filter", this.label);
  }

  /**
   * Makes an image of its own of a base image.
   *
   * @param instructions of a Dockerfile that make it another one
   */
  async otherImage(
    base: "nginxImage" | "pythonImage" = "nginxImage",
    instructions: readonly string[] = [],
  ): Promise<string> {
    return this.images.make((await this.stack.baseImages())[base], instructions);
  }

  /** Has the fixture app of a backend do as it is told, until it is started again; "" for as ever. */
  async tell(slot: string, does: string): Promise<void> {
    const ask = `import urllib.request as r; r.urlopen('http://127.0.0.1:5000/fault?does=${does}').read()`;
    await docker("exec", await this.container(slot), "python3", "-c", ask);
  }

  /** What `status` says, and what is not healthy yet. */
  async status(): Promise<{ readonly drift: readonly string[]; readonly isHealthy: boolean }> {
    const { drift, backends, balancer } = await readStatus(this.stack.stackLabel, this.own.outputs);
    return { drift, isHealthy: [balancer, ...backends].every(({ health }) => health === "healthy") };
  }

  /** The backends that get no request within so many seconds, by their slots. */
  async idle(within: number): Promise<string[]> {
    const { backends } = await this.stack.containers();
    const waiting = new Map(backends.map(({ id, slot }) => [id.slice(0, 12), slot]));
    const end = new Deadline(within);
    await until("each backend has answered, or the time is over", healthSeconds, async () => {
      for (const app of apps)
        waiting.delete((await askPlain(this.url, hostOf(app)).catch(() => undefined))?.backend ?? "");
      return waiting.size === 0 || end.isOver;
    });
    return [...waiting.values()];
  }

  /** Waits until nothing is amiss, and gives what `status` said meanwhile. */
  async untilWhole(signal: AbortSignal, within = healthSeconds): Promise<string[]> {
    const said = new Set<string>();
    const patience: Patience = { within, pollMilliseconds: 500, signal };
    await until(
      () => new Error(`it is not whole after ${within} s: ${[...said].join(" ") || "a container is not healthy"}`),
      patience,
      async () => {
        const status = await this.status().catch(() => undefined);
        for (const line of status?.drift ?? []) said.add(line);
        return status?.drift.length === 0 && status.isHealthy;
      },
    );
    return [...said];
  }

  /** What the host has of the stack, as counts: more afterwards than before are leftovers. Backends are those that the state lacks. */
  async inventory(): Promise<string> {
    const [containers, networks, volumes, images] = await Promise.all([
      this.ids(),
      lines("network", "ls", "--quiet", "--filter", this.label),
      lines("volume", "ls", "--quiet", "--filter", this.label),
      lines("images", "--format", "{{.Repository}}", "--filter", `reference=${this.stack.stackLabel}/*`),
    ]);
    const others = containers.length - this.own.outputs.backends.length;
    return `${others} containers besides backends, ${networks.length} networks, ${volumes.length} volumes, ${images.length} images`;
  }

  /** The first line of the balancer's log that tells of an error. */
  async firstError(since: Date): Promise<string> {
    const { balancer } = await this.stack.containers();
    const { stdout, stderr } = await tryDocker("logs", "--since", since.toISOString(), balancer?.id ?? "");
    const line = `${stderr}\n${stdout}`.split("\n").find((text) => /\[(emerg|alert|crit|error)\]/.test(text)) ?? "";
    return line.replace(/^\S+ \S+ (\[\w+\]) \S+ (?:\*\d+ )?/, "$1 ").replace(/, client: .*$/, "");
  }

  /** Destroys what a fault has left hurt, and makes it anew: the next one must not fail for that. */
  async makeAnew(): Promise<void> {
    await tryDocker("unpause", ...(await this.ids()));
    await this.stack.engine("cancel", "--yes");
    await this.stack.engineOk("destroy", "--refresh");
    await this.upOk();
  }

  private get settings(): object[] {
    return apps.map((app) => this.own.app(app, { hosts: [hostOf(app)], ...this.wishes[app] }));
  }

  private get label(): string {
    return `label=nginx-load-balancer.stack=${this.stack.stackLabel}`;
  }
}

/** What the engine says at the end of why an update failed; else the last lines that it printed. */
export function wordsOf(output: string): string {
  const said = output
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
  const at = said.indexOf("Diagnostics:");
  const isOfItsOwn = (line: string) =>
    /^\S+:\S+ \(\S+\):$|^error: update failed$|^error: \d+ errors? occurred:$/.test(line);
  return (
    at < 0
      ? said.slice(-8)
      : said
          .slice(at + 1)
          .filter((line) => !isOfItsOwn(line))
          .slice(0, 8)
  ).join(" / ");
}

async function lines(...command: string[]): Promise<string[]> {
  return (await docker(...command)).split("\n").filter(Boolean);
}

/** Ends a container's first process as the kernel would: `docker kill` would be taken for a wish. */
export async function kill(container: string): Promise<void> {
  process.kill(await pidOf(container), "SIGKILL");
}

export async function pidOf(container: string): Promise<number> {
  return Number(await docker("inspect", "--format", "{{.State.Pid}}", container));
}

/** The processes of a container, with what each is called. */
export async function processesOf(container: string): Promise<{ readonly pid: number; readonly args: string }[]> {
  const rows = (await lines("top", container, "-eo", "pid,args")).slice(1);
  return rows.map((row) => ({ pid: Number.parseInt(row, 10), args: row.trim().replace(/^\d+\s+/, "") }));
}

/** Runs a command of this host's in a container's network namespace. */
export async function inNetworkOf(container: string, ...command: string[]): Promise<void> {
  await succeed("nsenter", `--net=/proc/${await pidOf(container)}/ns/net`, "--", ...command);
}
