import { execFile } from "node:child_process";

/** What a docker command printed and how it ended. */
export interface DockerResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a docker command; a failing one is a result, not an error. */
export async function tryDocker(...args: string[]): Promise<DockerResult> {
  return new Promise((resolve, reject) => {
    execFile("docker", args, { encoding: "utf8", maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error && typeof error.code !== "number")
        reject(new Error(`docker ${args[0]} could not be run: ${error.message}`));
      else resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
    });
  });
}

/** Runs a docker command and gives its standard output; a failing one is an error with docker's own words. */
export async function docker(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await tryDocker(...args);
  if (stderr.includes("Cannot connect to the Docker daemon")) {
    throw new Error(`Docker does not answer: ${stderr.trim()}\nnpm run setup starts it where it can.`);
  }
  if (code !== 0) throw new Error(`docker ${args[0]} failed: ${stderr.trim()}`);
  return stdout;
}

/** A container's state, as far as it tells whether it serves. */
export interface ContainerState {
  readonly id: string;
  readonly name: string;
  /** created, running, restarting, exited, ... */
  readonly status: string;
  readonly exitCode: number;
  /** How often Docker has restarted it after it ended by itself. */
  readonly restarts: number;
  /** Whether the kernel has ended it for its memory. */
  readonly isOutOfMemory: boolean;
  /** Those on all of its networks. */
  readonly addresses: readonly string[];
  /** healthy, unhealthy, starting; none without a healthcheck. */
  readonly health: string;
  /** Seconds between two healthchecks; 0 without one. */
  readonly healthInterval: number;
  /** The command of its healthcheck, as Docker runs it in the container; empty without one. */
  readonly healthCommand: readonly string[];
}

const nanoseconds = 1e9;

const stateFormat =
  "{{.ID}}\t{{.Name}}\t{{.State.Status}}\t{{.State.ExitCode}}\t{{.RestartCount}}\t{{with .State.Health}}{{.Status}}{{else}}none{{end}}\t{{with .Config.Healthcheck}}{{json .Interval}}\t{{json .Test}}{{else}}0\t[]{{end}}\t{{.State.OOMKilled}}\t{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}";

/** The states of containers, by id; one that is gone has no entry. */
export async function inspectContainers(ids: readonly string[]): Promise<Map<string, ContainerState>> {
  if (ids.length === 0) return new Map();
  const { stdout, stderr } = await tryDocker("container", "inspect", "--format", stateFormat, ...ids);
  const errors = stderr.split("\n").filter((line) => line !== "" && !line.includes("No such container"));
  if (errors.length > 0) throw new Error(`docker container inspect failed: ${errors.join("; ")}`);
  return new Map(parseStates(stdout).map((state) => [state.id, state]));
}

export function parseStates(output: string): ContainerState[] {
  return output
    .split("\n")
    .filter((line) => line.includes("\t"))
    .map((line) => {
      const [
        id = "",
        name = "",
        status = "",
        exitCode = "",
        restarts = "",
        health = "",
        interval = "",
        test = "[]",
        oom = "",
        addresses = "",
      ] = line.split("\t");
      return {
        id,
        name: name.replace(/^\//, ""),
        status,
        exitCode: Number(exitCode),
        restarts: Number(restarts),
        isOutOfMemory: oom === "true",
        addresses: addresses.split(" ").filter(Boolean),
        health,
        healthInterval: Number(interval) / nanoseconds,
        healthCommand: commandOf(JSON.parse(test) as string[]),
      };
    });
}

/** Docker's notation of a healthcheck: CMD or CMD-SHELL, and what it runs. */
function commandOf([kind, ...words]: readonly string[]): string[] {
  if (kind === "CMD") return words;
  return kind === "CMD-SHELL" ? ["sh", "-c", ...words] : [];
}

/** The last lines that a container has logged, both streams. */
export async function lastLogLines(id: string, lines: number): Promise<string[]> {
  const { stdout, stderr } = await tryDocker("logs", "--tail", String(lines), id);
  return `${stdout}${stderr}`.trimEnd().split("\n").slice(-lines);
}
