import { labels } from "../model/labels";
import { listContainers } from "../rollout/containers";
import { docker } from "../rollout/docker";

/** As much as is looked at of what `docker inspect` tells of a container. */
export interface Inspected {
  Name: string;
  AppArmorProfile: string;
  Config: { User: string; Labels: Record<string, string> };
  HostConfig: {
    Privileged: boolean;
    CapAdd: string[] | null;
    CapDrop: string[] | null;
    SecurityOpt: string[] | null;
    ReadonlyRootfs: boolean;
    Memory: number;
    MemorySwap: number;
    CpuShares: number;
    PidsLimit: number | null;
    RestartPolicy: { Name: string };
    PublishAllPorts: boolean;
    PortBindings: Record<string, { HostIp: string; HostPort: string }[]> | null;
    NetworkMode: string;
    PidMode: string;
    IpcMode: string;
    UTSMode: string;
    UsernsMode: string;
    CgroupParent: string;
    Devices: unknown[] | null;
    DeviceRequests: unknown[] | null;
    DeviceCgroupRules: unknown[] | null;
    Ulimits: unknown[] | null;
    LogConfig: { Type: string; Config: Record<string, string> };
  };
  Mounts: { Type: string; Source: string; Destination: string; Propagation: string; RW: boolean }[];
  NetworkSettings: { Networks: Record<string, unknown> };
  State: { Health?: { Status: string } };
  /** What `docker top` tells: user ids and command lines. */
  processes: { uid: string; command: string }[];
  /** Of the engine: AppArmor, seccomp, SELinux, as far as it has them. */
  engine: string[];
}

export interface Check {
  /** Number in the CIS Docker Benchmark 1.6, section 5 but for one; its words are not those of the benchmark. */
  readonly number: string;
  /** What is so here. */
  readonly what: string;
  readonly holds: (container: Inspected) => boolean;
  /** Makes a container one that is not so. */
  readonly fault: (container: Inspected) => void;
}

const roleOf = ({ Config }: Inspected) => Config.Labels[labels.role] ?? "";
const bindingsOf = ({ HostConfig }: Inspected) => Object.entries(HostConfig.PortBindings ?? {});
const options = ({ HostConfig }: Inspected) => HostConfig.SecurityOpt ?? [];
const isEmpty = (list: unknown[] | null) => (list ?? []).length === 0;

/** The numbers that say something of a container: one of the stack's own, as it is without volumes that its app asks for. */
export const checks: readonly Check[] = [
  {
    number: "4.1",
    what: "runs as a user other than root, with all of its processes",
    holds: ({ Config, processes }) =>
      /^[1-9]\d*:[1-9]\d*$/.test(Config.User) && processes.length > 0 && processes.every(({ uid }) => uid !== "0"),
    fault: (one) => one.processes.push({ uid: "0", command: "sh" }),
  },
  {
    number: "5.2",
    what: "has the engine's AppArmor profile, where the engine has AppArmor",
    holds: (one) =>
      options(one).every((option) => !option.startsWith("apparmor")) &&
      (!one.engine.some((name) => name.includes("apparmor")) || one.AppArmorProfile === "docker-default"),
    fault: (one) => (one.HostConfig.SecurityOpt = ["no-new-privileges:true", "apparmor=unconfined"]),
  },
  {
    number: "5.3",
    what: "keeps its SELinux label",
    holds: (one) => options(one).every((option) => !/^label[=:](?:disable|user|role|type)/.test(option)),
    fault: (one) => one.HostConfig.SecurityOpt?.push("label=disable"),
  },
  {
    number: "5.4",
    what: "has no capability",
    holds: ({ HostConfig: { CapAdd, CapDrop } }) => isEmpty(CapAdd) && CapDrop?.join() === "ALL",
    fault: (one) => (one.HostConfig.CapAdd = ["NET_RAW"]),
  },
  {
    number: "5.5",
    what: "is not privileged",
    holds: ({ HostConfig }) => !HostConfig.Privileged,
    fault: (one) => (one.HostConfig.Privileged = true),
  },
  {
    number: "5.6",
    what: "has no folder of the host, but volumes of Docker's alone",
    holds: ({ Mounts }) => Mounts.every(({ Type }) => Type === "volume" || Type === "tmpfs"),
    fault: (one) => one.Mounts.push({ Type: "bind", Source: "/etc", Destination: "/a", Propagation: "", RW: false }),
  },
  {
    number: "5.7",
    what: "runs no sshd",
    holds: ({ processes }) => !processes.some(({ command }) => /\bsshd\b/.test(command)),
    fault: (one) => one.processes.push({ uid: "10001", command: "/usr/sbin/sshd -D" }),
  },
  {
    number: "5.8",
    what: "listens on no privileged port inside",
    holds: (one) => bindingsOf(one).every(([port]) => parseInt(port, 10) > 1023),
    fault: (one) => (one.HostConfig.PortBindings = { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "8080" }] }),
  },
  {
    number: "5.9",
    what: "publishes one port if it is an entry, or what a Prometheus asks, and none else",
    holds: (one) =>
      !one.HostConfig.PublishAllPorts &&
      bindingsOf(one).length === (/^(?:entry|metrics|connections)$/.test(roleOf(one)) ? 1 : 0),
    fault: (one) => (one.HostConfig.PublishAllPorts = true),
  },
  {
    number: "5.10",
    what: "has a network namespace of its own",
    holds: ({ HostConfig }) => !/^(?:host|container:.*)$/.test(HostConfig.NetworkMode),
    fault: (one) => (one.HostConfig.NetworkMode = "host"),
  },
  {
    number: "5.11",
    what: "has a limit of memory, swap included",
    holds: ({ HostConfig: { Memory, MemorySwap } }) => Memory > 0 && Memory === MemorySwap,
    fault: (one) => (one.HostConfig.MemorySwap = -1),
  },
  {
    number: "5.12",
    what: "yields the processors to the balancer, which has twice the share of any other, and to backends if it only counts",
    holds: (one) =>
      (one.HostConfig.CpuShares || 1024) ===
      (roleOf(one) === "balancer" ? 2048 : /^(?:metrics|connections)$/.test(roleOf(one)) ? 128 : 1024),
    fault: (one) => (one.HostConfig.CpuShares = 4096),
  },
  {
    number: "5.13",
    what: "has a root file system that is read-only",
    holds: ({ HostConfig }) => HostConfig.ReadonlyRootfs,
    fault: (one) => (one.HostConfig.ReadonlyRootfs = false),
  },
  {
    number: "5.14",
    what: "publishes at the address that was asked for: by default, this host's own",
    holds: (one) => bindingsOf(one).every(([, places]) => places.every(({ HostIp }) => HostIp === "127.0.0.1")),
    fault: (one) => (one.HostConfig.PortBindings = { "8080/tcp": [{ HostIp: "0.0.0.0", HostPort: "8080" }] }),
  },
  {
    number: "5.15",
    what: "is started again always, unlike the benchmark has it: on-failure would leave it down after a reboot",
    holds: ({ HostConfig }) => HostConfig.RestartPolicy.Name === "always",
    fault: (one) => (one.HostConfig.RestartPolicy.Name = "no"),
  },
  {
    number: "5.16",
    what: "has a process namespace of its own",
    holds: ({ HostConfig }) => HostConfig.PidMode === "",
    fault: (one) => (one.HostConfig.PidMode = "host"),
  },
  {
    number: "5.17",
    what: "has an IPC namespace that nobody else can join",
    holds: ({ HostConfig }) => HostConfig.IpcMode === "private",
    fault: (one) => (one.HostConfig.IpcMode = "shareable"),
  },
  {
    number: "5.18",
    what: "has no device of the host",
    holds: ({ HostConfig }) =>
      [HostConfig.Devices, HostConfig.DeviceRequests, HostConfig.DeviceCgroupRules].every(isEmpty),
    fault: (one) => (one.HostConfig.Devices = [{ PathOnHost: "/dev/sda" }]),
  },
  {
    number: "5.19",
    what: "has the engine's own ulimits",
    holds: ({ HostConfig }) => isEmpty(HostConfig.Ulimits),
    fault: (one) => (one.HostConfig.Ulimits = [{ Name: "nofile", Soft: 1, Hard: 1 }]),
  },
  {
    number: "5.20",
    what: "has mounts that reach nobody else",
    holds: ({ Mounts }) => Mounts.every(({ Propagation }) => !/shared/.test(Propagation)),
    fault: (one) => one.Mounts.push({ Type: "volume", Source: "", Destination: "", Propagation: "rshared", RW: true }),
  },
  {
    number: "5.21",
    what: "has a host name of its own",
    holds: ({ HostConfig }) => HostConfig.UTSMode === "",
    fault: (one) => (one.HostConfig.UTSMode = "host"),
  },
  {
    number: "5.22",
    what: "has the engine's seccomp profile",
    holds: (one) => options(one).every((option) => !option.startsWith("seccomp")),
    fault: (one) => one.HostConfig.SecurityOpt?.push("seccomp=unconfined"),
  },
  {
    number: "5.25",
    what: "is in the engine's own cgroup",
    holds: ({ HostConfig }) => HostConfig.CgroupParent === "",
    fault: (one) => (one.HostConfig.CgroupParent = "/"),
  },
  {
    number: "5.26",
    what: "can't come by more rights",
    holds: (one) => options(one).includes("no-new-privileges:true"),
    fault: (one) => (one.HostConfig.SecurityOpt = []),
  },
  {
    number: "5.27",
    what: "has its health looked at, if it answers requests; what entry and lego do, ends with their containers",
    holds: (one) =>
      !/^(?:backend|balancer)$/.test(roleOf(one)) || /^(?:healthy|starting)$/.test(one.State.Health?.Status ?? ""),
    fault: (one) => (one.State = {}),
  },
  {
    number: "5.29",
    what: "has a limit of processes",
    holds: ({ HostConfig }) => (HostConfig.PidsLimit ?? 0) > 0,
    fault: (one) => (one.HostConfig.PidsLimit = null),
  },
  {
    number: "5.30",
    what: "is not on the engine's default network, but on one of its stack's",
    holds: ({ NetworkSettings: { Networks } }) => Object.keys(Networks).length > 0 && !("bridge" in Networks),
    fault: (one) => (one.NetworkSettings.Networks = { bridge: {} }),
  },
  {
    number: "5.31",
    what: "has the engine's user namespaces",
    holds: ({ HostConfig }) => HostConfig.UsernsMode === "",
    fault: (one) => (one.HostConfig.UsernsMode = "host"),
  },
  {
    number: "5.32",
    what: "has no socket of Docker's",
    holds: ({ Mounts }) => !Mounts.some(({ Source, Destination }) => /docker\.sock/.test(Source + Destination)),
    fault: (one) =>
      one.Mounts.push({ Type: "", Source: "/run/docker.sock", Destination: "/a", Propagation: "", RW: true }),
  },
  {
    number: "log",
    what: "has a log that does not grow for ever",
    holds: ({ HostConfig: { LogConfig } }) =>
      LogConfig.Type === "json-file" && LogConfig.Config["max-size"] === "10m" && LogConfig.Config["max-file"] === "3",
    fault: (one) => (one.HostConfig.LogConfig.Config = {}),
  },
];

/** What a container is not as it should be: numbers and words. */
export function faultsOf(container: Inspected): string[] {
  return checks.flatMap(({ number, what, holds }) => (holds(container) ? [] : `${number} ${what}`));
}

/** Of all running containers of a stack, what is not as it should be. */
export async function stackFaults(stackLabel: string): Promise<string[]> {
  const running = (await listContainers(stackLabel)).filter(({ state }) => state === "running");
  const [inspected, engine] = await Promise.all([
    docker("container", "inspect", ...running.map(({ id }) => id)),
    docker("info", "--format", "{{json .SecurityOptions}}"),
  ]);
  const found = JSON.parse(inspected) as (Omit<Inspected, "processes" | "engine"> & { readonly Id: string })[];
  const whole = await Promise.all(
    found.map(async (one) => {
      const [, ...rows] = (await docker("top", one.Id, "-eo", "uid,pid,args")).trim().split("\n");
      const processes = rows.map((row) => {
        const [uid = "", , ...command] = row.trim().split(/\s+/);
        return { uid, command: command.join(" ") };
      });
      return { ...one, processes, engine: JSON.parse(engine) as string[] };
    }),
  );
  return whole.flatMap((one) => faultsOf(one).map((fault) => `${one.Name}: ${fault}`));
}
