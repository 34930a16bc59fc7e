import { topologyOf } from "../../model/topology";
import { releaseOf } from "../../nginx/render/config";
import { docker } from "../../rollout/docker";
import { baseImages } from "../../test/machine";
import type { Part, PartContext, Series } from "../part";
import { backendOf, backendPort, ourSettings, proxyPort, textOf } from "./configs";
import { buildImages, type TrafficImages } from "./images";
import { Lab, type Server } from "./lab";
import { flaskBackend, nginx, proxy, staticBackend } from "./servers";
import { loadEstimate, planOf, ratio, throughputs } from "./throughput";

type Settings = Readonly<Record<string, string>>;

const all: Settings = { accessLog: "json", metrics: "{}" };

/** The balancer as it runs with logs on a volume, what keeps them included. */
function watched(
  name: string,
  hosts: readonly string[],
  settings: Settings,
  volume: string,
  images: TrafficImages,
): Server {
  const topology = topologyOf(ourSettings(settings), hosts.map(backendOf));
  const plan = releaseOf(topology).files.find((file) => file.name === "log.txt")?.text ?? "";
  const { files, ...server } = nginx(textOf(topology), images);
  const start = `mkdir -p /tmp/nginx/status && perl /etc/nginx/log.pl begin /var/log/balancer
perl /etc/nginx/log.pl keep /var/log/balancer /bench 1 &
exec nginx -c /bench/nginx.conf -g 'daemon off;'`;
  return {
    ...server,
    name,
    command: ["sh", "-c", start],
    files: { ...files, "/bench/log.txt": plan },
    options: [`--volume=${volume}:/var/log/balancer`],
  };
}

/** Measures sides with logs, and one without, before backends of one kind. */
function measure(
  backend: (name: string, images: TrafficImages) => Server,
  hosts: readonly string[],
  none: string,
  sides: Readonly<Record<string, Settings>>,
  context: PartContext,
): Promise<Series> {
  return Lab.with(async (lab) => {
    const images = await buildImages(context);
    const { mtailImage } = await baseImages();
    const mtail = "nginx-load-balancer/bench-metrics";
    await docker("build", "--quiet", "--tag", mtail, "--build-arg", `MTAIL_IMAGE=${mtailImage}`, "nginx/metrics");
    await lab.start(
      hosts.map((name) => backend(name, images)),
      backendPort,
    );
    const places = await Promise.all(
      Object.entries(sides).map(async ([name, settings]) => ({ name, settings, volume: await lab.volume(name) })),
    );
    const proxies = [
      proxy("ours", hosts, images, { name: none }),
      ...places.map(({ name, settings, volume }) => watched(name, hosts, settings, volume, images)),
    ];
    await lab.start(proxies, proxyPort);
    const counted = places.filter(({ settings }) => settings["metrics"] !== undefined);
    // With the share of the processors that the product gives it.
    const counting = counted.map(({ name, volume }): Server => {
      const options = [`--volume=${volume}:/var/log/balancer:ro`, "--cpu-shares=128"];
      return { name: `mtail-${name}`, image: mtail, memoryMb: 64, options };
    });
    await lab.start(counting, 3903);
    const targets = proxies.map(
      ({ name: place }) => [place, [{ lab, tools: images.peers, place, port: proxyPort }]] as const,
    );
    return throughputs(Object.fromEntries(targets), planOf(context, 24), context);
  });
}

/** What it costs that every request is logged with all that is known of it, and counted. */
export const watchedPart: Part = {
  name: "watched",
  title: "Log of requests and metrics",
  ratios: [
    ratio("watched", "log and metrics / none of them, 3 Flask backends", ["flask-both", "flask-none"], 0.97),
    ratio("watched-static", "the same before 2 static backends, whose work is next to nothing", ["both", "none"]),
    ratio("watched-log", "log of requests / none, 2 static backends", ["log", "none"]),
    ratio("watched-metrics", "metrics / none, 2 static backends", ["metrics", "none"]),
  ],
  estimate: (scale) => loadEstimate(scale, 2) + loadEstimate(scale, 4),
  run: async (context) => {
    const apps = ["flask-1", "flask-2", "flask-3"];
    const fixed = { both: all, log: { accessLog: "json" }, metrics: { accessLog: "off", metrics: "{}" } };
    return {
      ...(await measure(flaskBackend, apps, "flask-none", { "flask-both": all }, context)),
      ...(await measure(staticBackend, ["static-1", "static-2"], "none", fixed, context)),
    };
  },
};
