import { performance } from "node:perf_hooks";
import { topologyOf } from "../../model/topology";
import { BalancerShell } from "../../rollout/runtime/shell";
import { reload } from "../../rollout/steps/reload";
import { interleave, type Part } from "../part";
import { median } from "../statistics";
import { backendOf, backendPort, ourSettings, textOf, tlsPort } from "./configs";
import { buildImages, type TrafficImages } from "./images";
import { Lab, type Server } from "./lab";
import { memoryMb } from "./pool";
import { nginx, staticBackend } from "./servers";
import { certifiedFor, filesOf, tlsWith, withFiles, type Certified } from "./tls-servers";

const backends = ["static-1", "static-2"];
const domain = "bench.example";

/** Reloads of a turn; the median counts. */
const reloads = 5;

/** Two backends of a site's own: names of the two that there are. */
const aliasesOf = (site: number): string[] => backends.map((backend) => `${backend}-${site}`);

/** So many sites, each with a name, an app and two backends of its own, all with TLS. */
function sites(count: number, images: TrafficImages, certified: Certified): Server {
  const numbers = Array.from({ length: count }, (_, index) => index + 1);
  const apps = numbers.map((site) => ({
    name: `site-${site}`,
    image: "bench",
    count: 2,
    hosts: [`site-${site}.${domain}`],
  }));
  const servers = numbers.flatMap((site) =>
    aliasesOf(site).map((name) => ({ app: `site-${site}`, ...backendOf(name) })),
  );
  const settings = ourSettings({ apps: JSON.stringify(apps) });
  const config = textOf({ ...topologyOf(settings, servers), tls: tlsWith(certified) });
  const server = nginx(withFiles(config, certified), images);
  return { ...server, name: `sites-${count}`, files: { ...server.files, ...filesOf(certified) } };
}

/** What hundreds of sites cost. */
export const sitesPart: Part = {
  name: "sites",
  title: "200 sites with TLS",
  ratios: [
    {
      name: "sites-reload",
      what: "a reload until only workers of it answer: 200 sites with 2 backends each / 1 site",
      over: ["200 sites", "1 site"],
      unit: "ms",
      goal: { atMost: 1.5 },
    },
    {
      name: "sites-memory",
      what: "memory of the balancer after reloads: 200 sites / 1 site",
      over: ["memory with 200 sites", "memory with 1 site"],
      unit: "MiB",
    },
  ],
  estimate: ({ rounds, tiny }) => (tiny ? 10 : 20 + rounds * 20),
  run: (context) =>
    Lab.with(async (lab) => {
      const images = await buildImages(context);
      const counts = { "1 site": 1, "200 sites": context.tiny ? 3 : 200 };
      const numbers = Array.from({ length: counts["200 sites"] }, (_, index) => index + 1);
      const servers = backends.map((name, at) => ({
        ...staticBackend(name, images),
        aliases: numbers.map((site) => aliasesOf(site)[at] ?? ""),
      }));
      await lab.start(servers, backendPort);
      const certified = await certifiedFor([`*.${domain}`]);
      const balancers = Object.values(counts).map((count) => sites(count, images, certified));
      await lab.start(balancers, tlsPort);
      const measure = async (side: keyof typeof counts) => {
        const container = lab.container(`sites-${counts[side]}`);
        const times = await reloadTimes(container, context.tiny ? 1 : reloads);
        return { [side]: median(times), [`memory with ${side}`]: await memoryMb(container) };
      };
      return interleave(Object.keys(counts) as (keyof typeof counts)[], context, measure, context.tiny ? 1 : 2);
    }),
};

/** Milliseconds from the signal until all workers that take connections are new, and one of them has answered. */
async function reloadTimes(container: string, count: number): Promise<number[]> {
  const shell = new BalancerShell(container);
  try {
    const id = (await shell.read("head -n 2 /bench/nginx.conf | tail -n 1")).trim().split(" ").at(-1);
    const times: number[] = [];
    while (times.length < count) {
      const start = performance.now();
      await reload(shell, id);
      times.push(performance.now() - start);
    }
    return times;
  } finally {
    shell.close();
  }
}
