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

/** A backend whose own work is next to nothing. */
export function staticBackend(name: string, { balancer }: TrafficImages): Server {
  return {
    name,
    image: balancer,
    command: ["nginx", "-c", "/bench/nginx.conf", "-g", "daemon off;"],
    files: { "/bench/nginx.conf": staticBackendConfig(name) },
    memoryMb: 128,
  };
}

/** A backend of the example. */
export function flaskBackend(name: string, { flask }: TrafficImages): Server {
  return { name, image: flask, memoryMb: 128 };
}

/** The proxies that are compared, each with the quickest settings that we know for it. */
export const proxies = {
  ours: (hosts: readonly string[], { balancer }: TrafficImages) => ({
    image: balancer,
    command: ["sh", "-c", "mkdir -p /tmp/nginx && exec nginx -c /bench/nginx.conf -g 'daemon off;'"],
    files: { "/bench/nginx.conf": ourConfig(hosts) },
  }),
  tuned: (hosts: readonly string[], { balancer }: TrafficImages) => ({
    image: balancer,
    command: ["nginx", "-c", "/bench/nginx.conf", "-g", "daemon off;"],
    files: { "/bench/nginx.conf": tunedNginxConfig(hosts) },
  }),
  plain: (hosts: readonly string[], { balancer }: TrafficImages) => ({
    image: balancer,
    command: ["nginx", "-c", "/bench/nginx.conf", "-g", "daemon off;"],
    files: { "/bench/nginx.conf": plainNginxConfig(hosts) },
  }),
  haproxy: (hosts: readonly string[], { peers }: TrafficImages) => ({
    image: peers,
    command: ["haproxy", "-f", "/bench/haproxy.cfg"],
    files: { "/bench/haproxy.cfg": haproxyConfig(hosts) },
  }),
  caddy: (hosts: readonly string[], { peers }: TrafficImages) => ({
    image: peers,
    command: ["env", "HOME=/tmp", "caddy", "run", "--config", "/bench/Caddyfile"],
    files: { "/bench/Caddyfile": caddyConfig(hosts) },
  }),
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
