import { doorFolder } from "../../model/layout";
import { BalancerShell } from "../../rollout/runtime/shell";
import { docker } from "../../rollout/docker";
import { interleave, type Part } from "../part";
import { backendPort, ourConfig, proxyPort } from "./configs";
import { buildImages, type TrafficImages } from "./images";
import { Lab, type Server } from "./lab";
import { mostRate, throughput, type Target } from "./load";
import { nginx, proxy, staticBackend } from "./servers";
import { aroundMoments } from "./latency";
import { loadEstimate, loadTurns, planOf } from "./throughput";

const door = `${doorFolder}/bench.sock`;
const connections = 64;
const unit = "ms, p99";

/** Part of the most that it bears: at more, what Docker itself does with a container that ends takes the processors away. */
const loadShare = 4;

const start = 'exec nginx -c /bench/nginx.conf -g "daemon off;"';
const startBehindEntry = `exec s6-fdholder-retrieve ${door} listen sh -c 'exec 3<&0 </dev/null; NGINX="3;" ${start}'`;

/** nginx that starts when it's told to: with the socket that the entry keeps, or, as one that serves nobody, with its own. */
function waiting(
  name: string,
  command: string,
  hosts: readonly string[],
  images: TrafficImages,
  options: readonly string[],
): Server {
  const { files } = nginx(ourConfig(hosts), images);
  const wait = "until [ -e /tmp/nginx/serve ]; do sleep 0.05; done";
  return {
    name,
    image: images.balancer,
    options,
    ...(files && { files }),
    command: ["sh", "-c", `${wait}; ${command}`],
  };
}

interface Waiting {
  readonly shell: BalancerShell;
  readonly begin: () => Promise<unknown>;
  readonly end: () => Promise<unknown>;
  readonly ended: () => Promise<unknown>;
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
      name: "entry-joined",
      what: "the second after another nginx has begun to serve / the second before, at a quarter of the load",
      over: ["joined", "steady"],
      unit,
      goal: { atMost: 1.3 },
    },
    {
      name: "entry-drained",
      what: "the second after the one before it has begun to drain, and its container to end / the second before both",
      over: ["drained", "steady"],
      unit,
      goal: { atMost: 1.3 },
    },
    {
      name: "entry-joined-limit",
      what: "the same where that nginx serves nobody: what it costs to start one on these processors",
      over: ["other joined", "other steady"],
      unit,
    },
    {
      name: "entry-drained-limit",
      what: "the same where it has served nobody: what Docker does with a container that ends",
      over: ["other drained", "other steady"],
      unit,
    },
  ],
  estimate: (scale) => loadEstimate(scale, 5) + (scale.tiny ? 20 : scale.rounds * loadTurns(scale) * 20),
  run: (context) =>
    Lab.with(async (lab) => {
      const images = await buildImages(context);
      const hosts = ["static-1", "static-2"];
      await lab.start(hosts.map((name) => staticBackend(name, images)), backendPort); // prettier-ignore
      const variables = ["--env=ENTRY_ID=bench", `--env=LISTEN_PORT=${proxyPort}`];
      const options = [...variables, `--volume=${await lab.volume("door")}:${doorFolder}`];
      const entry: Server = { name: "entry", image: images.entry, options, publish: proxyPort, memoryMb: 32 };
      await lab.start([entry, proxy("ours", hosts, images, { publish: proxyPort })], proxyPort);
      let count = 0;
      const ready = async (command: string): Promise<Waiting> => {
        const name = `nginx-${++count}`;
        await lab.run(waiting(name, command, hosts, images, options));
        // Open before: to start a process in a container takes more of the machine than nginx.
        const shell = new BalancerShell(lab.container(name));
        await shell.read("mkdir -p /tmp/nginx");
        return {
          shell,
          begin: () => shell.read("touch /tmp/nginx/serve; until [ -S /tmp/nginx/control.sock ]; do sleep 0.05; done"),
          // With it ends the shell, which may have no time to say so.
          end: () => shell.run("kill -QUIT 1").catch(() => undefined),
          ended: () => docker("wait", lab.container(name)),
        };
      };
      let serving = await ready(startBehindEntry);
      await serving.begin();

      const target = (place: string, port: number): Target => ({ lab, tools: images.peers, place, port });
      const targets = {
        entry: target("host", await lab.publishedPort("entry", proxyPort)),
        published: target("host", await lab.publishedPort("ours", proxyPort)),
        "entry, inside": target("entry", proxyPort),
        "published, inside": target("ours", proxyPort),
      };
      const through = targets["entry, inside"];
      const rate = context.tiny ? 100 : (await mostRate(through, { connections, seconds: 4 })) / loadShare;
      const replacement = async () => {
        const next = await ready(startBehindEntry);
        const before = serving;
        serving = next;
        return around("", next, before);
      };
      const bystander = async () => {
        const other = await ready(start);
        return around("other ", other, other);
      };
      const around = async (prefix: string, next: Waiting, before: Waiting) => {
        try {
          const latencies = await aroundMoments(through, rate, prefix, { joined: next.begin, drained: before.end });
          await before.ended();
          return latencies;
        } finally {
          before.shell.close();
        }
      };
      const most = (side: keyof typeof targets) => async () => {
        const { rate: requests, failures } = await throughput(targets[side], planOf(context, connections));
        if (failures !== undefined) context.note(`${side}: ${failures}`);
        return { [side]: requests };
      };
      const sides = {
        entry: most("entry"),
        published: most("published"),
        "entry, inside": most("entry, inside"),
        "published, inside": most("published, inside"),
        replacement,
        bystander,
      };
      const names = Object.keys(sides) as (keyof typeof sides)[];
      try {
        return await interleave<keyof typeof sides>(names, context, (side) => sides[side](), loadTurns(context));
      } finally {
        serving.shell.close();
      }
    }),
};
