import { setTimeout as pause } from "node:timers/promises";
import { BalancerShell } from "../../rollout/runtime/shell";
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

/** What belongs to a moment: the requests that are due within this time before and after it. */
const momentMs = 1000;

/**
 * The p99 of the second before a series of things that happen, as `<prefix>steady`, and of the second after each of them has
 * begun, as `<prefix><its name>`.
 */
export async function aroundMoments(
  target: Target,
  rate: number,
  prefix: string,
  happenings: Readonly<Record<string, () => Promise<unknown>>>,
): Promise<Record<string, number>> {
  const load = atRate(target, { connections, seconds: 4 + Object.keys(happenings).length }, rate);
  // What happens may fail first, and take the load with it.
  load.catch(() => undefined);
  await pause(2500);
  const moments: Record<string, number> = { steady: Date.now() - momentMs };
  for (const [name, happens] of Object.entries(happenings)) {
    const moment = (moments[name] = Date.now());
    await happens();
    await pause(moment + momentMs - Date.now());
  }
  const requests = await load;
  const p99 = (from: number) => percentile(within(requests, from, from + momentMs), 0.99);
  return Object.fromEntries(Object.entries(moments).map(([name, from]) => [prefix + name, p99(from)]));
}

/** How long answers take at half of the load that hand-tuned nginx can bear, and while nginx reloads. */
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
      what: "ours: the second after a reload / the second before, at half load",
      over: ["ours reloaded", "ours steady"],
      unit,
      goal: { atMost: 1.5 },
    },
    {
      name: "latency-reload-tuned",
      what: "the same of hand-tuned nginx: what a reload of nginx costs",
      over: ["tuned reloaded", "tuned steady"],
      unit,
    },
  ],
  estimate: ({ rounds, tiny }) => 15 + (tiny ? 20 : rounds * turns * 22),
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

      const steady = (kind: (typeof kinds)[number]) => async () => {
        const requests = await atRate(target(kind), { connections, seconds: context.tiny ? 1 : 4 }, rate);
        return { [kind]: percentile(requests, 0.99) };
      };
      const aroundReload = (kind: (typeof kinds)[number]) => async () => {
        // Open before: to start a process in a container takes more of the machine than the reload.
        const shell = new BalancerShell(lab.container(kind));
        try {
          await shell.read("true");
          return await aroundMoments(target(kind), rate, `${kind} `, { reloaded: () => shell.read("kill -HUP 1") });
        } finally {
          shell.close();
        }
      };
      const sides = {
        ours: steady("ours"),
        tuned: steady("tuned"),
        "ours, reload": aroundReload("ours"),
        "tuned, reload": aroundReload("tuned"),
      };
      const names = Object.keys(sides) as (keyof typeof sides)[];
      return interleave(names, context, (side) => sides[side](), context.tiny ? 1 : turns);
    }),
};

function within(requests: readonly TimedRequest[], from: number, to: number): TimedRequest[] {
  return requests.filter(({ sent }) => sent >= from && sent < to);
}
