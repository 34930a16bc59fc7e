import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { local } from "@pulumi/command";
import { projectRoot, pulumiBinary, pulumiEnv } from "../../scripts/setup/project";
import { stateUrl } from "../machine";

const stack = "test";
const runTimeoutMs = 60_000;

/** The commands of a program by name. `reads` names an earlier one whose stdout the command gets in $READ. */
export type Commands = Record<string, local.CommandArgs & { reads?: string }>;

/** What the engine says of one resource in one run. */
export interface ResourceReport {
  /** The operations in order, such as "create", or "create-replacement", "replace", "delete-replaced". */
  readonly operations: string[];
  /** The outputs after the last operation. */
  outputs: Record<string, unknown>;
  /** Lines shown while the resource was worked on. */
  readonly status: string[];
  /** The messages that stay, errors most of all. */
  readonly diagnostics: string[];
}

export interface Run {
  readonly exitCode: number | null;
  readonly resources: Record<string, ResourceReport>;
  /** All that the engine wrote, for a failed assertion to show. */
  readonly output: string;
}

interface EngineEvent {
  resourcePreEvent?: { metadata: { op: string; urn: string } };
  resOutputsEvent?: { metadata: { urn: string; new: { outputs: Record<string, unknown> } | null } };
  diagnosticEvent?: { urn?: string; message: string; ephemeral?: boolean };
}

const program = `
const { readFileSync } = require("node:fs");
const { local } = require("@pulumi/command");

const made = {};
for (const [name, { reads, ...args }] of Object.entries(JSON.parse(readFileSync("commands.json", "utf8")))) {
  const environment = reads ? { ...args.environment, READ: made[reads].stdout } : args.environment;
  made[name] = new local.Command(name, { ...args, environment });
}
`;

/** A Pulumi project in a temporary folder, with its state there, whose resources are nothing but commands. */
export class CommandProject {
  private constructor(
    readonly folder: string,
    private readonly state: string,
  ) {}

  static async create(): Promise<CommandProject> {
    const root = await realpath(await mkdtemp(join(tmpdir(), "command-provider-")));
    const project = new CommandProject(join(root, "project"), join(root, "state"));
    await mkdir(project.folder);
    await mkdir(project.state);
    await symlink(join(projectRoot, "node_modules"), join(project.folder, "node_modules"));
    const runtime = { name: "nodejs", options: { typescript: false } };
    // YAML takes JSON.
    await writeFile(join(project.folder, "Pulumi.yaml"), JSON.stringify({ name: "command-provider", runtime }));
    await writeFile(join(project.folder, "package.json"), "{}");
    await writeFile(join(project.folder, "index.js"), program);
    const { exitCode, output } = await project.engine(["stack", "init", stack, "--no-select"]).finished;
    if (exitCode !== 0) throw new Error(`pulumi stack init failed:\n${output}`);
    return project;
  }

  async remove(): Promise<void> {
    await rm(join(this.folder, ".."), { recursive: true, force: true });
  }

  async preview(commands: Commands): Promise<Run> {
    await this.write(commands);
    return this.engine(["preview", "--json"]).finished;
  }

  async up(commands: Commands): Promise<Run> {
    return (await this.startUp(commands)).finished;
  }

  /** Starts an update, which `interrupt` interrupts as Ctrl+C does. */
  async startUp(commands: Commands): Promise<{ finished: Promise<Run>; interrupt: () => void }> {
    await this.write(commands);
    return this.engine(["up", "--yes", "--skip-preview", "--continue-on-error", "--json"]);
  }

  async destroy(): Promise<Run> {
    return this.engine(["destroy", "--yes", "--skip-preview", "--json"]).finished;
  }

  private async write(commands: Commands): Promise<void> {
    await writeFile(join(this.folder, "commands.json"), JSON.stringify(commands));
  }

  private engine(args: string[]): { finished: Promise<Run>; interrupt: () => void } {
    const child = spawn(pulumiBinary(), [...args, "--non-interactive"], {
      cwd: this.folder,
      env: {
        ...process.env,
        ...pulumiEnv(),
        PULUMI_STACK: stack,
        PULUMI_BACKEND_URL: stateUrl(this.state),
        PULUMI_CONFIG_PASSPHRASE: "",
        PULUMI_ENABLE_STREAMING_JSON_PREVIEW: "true",
      },
      stdio: ["ignore", "pipe", "pipe"],
      // A group of its own, which a terminal would send its signals to.
      detached: true,
    });
    const { pid } = child;
    if (pid === undefined) throw new Error("the engine can't be started: run set-up first (npm run setup)");
    const signal = (name: NodeJS.Signals) => void process.kill(-pid, name);
    const finished = async (): Promise<Run> => {
      const deadline = setTimeout(signal, runTimeoutMs, "SIGKILL");
      const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
      clearTimeout(deadline);
      return { exitCode: child.exitCode, resources: report(stdout), output: stdout + stderr };
    };
    return { finished: finished(), interrupt: () => signal("SIGINT") };
  }
}

function report(stdout: string): Record<string, ResourceReport> {
  const resources: Record<string, ResourceReport> = {};
  const of = (urn: string) => {
    const name = urn.slice(urn.lastIndexOf("::") + 2);
    return (resources[name] ??= { operations: [], outputs: {}, status: [], diagnostics: [] });
  };
  for (const line of stdout.split("\n").filter((line) => line.startsWith("{"))) {
    const { resourcePreEvent, resOutputsEvent, diagnosticEvent } = JSON.parse(line) as EngineEvent;
    if (resourcePreEvent) of(resourcePreEvent.metadata.urn).operations.push(resourcePreEvent.metadata.op);
    if (resOutputsEvent?.metadata.new) of(resOutputsEvent.metadata.urn).outputs = resOutputsEvent.metadata.new.outputs;
    if (diagnosticEvent?.urn) {
      const { urn, message, ephemeral } = diagnosticEvent;
      of(urn)[ephemeral ? "status" : "diagnostics"].push(message.trimEnd());
    }
  }
  return resources;
}
