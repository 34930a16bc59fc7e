import type { Part } from "../part";
import { backendPort, ourConfig, proxyPort } from "./configs";
import { buildImages } from "./images";
import { Lab, type Server } from "./lab";
import { nginx, proxy, staticBackend } from "./servers";
import { loadEstimate, planOf, ratio, throughputs } from "./throughput";

const backends = ["static-1", "static-2"];

/** Policies that look at every request, each as it lets all of this load pass. */
const given = {
  limits: { rules: [{ name: "clients", requestsPerSecond: 100_000, burst: 100_000, connections: 65535 }] },
  access: [{ allow: ["0.0.0.0/1", "128.0.0.0/1"], deny: ["192.0.2.0/24", "198.51.100.0/24"] }],
  headers: [{ answers: { "X-Frame-Options": "DENY", Via: "" }, requests: { "X-Place": "bench" } }],
  accessLog: "all",
} as const;

type Key = keyof typeof given;

/** What some of them make of our configuration. */
function withPolicies(...keys: readonly Key[]): string {
  const text = (key: Key) => (typeof given[key] === "string" ? given[key] : JSON.stringify(given[key]));
  return ourConfig(backends, Object.fromEntries(keys.map((key) => [key, text(key)])));
}

/** What it costs that every request is looked at. */
export const policiesPart: Part = {
  name: "policies",
  title: "Policies, before static backends",
  ratios: [
    ratio("policies", "limits, access, headers and log / none of them", ["all", "none"], 0.9),
    ratio("policies-limits", "limits by address / none", ["limits", "none"]),
    ratio("policies-access", "access by address / none", ["access", "none"]),
    ratio("policies-headers", "headers / none", ["headers", "none"]),
    ratio("policies-log", "log of all requests / none", ["accessLog", "none"]),
  ],
  estimate: (scale) => loadEstimate(scale, 6),
  run: (context) =>
    Lab.with(async (lab) => {
      const images = await buildImages(context);
      await lab.start(
        backends.map((name) => staticBackend(name, images)),
        backendPort,
      );
      const keys = Object.keys(given) as Key[];
      const sides = { all: keys, ...Object.fromEntries(keys.map((key) => [key, [key]])) };
      const servers = Object.entries(sides).map(([name, own]): Server => ({
        name,
        ...nginx(withPolicies(...own), images),
      }));
      await lab.start([proxy("ours", backends, images, { name: "none" }), ...servers], proxyPort);
      const names = ["none", ...Object.keys(sides)];
      const targets = names.map((place) => [place, [{ lab, tools: images.peers, place, port: proxyPort }]] as const);
      return throughputs(Object.fromEntries(targets), planOf(context, 64), context);
    }),
};
