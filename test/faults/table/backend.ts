import { docker, tryDocker } from "../../../rollout/docker";
import { networksOf } from "../../../rollout/steps/networks";
import { unlessMemory } from "./balancer";
import type { Allowance, Fault } from "./fault";
import { inFlight } from "./load";
import { inNetworkOf, kill, processesOf, type Ward } from "./ward";

const group = "backend";

const sent = (most: number, silent = false): Allowance => ({
  // One that is silent ends no answer: that goes on, or is none.
  ...(!silent && { GET: ["truncated"] }),
  POST: ["wrong", "truncated"],
  most,
  why: silent
    ? "a POST that was already sent to the one that is silent is sent to no other"
    : "a POST that was already sent to the one that died is sent to no other; an answer of its own that had begun can't be begun anew",
});

/** Those under way, and the few by which nginx finds out again, every two seconds, that it is still silent. */
const silent = sent(10 * inFlight.POST, true);

/** An app that is told to end closes its kept connections, on one of which a request may just be coming. */
export const ending: Allowance = {
  POST: ["wrong"],
  most: inFlight.POST,
  why: "a POST may have reached the one that ends on a connection that it closes just then, and is sent to no other",
};

const fixture = (does: string) => (ward: Ward) => ward.tell("alpha-0", does);

const drop = ["OUTPUT", "!", "--out-interface", "lo", "--protocol", "tcp", "--sport", "5000"];
const answersOnly = ["--tcp-flags", "PSH", "PSH", "--jump", "DROP"];

/** Has a backend come back at another address: its own is another container's by then. */
export async function restartElsewhere(ward: Ward): Promise<void> {
  const id = await ward.container("alpha-0");
  const [network = ""] = await networksOf(id);
  const { pythonImage } = await ward.stack.baseImages();
  await docker("stop", id);
  await docker("run", "--detach", "--name", squatter(ward), "--network", network, pythonImage, "sleep", "600");
  await docker("start", id);
}

const squatter = (ward: Ward) => `${ward.stack.name}-squatter`;

export const endSquatter = async (ward: Ward) => tryDocker("rm", "--force", squatter(ward));

export const backendFaults: readonly Fault[] = [
  {
    group,
    name: "killed (SIGKILL)",
    inject: async (ward) => kill(await ward.container("alpha-0")),
    allowed: sent(inFlight.POST),
  },
  {
    group,
    name: "frozen (SIGSTOP of its processes)",
    async inject(ward) {
      for (const { pid } of await processesOf(await ward.container("alpha-0"))) process.kill(pid, "SIGSTOP");
    },
    heal: "up",
    allowed: silent,
  },
  {
    group,
    name: "docker pause",
    inject: async (ward) => docker("pause", await ward.container("alpha-0")),
    lasts: 8,
    heal: "up",
    allowed: silent,
  },
  {
    group,
    name: "its worker killed for its memory (OOM)",
    cannot: unlessMemory,
    // Nobody answers that request.
    inject: async (ward) => fixture("eat")(ward).catch(() => undefined),
    allowed: sent(inFlight.POST),
  },
  {
    group,
    name: "docker stop",
    inject: async (ward) => docker("stop", await ward.container("alpha-0")),
    heal: "up",
    allowed: ending,
  },
  {
    group,
    name: "docker rm --force",
    inject: async (ward) => docker("rm", "--force", "--volumes", await ward.container("alpha-0")),
    heal: "up --refresh",
    allowed: sent(inFlight.POST),
  },
  {
    group,
    name: "one of each app restarted, in the other order",
    async inject(ward) {
      const ids = [await ward.container("alpha-0"), await ward.container("beta-0")];
      await docker("stop", ...ids);
      for (const id of ids.reverse()) await docker("start", id);
    },
    allowed: { ...ending, most: 2 * inFlight.POST },
  },
  {
    group,
    name: "restarted, and at another address afterwards",
    inject: restartElsewhere,
    mend: endSquatter,
    allowed: ending,
  },
  {
    group,
    name: "taken off its network, by hand",
    async inject(ward) {
      const id = await ward.container("alpha-0");
      const [network = ""] = await networksOf(id);
      await docker("network", "disconnect", "--force", network, id);
    },
    lasts: 8,
    heal: "up",
    allowed: silent,
  },
  {
    group,
    name: "answers 500 to all",
    inject: fixture("fail"),
    heal: "up",
    allowed: { GET: ["wrong"], POST: ["wrong"], why: "what an app answers is its answer: nobody else is asked" },
  },
  {
    group,
    name: "accepts and never answers (its packets dropped)",
    inject: async (ward) =>
      inNetworkOf(await ward.container("alpha-0"), "iptables", "--insert", ...drop, ...answersOnly),
    lasts: 10,
    mend: async (ward) =>
      inNetworkOf(await ward.container("alpha-0"), "iptables", "--delete", ...drop, ...answersOnly).catch(
        () => undefined,
      ),
    allowed: silent,
  },
  {
    group,
    name: "resets each connection after half a body",
    inject: fixture("half"),
    lasts: 5,
    mend: async (ward) => fixture("")(ward).catch(() => undefined),
    allowed: {
      GET: ["truncated"],
      POST: ["truncated"],
      why: "an answer that its client has begun to get can't be taken back",
    },
  },
];
