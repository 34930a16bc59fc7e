import { closeSync, existsSync, openSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { lastWords, start, type Run, type Started } from "../../../lib/process";
import { until } from "../../../lib/until";
import { isConfirmed } from "../../cli";
import { canInstallPackages, installPackages } from "../apt";
import { dockerEndpoint, type DockerEndpoint } from "../environment";
import { SetupError } from "../error";
import { isAlive, readIfThere } from "../files";
import { stateFolder } from "../project";
import type { Step, StepContext } from "../step";

const answerTimeoutSeconds = 5;
/** For an engine that was started. */
const patience = { within: 60, pollMilliseconds: 100 };

/** How Docker presents itself. */
export interface DockerFacts {
  /** What `docker version` came to. */
  readonly client: "answered" | "failed" | "timed out" | "not found";
  /** The client's last words. */
  readonly words: string;
  /** The engine that the client asks. */
  readonly endpoint: DockerEndpoint;
  readonly platform: NodeJS.Platform;
  readonly isRoot: boolean;
  readonly hasDaemon: boolean;
  readonly hasSystemd: boolean;
  readonly canInstall: boolean;
}

export type DockerPlan =
  | { readonly action: "none" }
  | { readonly action: "start"; readonly install: boolean; readonly by: "systemd" | "dockerd" }
  | { readonly action: "give up"; readonly cause: string; readonly remedy: string };

/** What to do for a Docker engine that answers. */
export function planDocker(facts: DockerFacts): DockerPlan {
  const { client, words, endpoint, platform, isRoot, hasDaemon, hasSystemd, canInstall } = facts;
  const giveUp = (cause: string, remedy: string): DockerPlan => ({ action: "give up", cause, remedy });

  const { host, context } = endpoint;
  if (endpoint.tls) {
    return giveUp(
      `${host}, which ${context ? `Docker's context ${context}` : "DOCKER_HOST"} names, takes TLS certificates, which the Docker plugin doesn't use when it builds images`,
      "run this on the Docker host itself, or reach its socket over ssh",
    );
  }
  if (client === "answered") return { action: "none" };
  if (/permission denied/i.test(words)) {
    return giveUp(
      "Docker runs, but this user may not use it",
      "sudo usermod -aG docker $USER, then log in again; or run this as root",
    );
  }
  if (context) {
    return giveUp(
      `nothing answers at ${host}, which Docker's context ${context} names`,
      "start the engine there, or docker context use default",
    );
  }
  if (host) return giveUp(`nothing answers at DOCKER_HOST=${host}`, "start the engine there, or unset DOCKER_HOST");
  if (platform !== "linux") {
    return giveUp("Docker doesn't answer", "install and start Docker Desktop (https://docs.docker.com/desktop)");
  }
  const missing = client === "not found" || !hasDaemon;
  if (missing && !canInstall) {
    return giveUp("Docker is not installed", "install it (https://docs.docker.com/engine/install) and start it");
  }
  if (!isRoot) return giveUp("Docker is installed, but doesn't run", "sudo systemctl start docker");
  return { action: "start", install: missing, by: hasSystemd ? "systemd" : "dockerd" };
}

/** A Docker engine that answers: the one DOCKER_HOST or the client's context names, else installed and started. */
export function dockerStep(run: Run): Step {
  const ask = () =>
    run("docker", ["version", "--format", "{{.Server.Version}}"], { timeoutSeconds: answerTimeoutSeconds });
  const answers = async () => (await ask()).outcome === "succeeded";

  return {
    name: "Docker engine",
    isDone: async () => !dockerEndpoint(process.env).tls && (await answers()),
    async run(context) {
      const asked = await ask();
      const plan = planDocker({
        client: asked.outcome === "succeeded" ? "answered" : asked.outcome,
        words: lastWords(asked),
        endpoint: dockerEndpoint(process.env),
        platform: process.platform,
        isRoot: process.getuid?.() === 0,
        hasDaemon: (await run("dockerd", ["--version"])).outcome === "succeeded",
        hasSystemd: existsSync("/run/systemd/system"),
        canInstall: await canInstallPackages(run),
      });
      if (plan.action === "none") return;
      if (plan.action === "give up") throw new SetupError(plan.cause, plan.remedy);
      if (plan.install) {
        await askBefore("Docker is not installed. Install the Debian packages docker.io and iptables now, as root?");
        await installPackages(["docker.io", "iptables"], run, context);
        // Newer releases have the client in a package of its own.
        if ((await ask()).outcome === "not found") await installPackages(["docker-cli"], run, context);
      }
      if (plan.by === "systemd") await startService(run, answers, context);
      else await startDaemon(answers, context);
    },
  };
}

/** On a terminal the user decides; elsewhere set-up goes on and says what it does. */
async function askBefore(question: string): Promise<void> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return;
  if (!(await isConfirmed(question)))
    throw new SetupError(
      "Docker was not installed",
      "install it (https://docs.docker.com/engine/install) and start it",
    );
}

async function startService(run: Run, answers: () => Promise<boolean>, context: StepContext): Promise<void> {
  context.note("systemctl start docker");
  const result = await run("systemctl", ["start", "docker"], { signal: context.signal });
  const failed = (why: string) =>
    new SetupError(`systemctl start docker did not bring Docker up:\n${why}`, "journalctl -u docker");
  if (result.outcome !== "succeeded") throw failed(lastWords(result));
  await until(() => failed(lastWords(result)), { ...patience, signal: context.signal }, answers);
}

async function startDaemon(answers: () => Promise<boolean>, context: StepContext): Promise<void> {
  await mkdir(stateFolder, { recursive: true });
  const log = join(stateFolder, "dockerd.log");
  const failed = async (cause: string) => {
    const lastLines = lastWords({ stdout: (await readIfThere(log)) ?? "", stderr: "" }, 8);
    return new SetupError(`${cause}, its last words:\n${lastLines}`, `see ${log}`);
  };
  let daemon: Started | undefined;

  if (await isRunning("/var/run/docker.pid", "dockerd")) {
    context.note("waiting for the dockerd that is running");
  } else {
    // A machine that was switched off, or restored from an image, keeps these; by now they may name anything, and
    // dockerd takes any living process for its predecessor.
    await rm("/var/run/docker.pid", { force: true });
    const containerd = "/var/run/docker/containerd/containerd.pid";
    if (!(await isRunning(containerd, "containerd"))) await rm(containerd, { force: true });

    context.note(`starting dockerd, log in ${log}`);
    const output = openSync(log, "a");
    // Docker's process for a published port has the daemon's limit of open files, and needs six for each connection.
    const mostFiles = 'ulimit -n 1048576 2>/dev/null || ulimit -n "$(ulimit -H -n)"; exec dockerd';
    daemon = start("bash", ["-c", mostFiles], { logTo: output, cwd: "/" });
    daemon.unref();
    closeSync(output);
  }

  const noAnswer = () => failed(`dockerd does not answer after ${patience.within} s`);
  await until(noAnswer, { ...patience, signal: context.signal }, async () => {
    if (await answers()) return true;
    if (daemon?.hasEnded()) throw await failed("dockerd ended");
    return false;
  });
}

async function isRunning(pidFile: string, program: string): Promise<boolean> {
  const pid = Number(await readIfThere(pidFile));
  if (!Number.isInteger(pid) || pid <= 0 || !isAlive(pid)) return false;
  return (await readIfThere(`/proc/${pid}/comm`))?.trim() === program;
}
