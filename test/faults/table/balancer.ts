import { connect, type Socket } from "node:net";
import { until } from "../../../lib/until";
import { currentRelease } from "../../../model/layout";
import { docker } from "../../../rollout/docker";
import { networksOf } from "../../../rollout/steps/networks";
import { takePort } from "../../e2e/stack";
import { answers } from "../patient";
import type { Allowance, Fault } from "./fault";
import { hostOf, inFlight } from "./load";
import { kill, processesOf, type Ward } from "./ward";

const group = "balancer";

/** All that can be under way at a balancer at once: both apps' requests, at both ports. */
const most = 2 * (inFlight.GET + inFlight.POST);

const cut = (most: number): Allowance => ({
  GET: ["reset", "truncated", "refused"],
  POST: ["reset", "truncated", "refused"],
  most,
  why: "what is under way in an nginx ends with it (a handshake of TLS as “refused”)",
});

/** Only for an engine that limits containers' memory. */
export const unlessMemory = async () =>
  (await docker("info", "--format", "{{.MemoryLimit}}")).trim() === "true"
    ? undefined
    : "the engine limits no container's memory";

/** How often the kernel has killed in a container for its memory. */
export async function deaths(container: string): Promise<number> {
  const files = "/sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control";
  const text = await docker("exec", container, "sh", "-c", `cat ${files} 2>/dev/null || true`);
  return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
}

/** Another plain port; the clients move as soon as it answers. */
async function movePort(ward: Ward, port: number): Promise<void> {
  await ward.stack.configure({ port });
  const update = ward.upOk();
  const url = `http://127.0.0.1:${port}`;
  const isAnswered = async () => /^status|^$/.test((await answers(url, 0.3)) ?? "");
  await Promise.race([update, until(`${url} answers`, 60, isAnswered)]);
  await ward.load.move(url);
  await update;
}

export const balancerFaults: readonly Fault[] = [
  {
    group,
    name: "replaced for another image, by an update",
    async inject(ward) {
      await ward.stack.configure({ nginxImage: await ward.otherImage() });
      await ward.upOk();
    },
  },
  {
    group,
    name: "replaced without a change (up --replace)",
    inject: async (ward) => ward.upOk("--replace", ...(await ward.stack.urns(/::balancer-nginx$/))),
  },
  {
    group,
    name: "published at another port, and back again",
    async inject(ward) {
      await movePort(ward, takePort());
      await movePort(ward, ward.stack.port);
    },
  },
  {
    group,
    name: "its memory limit changed, by an update",
    async inject(ward) {
      for (const balancerMemoryMb of [512, 2048]) {
        await ward.stack.configure({ balancerMemoryMb });
        await ward.upOk();
      }
    },
  },
  {
    group,
    name: "docker restart",
    inject: async (ward) => docker("restart", await ward.container("balancer")),
  },
  {
    group,
    name: "killed (SIGKILL)",
    inject: async (ward) => kill(await ward.container("balancer")),
    allowed: cut(most),
  },
  {
    group,
    name: "one of its nginx workers killed (SIGKILL)",
    async inject(ward) {
      const processes = await processesOf(await ward.container("balancer"));
      const worker = processes.find(({ args }) => args.startsWith("nginx: worker process"));
      if (worker === undefined) throw new Error("nginx has no worker");
      process.kill(worker.pid, "SIGKILL");
    },
    allowed: cut(most),
  },
  {
    group,
    name: "a worker killed for its memory (OOM)",
    cannot: unlessMemory,
    async inject(ward) {
      const balancer = await ward.container("balancer");
      const before = await deaths(balancer);
      const { hostname, port } = new URL(ward.url);
      const uploads: Socket[] = [];
      await docker("update", "--memory", "24m", "--memory-swap", "24m", balancer);
      // Bodies that do not end lie in memory.
      for (let count = 0; count < 400; count++) {
        const upload = connect(Number(port), hostname).on("error", () => undefined);
        upload.write(
          `POST /echo HTTP/1.1\r\nHost: ${hostOf("alpha")}\r\nContent-Length: 130000\r\n\r\n${"x".repeat(120_000)}`,
        );
        uploads.push(upload);
      }
      try {
        await until("the kernel kills for memory", 30, async () => (await deaths(balancer).catch(() => 0)) > before);
      } finally {
        for (const upload of uploads) upload.destroy();
        await docker("update", "--memory", "1g", "--memory-swap", "1g", balancer);
      }
    },
    // The kernel may kill several before the limit is lifted again.
    allowed: cut(8 * most),
  },
  {
    group,
    name: "its configuration deleted on its volume, by hand",
    inject: async (ward) =>
      docker("exec", await ward.container("balancer"), "sh", "-c", `rm -rf ${currentRelease}/* ${currentRelease}`),
    heal: "up",
  },
  {
    group,
    name: "taken off the network of an app, by hand",
    async inject(ward) {
      const [network = ""] = await networksOf(await ward.container("alpha-0"));
      await docker("network", "disconnect", network, await ward.container("balancer"));
    },
    heal: "up",
    allowed: {
      GET: ["wrong", "truncated", "timedOut"],
      POST: ["wrong", "truncated", "timedOut"],
      why: "no backend of this app's can be reached until an update has put it back",
    },
  },
  {
    group,
    name: "the entry of the plain port killed (SIGKILL)",
    inject: async (ward) => kill(await ward.container("entry")),
    allowed: {
      GET: ["refused", "reset", "truncated"],
      POST: ["refused", "reset", "truncated"],
      why: "nothing has the port until Docker has started it again",
    },
  },
];
