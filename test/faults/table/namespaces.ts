import { spawn } from "node:child_process";
import { open, readdir, readlink, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { lastWords, run } from "../../../lib/process";

/** Two ends of a cable, in a network that is kept for such (RFC 5737). */
const [outer, inner] = ["198.51.100.201", "198.51.100.202"];

/** What this host's firewall has to let through. */
const rules = (name: string) => [
  ["nat", "POSTROUTING", "--source", `${inner}/32`, "--jump", "MASQUERADE"],
  ["filter", "FORWARD", "--in-interface", name, "--jump", "ACCEPT"],
  ["filter", "FORWARD", "--out-interface", name, "--jump", "ACCEPT"],
];

async function changeRules(name: string, how: "--insert" | "--delete"): Promise<void> {
  for (const [table = "", ...rule] of rules(name)) await run("iptables", ["--wait", "--table", table, how, ...rule]);
}

/**
 * Makes a network namespace that reaches out by way of this host.
 *
 * @param name of the namespace, and of the cable's end on this host: at most 15 letters
 */
export async function makeNetwork(name: string): Promise<void> {
  await succeed("ip", "netns", "add", name);
  await succeed("ip", "link", "add", name, "type", "veth", "peer", "name", "out", "netns", name);
  await succeed("ip", "address", "add", `${outer}/30`, "dev", name);
  await succeed("ip", "link", "set", name, "up");
  const setUp = `ip address add ${inner}/30 dev out; ip link set out up; ip link set lo up; ip route add default via ${outer}
    sysctl -qw net.ipv4.ip_forward=1`;
  await succeed("ip", "netns", "exec", name, "sh", "-ec", setUp);
  await succeed("sysctl", "-qw", "net.ipv4.ip_forward=1");
  await changeRules(name, "--insert");
}

/** Removes what there is of it. */
export async function removeNetwork(name: string): Promise<void> {
  await changeRules(name, "--delete");
  await run("ip", ["netns", "delete", name]);
  await run("ip", ["link", "delete", name]);
}

/** The processes that see the same mounts as one, without it. */
export async function sharingMountsOf(pid: number): Promise<number[]> {
  const mountsOf = async (process: string) => readlink(`/proc/${process}/ns/mnt`).catch(() => undefined);
  const [wanted, names] = await Promise.all([mountsOf(String(pid)), readdir("/proc")]);
  const others = names.filter((name) => /^\d+$/.test(name) && Number(name) !== pid);
  const found = await Promise.all(
    others.map(async (name) => ((await mountsOf(name)) === wanted ? [Number(name)] : [])),
  );
  return wanted === undefined ? [] : found.flat();
}

/** Folders of a control group, by any controller. */
export async function groupsOf(name: string): Promise<string[]> {
  const root = "/sys/fs/cgroup";
  const folders = [join(root, name), ...(await readdir(root)).map((controller) => join(root, controller, name))];
  const found = await Promise.all(folders.map(async (folder) => readdir(folder).then(() => [folder]).catch(() => []))); // prettier-ignore
  return found.flat();
}

/** Removes a group that has no processes any more, and those in it. */
export async function removeGroups(name: string): Promise<void> {
  const removeAll = async (folder: string): Promise<void> => {
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => []))
      if (entry.isDirectory()) await removeAll(join(folder, entry.name));
    await rmdir(folder).catch(() => undefined);
  };
  for (const folder of await groupsOf(name)) await removeAll(folder);
}

/** Starts a program that outlives this one, with a file for what it says; gives its id. */
export async function startLogged([program = "", ...args]: readonly string[], log: string): Promise<number> {
  const file = await open(log, "a");
  try {
    const child = spawn(program, args, { detached: true, stdio: ["ignore", file.fd, file.fd] });
    await new Promise((resolve, reject) => child.on("spawn", resolve).on("error", reject));
    child.unref();
    return child.pid ?? 0;
  } finally {
    await file.close();
  }
}

/** Runs a program; one that fails is an error with its words. */
export async function succeed(program: string, ...args: string[]): Promise<string> {
  const ended = await run(program, args);
  if (ended.outcome !== "succeeded") throw new Error(`${program} ${args[0]} ${ended.outcome}: ${lastWords(ended)}`);
  return ended.stdout;
}
