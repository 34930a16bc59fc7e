import { setTimeout as pause } from "node:timers/promises";
import { docker } from "../../nginx/docker";
import { interleave, type Part } from "../part";
import { backendPort, proxyPort } from "./configs";
import { buildImages } from "./images";
import { Lab } from "./lab";
import { atRate, mostRate, percentile, type Target, type TimedRequest } from "./load";
import { proxy, staticBackend } from "./servers";

const connections = 64;
const unit = "ms, p99";

/** Turns of a round: two cores that are half busy have moments in which nothing is answered, whoever is asked. */
const turns = 3;

/** What belongs to a reload: the requests that are sent within this time after it. */
const reloadMs = 1000;

/** How long answers take at half of the load that hand-tuned nginx can bear, and while our nginx reloads. */
export const latencyPart: Part = {
  name: "latency",
  title: "Latency at half load",
  ratios: [
    {
      name: "latency-tuned",
      what: "ours / hand-tuned nginx at half load, static backends",
      over: ["ours", "tuned"],
      unit,
      goal: { atMost: 1 },
    },
    {
      name: "latency-reload",
      what: "the second after a reload / the second before, at half load",
      over: ["reload", "steady"],
      unit,
      goal: { atMost: 1.5 },
    },
  ],
  estimate: ({ rounds, tiny }) => 15 + (tiny ? 10 : rounds * turns * 15),
  run: (context) =>
    Lab.with(async (lab) => {
      const images = await buildImages(context);
      const hosts = ["static-1", "static-2"];
      await lab.start(
        hosts.map((name) => staticBackend(name, images)),
        backendPort,
      );
      const kinds = ["ours", "tuned"] as const;
      await lab.start(
        kinds.map((kind) => proxy(kind, hosts, images)),
        proxyPort,
      );
      const target = (place: string): Target => ({ lab, tools: images.peers, place, port: proxyPort });
      const rate = context.tiny ? 100 : (await mostRate(target("tuned"), { connections, seconds: 4 })) / 2;
      const seconds = context.tiny ? 1 : 4;

      const p99 = async (side: "ours" | "tuned") =>
        percentile(await atRate(target(side), { connections, seconds }, rate), 0.99);
      const aroundReload = async () => {
        const load = atRate(target("ours"), { connections, seconds: 5 }, rate);
        await pause(2500);
        const reloaded = Date.now();
        await docker("exec", lab.container("ours"), "sh", "-c", "kill -HUP 1");
        const requests = await load;
        return {
          steady: percentile(within(requests, reloaded - reloadMs, reloaded), 0.99),
          reload: percentile(within(requests, reloaded, reloaded + reloadMs), 0.99),
        };
      };
      return interleave(
        [...kinds, "reload"],
        context,
        async (side) => (side === "reload" ? aroundReload() : { [side]: await p99(side) }),
        context.tiny ? 1 : turns,
      );
    }),
};

function within(requests: readonly TimedRequest[], from: number, to: number): TimedRequest[] {
  return requests.filter(({ sent }) => sent >= from && sent < to);
}
