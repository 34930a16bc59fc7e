import { setTimeout as pause } from "node:timers/promises";
import { until } from "../../../lib/until";
import { docker, tryDocker } from "../../../rollout/docker";
import { rollTo } from "./engine";
import { deaths } from "./balancer";
import type { Fault } from "./fault";
import { inFlight } from "./load";
import { engineOf, unlessOwnEngine } from "./host";
import { Heavy } from "./heavy";
import { limitMemory, memoryOf } from "./memory";
import { succeed } from "./namespaces";
import { inNetworkOf, wordsOf, type Ward } from "./ward";

const group = "host";

const toDns = ["OUTPUT", "--destination", "127.0.0.11", "--jump", "DROP"];

/** An update that has to fail, since there is no room. */
async function failsFor(ward: Ward, run: { readonly code: number | null; readonly output: string }): Promise<void> {
  if (run.code === 0) throw new Error("an update was to fail on a full disk");
  if (!/no space left|ENOSPC|disk/i.test(run.output)) throw new Error(`it failed otherwise: ${wordsOf(run.output)}`);
  ward.said.push(wordsOf(run.output));
}

const mebibyte = 2 ** 20;
const hog = (ward: Ward) => `${ward.stack.name}-hog`;

/** How often the kernel has killed in the stack's own containers, together. */
async function deathsOf(ward: Ward): Promise<number> {
  const { balancer, backend } = await ward.roles();
  const counts = await Promise.all([...balancer, ...backend].map(deaths));
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Somebody else's container takes all the memory that there is, and again as often as the kernel ends it. */
async function eatMemory(ward: Ward): Promise<void> {
  const folder = await engineOf(ward).cgroup("memory");
  const before = await deathsOf(ward);
  await limitMemory(folder, (await memoryOf(folder)) + 160 * mebibyte);
  const eats = "import time\nall = []\nwhile True:\n  all.append(bytes([1]) * 2**22)\n  time.sleep(0.01)";
  const { pythonImage } = await ward.stack.baseImages();
  await docker("run", "--detach", "--restart", "always", "--name", hog(ward), pythonImage, "python3", "-c", eats);
  await until(
    "the kernel has ended it 5 times",
    60,
    async () => Number(await docker("inspect", "--format", "{{.RestartCount}}", hog(ward))) >= 5,
  );
  ward.said.push(`The kernel has ended ${(await deathsOf(ward)) - before} processes of the stack's own.`);
}

const tables = ["PREROUTING", "OUTPUT"] as const;
const newFlows = ["--match", "conntrack", "--ctstate", "NEW", "--jump", "DROP"];
const changeFlows = async (how: "--insert" | "--delete") => {
  for (const table of tables) await succeed("iptables", "--wait", "--table", "mangle", how, table, ...newFlows);
};

/** What the host runs out of, or loses for a while. */
export const scarcityFaults: readonly Fault[] = [
  {
    group,
    name: "Docker's DNS silent for 5 s, for the balancer",
    inject: async (ward) => inNetworkOf(await ward.container("balancer"), "iptables", "--insert", ...toDns),
    lasts: 5,
    mend: async (ward) =>
      inNetworkOf(await ward.container("balancer"), "iptables", "--delete", ...toDns).catch(() => undefined),
  },
  {
    group,
    name: "the disk full while it serves, large bodies and slow readers beside it",
    cannot: unlessOwnEngine,
    async inject(ward) {
      await engineOf(ward).fillDisk();
      const heavy = new Heavy(ward.url);
      // Docker looks at the containers' health meanwhile, and writes down what it sees.
      await pause(15_000);
      const { bodies, answers } = await heavy.stop();
      ward.said.push(`Bodies of 300 kB: ${bodies}. Answers of 16 MB: ${answers}.`);
    },
    mend: (ward) => engineOf(ward).freeDisk(),
  },
  {
    group,
    name: "the disk full, and an update",
    cannot: unlessOwnEngine,
    async inject(ward) {
      await engineOf(ward).fillDisk();
      await ward.write("alpha");
      await failsFor(ward, await ward.up());
    },
    lasts: 2,
    mend: (ward) => engineOf(ward).freeDisk(),
    heal: "up",
  },
  {
    group,
    name: "the disk filled as an update installs",
    cannot: unlessOwnEngine,
    async inject(ward) {
      const run = await rollTo(ward, "alpha", { after: /Command balancer-installed updating/, milliseconds: 0 });
      await engineOf(ward).fillDisk();
      await failsFor(ward, await run.ended);
    },
    lasts: 2,
    mend: (ward) => engineOf(ward).freeDisk(),
    heal: "up --refresh",
  },
  {
    group,
    name: "the host's memory is taken by another container",
    cannot: unlessOwnEngine,
    inject: eatMemory,
    allowed: {
      POST: ["wrong"],
      most: 4 * inFlight.POST,
      why: "a POST that was already sent to a backend's process that the kernel has ended in that one's place is sent to no other",
    },
    async mend(ward) {
      await tryDocker("rm", "--force", hog(ward));
      await limitMemory(await engineOf(ward).cgroup("memory"), undefined);
    },
  },
  {
    group,
    name: "conntrack's table full for 5 s: new flows dropped",
    cannot: unlessOwnEngine,
    inject: () => changeFlows("--insert"),
    lasts: 5,
    mend: () => changeFlows("--delete").catch(() => undefined),
  },
];
