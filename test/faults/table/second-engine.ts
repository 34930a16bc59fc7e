import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tryKill } from "../../../lib/process";
import { until } from "../../../lib/until";
import { tryDocker } from "../../../rollout/docker";
import { hasEnded } from "../../processes";
import {
  groupsOf,
  makeNetwork,
  removeGroups,
  removeNetwork,
  sharingMountsOf,
  startLogged,
  succeed,
} from "./namespaces";

/** What another process needs to know of it. */
interface Known {
  readonly name: string;
  readonly home: string;
  /** The process that keeps its mount namespace while no dockerd runs. */
  readonly holder: number;
}

/** The data root, in MiB: the images of a stack of two versions, and room. */
const dataMb = 6144;

/**
 * A Docker engine beside the usual one of this host, for what nobody does to an engine that others use: its programs from a
 * root file system of choice, its own mounts and network, and a data root on a file system image that can be full. Needs root.
 */
export class SecondEngine {
  private constructor(private readonly known: Known) {}

  /** The one that this process was started for by {@link enter}, if any. */
  static here(): SecondEngine | undefined {
    const known = process.env["FAULTS_ENGINE"];
    return known === undefined ? undefined : new SecondEngine(JSON.parse(known) as Known);
  }

  /**
   * Makes one, and starts it.
   *
   * @param root file system with `dockerd`, iptables and mount: "/" for this host's own
   * @throws Error when it can't; nothing is left over then
   */
  static async create(root: string, signal?: AbortSignal): Promise<SecondEngine> {
    const name = `faults-${process.pid}`;
    const home = await mkdtemp(join(tmpdir(), `${name}-`));
    const started = { pid: 0 };
    try {
      await Promise.all(["root", "run"].map((folder) => mkdir(join(home, folder))));
      await succeed("truncate", "--size", `${dataMb}M`, join(home, "data.img"));
      await succeed("mkfs.ext4", "-q", "-F", "-m", "0", join(home, "data.img"));
      await makeNetwork(name);
      const hold = ["unshare", "--mount", "--propagation", "private", "sh", join(__dirname, "second-engine.sh")];
      const holder = await startLogged(["nsenter", `--net=/run/netns/${name}`, ...hold, root, home], join(home, "holder.log")); // prettier-ignore
      started.pid = holder;
      const engine = new SecondEngine({ name, home, holder });
      await until(
        async () => new Error(`its mounts can't be made: ${await readFile(join(home, "holder.log"), "utf8")}`),
        { within: 20, signal },
        () => existsSync(join(home, "run", "ready")),
      );
      await engine.start();
      return engine;
    } catch (error) {
      await new SecondEngine({ name, home, holder: started.pid }).remove();
      throw error;
    }
  }

  /** For DOCKER_HOST. */
  get host(): string {
    return `unix://${join(this.known.home, "run", "engine.sock")}`;
  }

  /** Where its data root is seen from outside. */
  private inside(...path: string[]): string {
    return join("/proc", String(this.known.holder), "root", ...path);
  }

  /** Runs this command's own program again in the engine's network, and gives its exit code. */
  async enter(args: readonly string[], signal: AbortSignal): Promise<number> {
    const self = [process.execPath, ...process.execArgv, process.argv[1] ?? "", ...args];
    const child = spawn("nsenter", [`--net=/run/netns/${this.known.name}`, "--", ...self], {
      stdio: "inherit",
      env: { ...process.env, FAULTS_ENGINE: JSON.stringify(this.known), DOCKER_HOST: this.host },
    });
    const end = () => child.kill("SIGTERM");
    signal.addEventListener("abort", end);
    try {
      return (
        (await new Promise<number | null>((resolve, reject) => child.on("exit", resolve).on("error", reject))) ?? 130
      );
    } finally {
      signal.removeEventListener("abort", end);
    }
  }

  /** Gives it images that the usual engine has. */
  async copyImages(names: readonly string[]): Promise<void> {
    const pipe = `docker save "$@" | DOCKER_HOST=${this.host} docker load`;
    await succeed("bash", "-o", "pipefail", "-c", pipe, "bash", ...names);
  }

  /** @param liveRestore whether containers run on while no dockerd does; default false */
  async start(liveRestore = false): Promise<void> {
    const { home } = this.known;
    await this.configure(liveRestore);
    // What was killed leaves these, and they name processes that may be listed still.
    await rm(join(home, "run", "docker.pid"), { force: true });
    await rm(this.inside("run", "docker", "containerd", "containerd.pid"), { force: true });
    await startLogged(
      ["nsenter", ...this.namespaces(), "dockerd", "--config-file", "/run/engine/daemon.json"],
      join(home, "dockerd.log"),
    );
    await until(
      async () =>
        new Error(`dockerd does not answer: ${(await readFile(join(home, "dockerd.log"), "utf8")).slice(-2000)}`),
      90,
      async () => (await tryDocker("--host", this.host, "info")).code === 0,
    );
  }

  /** Ends dockerd, and waits until it is gone. With SIGTERM it ends its containers unless they live on. */
  async stop(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const pid = await this.pid();
    process.kill(pid, signal);
    await until("dockerd has ended", 60, () => hasEnded(pid));
  }

  /** Whether containers run on while no dockerd does, from now on. */
  async liveRestore(isOn: boolean): Promise<void> {
    await this.configure(isOn);
    process.kill(await this.pid(), "SIGHUP");
    await until("dockerd has read its settings", 10, async () => {
      const { stdout } = await tryDocker("--host", this.host, "info", "--format", "{{.LiveRestoreEnabled}}");
      return stdout.trim() === String(isOn);
    });
  }

  /** Ends all of its processes at once, the containers' as well, and what a machine without power forgets. */
  async cutPower(): Promise<void> {
    await this.endAll();
    const forget = `
      awk '$5 ~ "^/run/(data|docker|containerd)/" { print $5 }' /proc/self/mountinfo | sort -r | xargs -r -n 1 umount -l
      for folder in docker containerd; do umount -l /run/$folder; mount -t tmpfs tmpfs /run/$folder; done
      for table in filter nat mangle raw; do iptables -t $table -F; iptables -t $table -X; done
      iptables -P FORWARD ACCEPT
      for device in $(ls /sys/class/net | grep -E '^(br-|docker|veth)'); do ip link delete $device || true; done`;
    await succeed("nsenter", ...this.namespaces(), "sh", "-ec", forget);
  }

  /** Takes all the room that its data root has left. */
  async fillDisk(): Promise<void> {
    const { bavail, bsize } = await statfs(this.inside("run", "data"));
    const most = Math.max(1, bavail * bsize - 16 * 2 ** 20);
    const rest = "dd if=/dev/zero of=/run/data/filler oflag=append conv=notrunc bs=4k status=none 2>/dev/null || true";
    await succeed("nsenter", ...this.namespaces(), "sh", "-ec", `fallocate --length ${most} /run/data/filler; ${rest}`);
  }

  async freeDisk(): Promise<void> {
    await rm(this.inside("run", "data", "filler"), { force: true });
  }

  /** The folder of the group of all of its containers, of a controller such as "memory"; version 2 has one for all. */
  async cgroup(controller: string): Promise<string> {
    const folders = await groupsOf(this.known.name);
    const found = folders.find((folder) => folder.split("/").includes(controller)) ?? folders[0];
    if (found === undefined) throw new Error(`its containers have no group`);
    return found;
  }

  /** Ends and removes all of it. */
  async remove(): Promise<void> {
    const { name, home, holder } = this.known;
    if (holder > 0) {
      await this.endAll();
      tryKill(holder, "SIGKILL");
      await until("it has ended", 20, () => hasEnded(holder));
    }
    await removeNetwork(name);
    await removeGroups(name);
    await rm(home, { recursive: true, force: true });
  }

  private async configure(liveRestore: boolean): Promise<void> {
    const settings = {
      hosts: ["unix:///run/engine/engine.sock"],
      pidfile: "/run/engine/docker.pid",
      "data-root": "/run/data",
      "exec-root": "/run/docker",
      "exec-opts": ["native.cgroupdriver=cgroupfs"],
      "cgroup-parent": `/${this.known.name}`,
      "live-restore": liveRestore,
    };
    await writeFile(join(this.known.home, "run", "daemon.json"), JSON.stringify(settings));
  }

  private async pid(): Promise<number> {
    return Number(await readFile(join(this.known.home, "run", "docker.pid"), "utf8"));
  }

  private namespaces(): string[] {
    const { holder } = this.known;
    return [`--target=${holder}`, "--mount", "--net", "--root", "--wd", "--"];
  }

  /** Kills all but the holder: who shares its mounts, and who is in its containers' groups. */
  private async endAll(): Promise<void> {
    const { holder } = this.known;
    await until("all of its processes have ended", 30, async () => {
      const pids = [...(await sharingMountsOf(holder)), ...(await this.contained())].filter((pid) => !hasEnded(pid));
      for (const pid of pids) tryKill(pid, "SIGKILL");
      return pids.length === 0;
    });
  }

  private async contained(): Promise<number[]> {
    const folder = await this.cgroup("pids").catch(() => undefined);
    if (folder === undefined) return [];
    const files = await readdir(folder, { recursive: true }).catch(() => []);
    const lists = files.filter((file) => file.endsWith("cgroup.procs"));
    const texts = await Promise.all(lists.map((file) => readFile(join(folder, file), "utf8").catch(() => "")));
    return texts.flatMap((text) => text.split("\n").filter(Boolean).map(Number));
  }
}
