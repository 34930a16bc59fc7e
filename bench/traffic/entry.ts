import { doorFolder } from "../../model/layout";
import { BalancerShell } from "../../rollout/runtime/shell";
import { interleave, type Part } from "../part";
import { backendPort, ourConfig, proxyPort } from "./configs";
import { buildImages, type TrafficImages } from "./images";
import { Lab, type Server } from "./lab";
import { mostRate, throughput, type Target } from "./load";
import { nginx, proxy, staticBackend } from "./servers";
import { aroundMoment } from "./latency";
import { loadEstimate, loadTurns, planOf } from "./throughput";

const door = `${doorFolder}/bench.sock`;
const connections = 64;

/** Part of the most that it bears: at more, what Docker itself does with a container that ends takes the processors away. */
const loadShare = 4;

/** nginx with the socket that the entry keeps; with a gate, from when the file of that name is there. */
function behindEntry(
  name: string,
  hosts: readonly string[],
  images: TrafficImages,
  options: readonly string[],
): Server {
  const { files } = nginx(ourConfig(hosts), images);
  const start = `exec 3<&0 </dev/null; NGINX="3;" exec nginx -c /bench/nginx.conf -g "daemon off;"`;
  const wait = `until [ -e /tmp/nginx/serve ] && s6-fdholder-retrieve ${door} listen true; do sleep 0.05; done`;
  const command = `mkdir -p /tmp/nginx; ${wait}; exec s6-fdholder-retrieve ${door} listen sh -c '${start}'`;
  return { name, image: images.balancer, options, ...(files && { files }), command: ["sh", "-c", command] };
}

/** What it costs that another container has the port, and what the balancer's own replacement does. */
export const entryPart: Part = {
  name: "entry",
  title: "The entry",
  ratios: [
    {
      name: "entry-published",
      what: "through the entry / nginx publishes its port itself, both on 127.0.0.1",
      over: ["entry", "published"],
      unit: "requests/s",
      goal: { atLeast: 0.98 },
    },
    {
      name: "entry-inside",
      what: "the same, inside the containers' networks",
      over: ["entry, inside", "published, inside"],
      unit: "requests/s",
      goal: { atLeast: 0.98 },
    },
    {
      name: "entry-replacement",
      what: "the second after another nginx has begun to serve, and the first to drain / the second before, at a quarter of the load",
      over: ["replaced", "steady"],
      unit: "ms, p99",
      goal: { atMost: 1.3 },
    },
  ],
  estimate: (scale) => loadEstimate(scale, 5) + (scale.tiny ? 10 : scale.rounds * 9),
  run: (context) =>
    Lab.with(async (lab) => {
      const images = await buildImages(context);
      const hosts = ["static-1", "static-2"];
      await lab.start(hosts.map((name) => staticBackend(name, images)), backendPort); // prettier-ignore
      const options = ["--env=ENTRY_ID=bench", `--volume=${await lab.volume("door")}:${doorFolder}`];
      const entry: Server = { name: "entry", image: images.entry, options, publish: proxyPort, memoryMb: 32 };
      await lab.start([entry, proxy("ours", hosts, images, { publish: proxyPort })], proxyPort);
      const serve = async (name: string) => {
        await lab.run(behindEntry(name, hosts, images, options));
        const shell = new BalancerShell(lab.container(name));
        return { shell, begin: async () => shell.read("mkdir -p /tmp/nginx; touch /tmp/nginx/serve") };
      };
      let serving = await serve("first");
      await serving.begin();

      const target = (place: string, port: number): Target => ({ lab, tools: images.peers, place, port });
      const targets: Readonly<Record<string, Target>> = {
        entry: target("host", await lab.publishedPort("entry", proxyPort)),
        published: target("host", await lab.publishedPort("ours", proxyPort)),
        "entry, inside": target("entry", proxyPort),
        "published, inside": target("ours", proxyPort),
      };
      const through = targets["entry, inside"] as Target;
      const rate = context.tiny ? 100 : (await mostRate(through, { connections, seconds: 4 })) / loadShare;
      let count = 0;
      const replacement = async () => {
        const next = await serve(`next-${++count}`);
        await next.shell.read("true");
        const [steady, replaced] = await aroundMoment(through, rate, async () => {
          await next.begin();
          await next.shell.read(
            "until curl --silent --unix-socket /tmp/nginx/control.sock x >/tmp/out; do sleep 0.02; done",
          );
          await serving.shell.run("kill -QUIT 1");
        });
        serving.shell.close();
        serving = next;
        return { steady, replaced };
      };
      const measure = async (side: string) => {
        const load = targets[side];
        if (load === undefined) return replacement();
        const { rate: requests, failures } = await throughput(load, planOf(context, connections));
        if (failures !== undefined) context.note(`${side}: ${failures}`);
        return { [side]: requests };
      };
      try {
        return await interleave([...Object.keys(targets), "replacement"], context, measure, loadTurns(context));
      } finally {
        serving.shell.close();
      }
    }),
};
