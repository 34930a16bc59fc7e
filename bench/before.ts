import { createRequire } from "node:module";
import { join } from "node:path";
import { takeTurn, type Turn } from "./changes/lifecycle";
import { Ours } from "./changes/ours";
import type { Side } from "./changes/side";
import { measureSides, seriesName } from "./changes/sides";
import { interleave, type Part, type Ratio } from "./part";
import { backendPort, ourConfig, proxyPort } from "./traffic/configs";
import { buildImages } from "./traffic/images";
import { Lab } from "./traffic/lab";
import { atRate, mostRate, percentile, throughput, type Target } from "./traffic/load";
import { nginx, staticBackend } from "./traffic/servers";
import { loadEstimate, loadTurns, planOf } from "./traffic/throughput";
import { docker } from "../rollout/docker";

/** A change of this program is not to make it slower by more than runs of one version differ. */
const noSlower = { atMost: 1.05 };

const ratio = (what: string, unit: string, meaning = what): Ratio => ({
  name: `before-${what.replaceAll(" ", "-")}`,
  what: `now / before: ${meaning}`,
  over: [seriesName("now", what), seriesName("before", what)],
  unit,
  goal: noSlower,
});

/** What is compared with another checkout of this program, say that of the last version, in one run. */
export function partsBefore(folder: string): Part[] {
  const load = createRequire(__filename);
  const before = <T>(path: string) => load(join(folder, path)) as T;
  return [
    trafficPart(() => before<{ ourConfig: typeof ourConfig }>("bench/traffic/configs").ourConfig),
    changesPart(() => before<{ Ours: typeof Ours }>("bench/changes/ours").Ours),
  ];
}

const hosts = ["static-1", "static-2"];

/** What each version's nginx makes of the same load. */
function trafficPart(configOf: () => typeof ourConfig): Part {
  return {
    name: "traffic-before",
    title: "Traffic, beside another version",
    ratios: [
      ratio("request", "µs", "time for each request of 64 connections"),
      ratio("cpu", "µs", "nginx's time on the processor for each of them"),
      ratio("p99", "ms", "p99 at half load"),
    ],
    estimate: (scale) => 2 * loadEstimate(scale, 2),
    run: (context) =>
      Lab.with(async (lab) => {
        const images = await buildImages(context);
        await lab.start(hosts.map((name) => staticBackend(name, images)), backendPort); // prettier-ignore
        const configs = { now: ourConfig(hosts), before: configOf()(hosts) };
        const proxies = Object.entries(configs).map(([name, text]) => ({ name, ...nginx(text, images) }));
        await lab.start(proxies, proxyPort);
        const plan = planOf(context, 64);
        const target = (place: string): Target => ({ lab, tools: images.peers, place, port: proxyPort });
        const rate = context.tiny ? 100 : (await mostRate(target("before"), { ...plan, seconds: 4 })) / 2;
        const measure = async (name: string) => {
          const before = await processorSeconds(lab.container(name));
          const load = await throughput(target(name), plan);
          if (load.failures !== undefined) context.note(`${name}: ${load.failures}`);
          const cpu = (await processorSeconds(lab.container(name))) - before;
          const requests = await atRate(target(name), plan, rate);
          return {
            [seriesName(name, "request")]: 1e6 / load.rate,
            [seriesName(name, "cpu")]: (1e6 * cpu) / (load.rate * plan.seconds),
            [seriesName(name, "p99")]: percentile(requests, 0.99),
          };
        };
        return interleave(Object.keys(configs), context, measure, loadTurns(context));
      }),
  };
}

/** What a container's nginx has had of the processors so far. */
async function processorSeconds(container: string): Promise<number> {
  const [rows, ticks] = (
    await docker("exec", container, "sh", "-c", "cat /proc/[0-9]*/stat; echo; getconf CLK_TCK")
  ).split("\n\n");
  const used = (rows ?? "").split("\n").map((row) => {
    const [, name, rest = ""] = /^\d+ \((.*)\) (.*)$/.exec(row) ?? [];
    const fields = rest.split(" ");
    return name === "nginx" ? Number(fields[11]) + Number(fields[12]) : 0;
  });
  return used.reduce((sum, one) => sum + one, 0) / Number(ticks);
}

/** What each version's changes take. */
function changesPart(sideOf: () => typeof Ours): Part {
  const changes: (keyof Turn & string)[] = ["create", "unchanged", "preview", "scale up", "roll", "roll under load", "scale down", "remove"]; // prettier-ignore
  return {
    name: "changes-before",
    title: "Changes, beside another version",
    ratios: changes.map((what) => ratio(what, "s")),
    estimate: ({ rounds, tiny }) => (tiny ? 75 : 40 + rounds * 130),
    run: (context) => {
      const named = async (name: string, side: Promise<Side>): Promise<Side> => Object.assign(await side, { name });
      return measureSides(
        {
          make: {
            now: (source) => named("now", Ours.create(source, context.signal)),
            before: (source) => named("before", sideOf().create(source, context.signal)),
          },
          turn: (side, source) => takeTurn(side, source, context),
        },
        context,
      );
    },
  };
}
