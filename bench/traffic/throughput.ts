import { interleave, type Part, type PartContext, type Ratio, type Scale, type Series } from "../part";
import { backendPort, proxyPort } from "./configs";
import { buildImages } from "./images";
import { Lab, type Server } from "./lab";
import { throughput, type LoadPlan, type Target } from "./load";
import { flaskBackend, proxy, staticBackend } from "./servers";

const unit = "requests/s";

/** Turns of a round. */
export const loadTurns = ({ tiny }: Pick<Scale, "tiny">): number => (tiny ? 1 : 4);

/** How long and how wide the closed loop of a turn is. */
export function planOf({ tiny }: Pick<Scale, "tiny">, connections: number): LoadPlan {
  return tiny ? { connections: 6, seconds: 1 } : { connections, seconds: 2 };
}

/** How long a part of so many sides takes about, in seconds: a load and what it takes to start one. */
export function loadEstimate({ rounds, tiny }: Scale, sides: number): number {
  return 15 + sides * (tiny ? 2 : 2 + rounds * loadTurns({ tiny }) * 2.8);
}

/**
 * The throughput of each side in turn, after each has been asked once to fill its connections. A side of several targets
 * is asked at all of them at once, with the same number of connections in all.
 */
export async function throughputs(
  sides: Readonly<Record<string, readonly Target[]>>,
  plan: LoadPlan,
  context: PartContext,
): Promise<Series> {
  if (!context.tiny)
    for (const target of Object.values(sides).flat()) await throughput(target, { ...plan, seconds: 1 });
  const measure = async (side: string, round: number) => {
    const targets = sides[side] ?? [];
    const share = { ...plan, connections: plan.connections / targets.length };
    const loads = await Promise.all(targets.map((target) => throughput(target, share)));
    for (const { failures } of loads)
      if (failures !== undefined) context.note(`round ${round + 1}, ${side}: ${failures}`);
    return { [side]: loads.reduce((sum, { rate }) => sum + rate, 0) };
  };
  return interleave(Object.keys(sides), context, measure, loadTurns(context));
}

const backends = ["static-1", "static-2"];

/** Our configuration against others, before backends that cost next to nothing. */
export const staticPart: Part = {
  name: "static",
  title: "Throughput before static backends",
  ratios: [
    ratio("static-tuned", "ours / hand-tuned nginx, static backends", ["ours", "tuned"], 1),
    ratio("static-haproxy", "ours / HAProxy 3.2, static backends", ["ours", "haproxy"], 1),
    ratio("static-caddy", "ours / Caddy 2.11, static backends", ["ours", "caddy"], 1),
    ratio("static-plain", "ours / nginx without upstream keep-alive", ["ours", "plain"], 2.5),
    ratio("static-direct", "ours / a static backend asked directly", ["ours", "direct"], 0.5),
    ratio("static-network", "a backend asked across Docker's network, without a proxy / over its own loopback", [
      "across",
      "direct",
    ]),
    ratio("static-haproxy-direct", "HAProxy 3.2 / a static backend asked directly", ["haproxy", "direct"]),
    ratio("hardened", "hardened container / not hardened", ["ours", "not hardened"], 0.97),
    ratio("published", "through the port published on 127.0.0.1 / inside the container's network", [
      "published",
      "ours",
    ]),
  ],
  estimate: (scale) => loadEstimate(scale, 9),
  run: (context) =>
    Lab.with(async (lab) => {
      const images = await buildImages(context);
      await lab.start(
        backends.map((name) => staticBackend(name, images)),
        backendPort,
      );
      const servers: Server[] = [
        proxy("ours", backends, images),
        proxy("ours", backends, images, { name: "published", publish: proxyPort }),
        proxy("ours", backends, images, { name: "not-hardened", hardened: false }),
        ...(["tuned", "plain", "haproxy", "caddy"] as const).map((kind) => proxy(kind, backends, images)),
      ];
      await lab.start(servers, proxyPort);
      const target = (place: string, port = proxyPort): Target => ({ lab, tools: images.peers, place, port });
      const targets = {
        ours: [target("ours")],
        tuned: [target("tuned")],
        haproxy: [target("haproxy")],
        caddy: [target("caddy")],
        plain: [target("plain")],
        direct: [target("static-1", backendPort)],
        across: [{ ...target("ours", backendPort), host: "static-1" }],
        "not hardened": [target("not-hardened")],
        published: [target("host", await lab.publishedPort("published", proxyPort))],
      };
      return throughputs(targets, planOf(context, 64), context);
    }),
};

/** The example's own backends, whose work is more than the proxy's. */
export const flaskPart: Part = {
  name: "flask",
  title: "Throughput before Flask backends",
  ratios: [
    ratio("flask-haproxy", "ours / HAProxy 3.2, 3 Flask backends", ["ours", "haproxy"], 1),
    ratio("flask-caddy", "ours / Caddy 2.11, 3 Flask backends", ["ours", "caddy"], 1),
    ratio("flask-direct", "3 Flask backends behind ours / 1 asked directly", ["ours", "direct"], 1.8),
    ratio("flask-least-conn", "the 3 behind ours with method least_conn / 1 asked directly", ["least-conn", "direct"]),
    ratio("flask-haproxy-direct", "the 3 behind HAProxy 3.2 / 1 asked directly", ["haproxy", "direct"]),
    ratio("flask-most", "the 3 asked directly at the same time / 1: the most there is", ["all at once", "direct"]),
  ],
  estimate: (scale) => loadEstimate(scale, 6),
  run: (context) =>
    Lab.with(async (lab) => {
      const images = await buildImages(context);
      const hosts = ["flask-1", "flask-2", "flask-3"];
      await lab.start(
        hosts.map((name) => flaskBackend(name, images)),
        backendPort,
      );
      const kinds = ["ours", "least-conn", "haproxy", "caddy"] as const;
      await lab.start(
        kinds.map((kind) => proxy(kind, hosts, images)),
        proxyPort,
      );
      const target = (place: string, port = proxyPort): Target => ({ lab, tools: images.peers, place, port });
      const plan = planOf(context, 24);
      const targets = {
        ...Object.fromEntries(kinds.map((kind) => [kind, [target(kind)]])),
        direct: [target("flask-1", backendPort)],
        "all at once": hosts.map((host) => target(host, backendPort)),
      };
      return throughputs(targets, plan, context);
    }),
};

/** A ratio of two sides of a part that measures requests a second. */
export function ratio(name: string, what: string, over: readonly [string, string], atLeast?: number): Ratio {
  return { name, what, over, unit, ...(atLeast === undefined ? {} : { goal: { atLeast } }) };
}
