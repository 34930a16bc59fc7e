import { docker } from "../../rollout/docker";
import { startLoad } from "../../scripts/load/load";
import { interleave, type Part } from "../part";
import { backendPort, proxyPort } from "./configs";
import { buildImages } from "./images";
import { Lab } from "./lab";
import { throughput } from "./load";
import { proxy, staticBackend } from "./servers";
import { loadEstimate, loadTurns, planOf } from "./throughput";

/** What a pool of the largest size costs the balancer, and what it costs the machine that its backends share, too. */
export const poolPart: Part = {
  name: "pool",
  title: "A pool of 200 backends",
  ratios: [
    {
      name: "pool-throughput",
      what: "ours before 200 backends / before 2",
      over: ["200 backends", "2 backends"],
      unit: "requests/s",
      goal: { atLeast: 0.9 },
    },
    {
      name: "pool-names",
      what: "ours with 200 servers that are names of 2 backends / before 2: what is the balancer's own",
      over: ["200 names", "2 backends"],
      unit: "requests/s",
    },
    {
      name: "pool-memory",
      what: "memory of our balancer before 200 backends / before 2",
      over: ["memory before 200 backends", "memory before 2 backends"],
      unit: "MiB",
    },
  ],
  estimate: ({ rounds, tiny }) => (tiny ? 15 : 85 + loadEstimate({ rounds, tiny }, 3)),
  run: (context) =>
    Lab.with(async (lab) => {
      const images = await buildImages(context);
      const hosts = Array.from({ length: context.tiny ? 4 : 200 }, (_, index) => `static-${index + 1}`);
      context.status(`starting ${hosts.length} backends`);
      const shared = ["shared-1", "shared-2"].map((name) => ({
        ...staticBackend(name, images),
        aliases: hosts.slice(0, hosts.length / 2).map((host) => `${name}-${host}`),
      }));
      await lab.start([...hosts.map((name) => staticBackend(name, images)), ...shared], backendPort);
      const pools = {
        "2 backends": hosts.slice(0, 2),
        "200 backends": hosts,
        "200 names": shared.flatMap(({ aliases }) => aliases),
      };
      const servers = Object.values(pools).map((pool, index) => proxy("ours", pool, images, { name: `ours-${index}` }));
      await lab.start(servers, proxyPort);
      const plan = planOf(context, 64);
      const names = Object.keys(pools);
      const measure = async (name: string) => {
        const place = `ours-${names.indexOf(name)}`;
        const { rate, failures } = await throughput({ lab, tools: images.peers, place, port: proxyPort }, plan);
        if (failures !== undefined) context.note(`${name}: ${failures}`);
        return { [name]: rate, [`memory before ${name}`]: await memoryMb(lab.container(place)) };
      };
      return interleave(names, context, measure, loadTurns(context));
    }),
};

/** How evenly requests are dealt to backends that are all alike. */
export const spreadPart: Part = {
  name: "spread",
  title: "Spread over equal backends",
  ratios: [
    {
      name: "spread",
      what: "requests of the backend with most / with fewest, 10 equal backends",
      over: ["most", "fewest"],
      unit: "requests",
      goal: { atMost: 1.01 },
    },
  ],
  estimate: ({ rounds }) => 10 + rounds * 5,
  run: (context) =>
    Lab.with(async (lab) => {
      const images = await buildImages(context);
      const hosts = Array.from({ length: context.tiny ? 2 : 10 }, (_, index) => `static-${index + 1}`);
      await lab.start(
        hosts.map((name) => staticBackend(name, images)),
        backendPort,
      );
      await lab.start([proxy("ours", hosts, images, { publish: proxyPort })], proxyPort);
      const url = `http://127.0.0.1:${await lab.publishedPort("ours", proxyPort)}`;
      return interleave(["ours"], context, async () => {
        const counts = await requestsByBackend(url, context.tiny ? 100 : 10_000);
        const shares = hosts.map((host) => counts[host] ?? 0);
        return { most: Math.max(...shares), fewest: Math.min(...shares) };
      });
    }),
};

/** Sends requests over 16 kept connections and counts them by the backend that answered. */
async function requestsByBackend(url: string, requests: number): Promise<Readonly<Record<string, number>>> {
  const load = startLoad({
    url,
    maxSeconds: 120,
    maxRequests: requests,
    profiles: [
      {
        name: "GET",
        method: "GET",
        path: "/",
        keepAlive: true,
        clients: 16,
        tag: ({ headers }) => String(headers["x-backend"]),
      },
    ],
  });
  await load.ended;
  const account = load.account();
  if (account.lost > 0 || account.answered !== requests)
    throw new Error(`${account.answered} of ${requests} requests were answered: ${JSON.stringify(account.losses)}`);
  return account.byTag;
}

/** The memory of a container as its control group counts it, without the cache of files. */
export async function memoryMb(container: string): Promise<number> {
  const usage = await docker("stats", "--no-stream", "--format", "{{.MemUsage}}", container);
  const [, value, unit] = /^([\d.]+)(KiB|MiB|GiB)/.exec(usage) ?? [];
  const factors: Record<string, number> = { KiB: 1 / 1024, MiB: 1, GiB: 1024 };
  const factor = factors[unit ?? ""];
  if (factor === undefined) throw new Error(`docker stats printed no memory: ${usage}`);
  return Number(value) * factor;
}
