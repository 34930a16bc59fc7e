import { execFile, spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tryKill } from "../../lib/process";
import { tryDocker } from "../../rollout/docker";
import { currentRelease, directivesFile, mainFile, routeFile, siteFile } from "../../model/layout";
import { showFiles } from "../../nginx/render/config";
import { balancerOf, listContainers } from "../../rollout/containers";
import type { ObservedContainer } from "../../rollout/observed";
import type { BaseImages } from "../../scripts/setup/images";
import { projectRoot, pulumiBinary, pulumiEnv } from "../../scripts/setup/project";
import { baseImages, stateUrl } from "../machine";
import { descendants } from "../processes";
import { outputsOf, type StackOutputs } from "../../scripts/pulumi";

/** How a run of the engine ended. */
export interface EngineRun {
  readonly code: number | null;
  /** Both streams. */
  readonly output: string;
}

/** A run of the engine that is under way. */
export interface StartedRun {
  /** What it has printed so far. */
  output(): string;
  hasEnded(): boolean;
  kill(signal: "SIGINT" | "SIGKILL"): void;
  /** The engine's process. */
  readonly pid: number;
  readonly ended: Promise<EngineRun>;
}

export type Outputs = StackOutputs;

let ports = 20000 + (process.pid % 12000);

/** A port for a balancer, another one each time: below the ports that the kernel gives to clients. */
export function takePort(): number {
  return ports++;
}

/** A stack of this program on the real engine and the real Docker, with a state, a config and a port of its own. */
export class TestStack {
  readonly port = takePort();
  private ownName: string;
  private config = new Map<string, string>();

  private constructor(
    label: string,
    readonly folder: string,
  ) {
    this.ownName = `e2e-${label}-${process.pid}`;
  }

  get name(): string {
    return this.ownName;
  }

  /**
   * Makes a stack; nothing runs yet.
   *
   * @param label part of its name
   */
  static async create(label: string, config: Record<string, unknown> = {}): Promise<TestStack> {
    const stack = new TestStack(label, await mkdtemp(join(tmpdir(), "nlb-e2e-")));
    await stack.engineOk("stack", "init", stack.name, "--no-select");
    await stack.configure({ ...(await baseImages()), port: stack.port, ...config });
    return stack;
  }

  get stackLabel(): string {
    return `nginx-load-balancer/${this.name}`;
  }

  get configFile(): string {
    return join(this.folder, "config.yaml");
  }

  /** The files of its state, by their paths in the state's folder. */
  stateFiles(): string[] {
    return readdirSync(this.folder, { recursive: true, encoding: "utf8" });
  }

  get url(): string {
    return `http://127.0.0.1:${this.config.get("port") ?? this.port}`;
  }

  /** The base images that this machine has. */
  async baseImages(): Promise<BaseImages> {
    return baseImages();
  }

  /** Sets keys of the stack's config; undefined takes a key out. */
  async configure(values: Record<string, unknown>): Promise<void> {
    for (const [key, value] of Object.entries(values)) {
      const text = typeof value === "string" ? value : JSON.stringify(value);
      if (value === undefined) {
        this.config.delete(key);
        await this.engineOk("config", "rm", key);
      } else {
        this.config.set(key, text);
        await this.engineOk("config", "set", key, text);
      }
    }
  }

  /** Renames it, as the engine's state has it. */
  async rename(name: string): Promise<void> {
    await this.engineOk("stack", "rename", name);
    this.ownName = name;
  }

  /** A value of its config, as text. */
  configured(key: string): string | undefined {
    return this.config.get(key);
  }

  /** Runs the engine on this stack; a failing run is a result. */
  async engine(...args: string[]): Promise<EngineRun> {
    return this.start(...args).ended;
  }

  /** Starts the engine on this stack, for a run that is to be interrupted. */
  start(...args: string[]): StartedRun {
    const child = spawn(pulumiBinary(), [...args, ...this.options(args), "--non-interactive"], {
      cwd: projectRoot,
      env: this.environment(),
      detached: true,
    });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (output += text));
    return {
      output: () => output,
      hasEnded: () => child.exitCode !== null || child.signalCode !== null,
      // SIGKILL takes the program and the plugins along: they lead process groups of their own.
      kill: (signal) => {
        const pids = [child.pid as number, ...(signal === "SIGKILL" ? descendants(child.pid as number) : [])];
        for (const pid of pids) tryKill(pid, signal);
      },
      pid: child.pid as number,
      ended: new Promise((resolve, reject) => {
        child.on("error", reject).on("close", (code) => resolve({ code, output }));
      }),
    };
  }

  /** Runs one of the scripts on this stack, as npm does; a failing run is a result. */
  async script(name: string, ...args: string[]): Promise<EngineRun> {
    const script = ["-r", "./scripts/typescript.cjs", join("scripts", `${name}.ts`), "--stack", this.name, ...args];
    const options = { cwd: projectRoot, env: this.environment(), maxBuffer: 1 << 26 };
    return new Promise((resolve, reject) => {
      const child = execFile(process.execPath, script, options, (_, stdout, stderr) =>
        resolve({ code: child.exitCode, output: stdout + stderr }),
      );
      child.on("error", reject);
    });
  }

  /** Runs the engine; a failing run is an error with its whole output. */
  async engineOk(...args: string[]): Promise<string> {
    const { code, output } = await this.engine(...args);
    if (code !== 0) throw new Error(`pulumi ${args.join(" ")} ended with exit code ${code}:\n${output}`);
    return output;
  }

  /** Names of the engine's resources that match; that there is none is an error. */
  async urns(pattern: RegExp): Promise<string[]> {
    const { deployment } = JSON.parse(await this.engineOk("stack", "export")) as {
      deployment: { resources: { urn: string }[] };
    };
    const found = deployment.resources.map(({ urn }) => urn).filter((urn) => pattern.test(urn));
    if (found.length === 0) throw new Error(`the engine knows nothing like ${pattern}`);
    return found;
  }

  async up(...args: string[]): Promise<Outputs> {
    await this.engineOk("up", ...args);
    return this.outputs();
  }

  /** Its outputs, and of what no output tells the engine's state: the release. */
  async outputs(): Promise<Outputs> {
    const [outputs, state] = await Promise.all([
      this.json("stack", "output", "--json", "--show-secrets") as Promise<Outputs>,
      this.json("stack", "export", "--show-secrets") as Promise<{ deployment: Parameters<typeof outputsOf>[0] }>,
    ]);
    const known = outputsOf(state.deployment);
    if (known === undefined) throw new Error(`Stack ${this.name} has nothing installed.`);
    return { ...known, ...outputs, release: known.release };
  }

  private async json(...args: string[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      execFile(
        pulumiBinary(),
        [...args, "--stack", this.name],
        { cwd: projectRoot, env: this.environment(), maxBuffer: 1 << 26 },
        (error, stdout) => (error ? reject(error) : resolve(JSON.parse(stdout))),
      );
    });
  }

  /** The configuration on its balancer's volume, as the output shows it; undefined when no balancer runs. */
  async liveText(): Promise<string | undefined> {
    const { balancer } = await this.containers();
    const files = await Promise.all(
      [mainFile, siteFile, routeFile, directivesFile].map(async (name) => {
        const { code, stdout } = await tryDocker("exec", balancer?.id ?? "", "cat", `${currentRelease}/${name}`);
        return code === 0 ? [{ name, text: stdout }] : [];
      }),
    );
    return files[0]?.length === 0 ? undefined : showFiles(files.flat());
  }

  /** Its backends, newest first, its balancer and its newest entry, as Docker tells of them. */
  async containers(): Promise<{
    readonly backends: readonly ObservedContainer[];
    readonly balancer: ObservedContainer | undefined;
    readonly entry: ObservedContainer | undefined;
  }> {
    const listed = await listContainers(this.stackLabel);
    return {
      backends: listed.filter(({ role }) => role === "backend"),
      balancer: balancerOf(listed),
      entry: listed.find(({ role }) => role === "entry"),
    };
  }

  /** The ids of everything of this stack that is left on the host: containers, networks, volumes and images. */
  async leftovers(): Promise<string[]> {
    const label = `label=nginx-load-balancer.stack=${this.stackLabel}`;
    const lists = await Promise.all([
      tryDocker("ps", "--all", "--quiet", "--filter", label),
      tryDocker("network", "ls", "--quiet", "--filter", label),
      tryDocker("volume", "ls", "--quiet", "--filter", label),
      tryDocker("images", "--format", "{{.Repository}}:{{.Tag}}", "--filter", `reference=${this.stackLabel}/*`),
    ]);
    return lists.flatMap(({ stdout }) => stdout.split("\n").filter(Boolean));
  }

  /** Ends everything, however the test went: by the engine, and by hand what the engine doesn't know of any more. */
  async remove(): Promise<void> {
    await this.engine("cancel", "--yes");
    const { code, output } = await this.engine("destroy", "--refresh");
    const label = `label=nginx-load-balancer.stack=${this.stackLabel}`;
    const containers = (await tryDocker("ps", "--all", "--quiet", "--filter", label)).stdout
      .split("\n")
      .filter(Boolean);
    if (containers.length > 0) await tryDocker("rm", "--force", "--volumes", ...containers);
    if (code !== 0) {
      const second = await this.engine("destroy", "--refresh");
      if (second.code !== 0) throw new Error(`The stack could not be destroyed:\n${output}\n${second.output}`);
    }
    const images = (await this.leftovers()).filter((name) => name.includes("/"));
    if (images.length > 0) await tryDocker("rmi", "--force", ...images);
    await rm(this.folder, { recursive: true, force: true });
    // `stack init` takes no --config-file.
    await rm(join(projectRoot, `Pulumi.${this.name}.yaml`), { force: true });
  }

  /** What a command of the engine needs to act on this stack, without asking anything. */
  private options([command = "", subcommand = ""]: readonly string[]): string[] {
    const named = command === "stack" && subcommand === "init" ? [] : ["--stack", this.name];
    const configured = ["config", "up", "preview", "refresh", "destroy"].includes(command);
    const confirmed = ["up", "refresh", "destroy"].includes(command);
    return [
      ...named,
      ...(configured ? ["--config-file", this.configFile] : []),
      ...(confirmed ? ["--yes", "--skip-preview"] : []),
    ];
  }

  /** The environment for running the engine, or a script that does, on this stack. */
  environment(): NodeJS.ProcessEnv {
    return { ...process.env, ...pulumiEnv(), PULUMI_BACKEND_URL: stateUrl(this.folder) };
  }
}
