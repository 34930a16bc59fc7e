import {
  caddyConfig,
  haproxyConfig,
  ourConfig,
  plainNginxConfig,
  staticBackendConfig,
  tunedNginxConfig,
} from "./configs";
import type { TrafficImages } from "./images";
import type { Server } from "./lab";

/** An nginx that runs a configuration; what the product's needs in /tmp is there for all. */
export function nginx(config: string, { balancer }: TrafficImages): Omit<Server, "name"> {
  return {
    image: balancer,
    command: ["sh", "-c", "mkdir -p /tmp/nginx && exec nginx -c /bench/nginx.conf -g 'daemon off;'"],
    files: { "/bench/nginx.conf": config },
  };
}

export function haproxy(config: string, { peers }: TrafficImages): Omit<Server, "name"> {
  const file = "/bench/haproxy.cfg";
  return { image: peers, command: ["haproxy", "-f", file], files: { [file]: config } };
}

export function caddy(config: string, { peers }: TrafficImages): Omit<Server, "name"> {
  const file = "/bench/Caddyfile";
  return {
    image: peers,
    command: ["env", "HOME=/tmp", "caddy", "run", "--config", file],
    files: { [file]: config },
  };
}

/** A backend whose own work is next to nothing. */
export function staticBackend(name: string, images: TrafficImages): Server {
  return { name, ...nginx(staticBackendConfig(name), images), memoryMb: 128 };
}

/** A backend of the example. */
export function flaskBackend(name: string, { flask }: TrafficImages): Server {
  return { name, image: flask, memoryMb: 128 };
}

/** The proxies that are compared, each with the quickest settings that we know for it. */
const proxies = {
  ours: (hosts, images) => nginx(ourConfig(hosts), images),
  "least-conn": (hosts, images) => nginx(ourConfig(hosts, { method: "least_conn" }), images),
  tuned: (hosts, images) => nginx(tunedNginxConfig(hosts), images),
  plain: (hosts, images) => nginx(plainNginxConfig(hosts), images),
  haproxy: (hosts, images) => haproxy(haproxyConfig(hosts), images),
  caddy: (hosts, images) => caddy(caddyConfig(hosts), images),
} satisfies Record<string, (hosts: readonly string[], images: TrafficImages) => Omit<Server, "name">>;

/** A proxy under a name of its own. */
export function proxy(
  kind: keyof typeof proxies,
  hosts: readonly string[],
  images: TrafficImages,
  options: Partial<Server> = {},
): Server {
  return { name: kind, ...proxies[kind](hosts, images), ...options };
}
