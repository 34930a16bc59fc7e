import { routeOf } from "../../model/names";
import { stickyToken } from "../../model/policies/sticky";
import type { BalancingMethod } from "../../model/settings";
import type { ProxyPolicy, Server, Topology, Upstream } from "../../model/topology";
import { renderSticky } from "./policy/sticky";
import { spareOf } from "./retry";

/** Each upstream, followed by the same servers for requests that found none among them, or not any more: there none is taken out. */
export function renderUpstreams({ upstreams, proxy }: Topology): string {
  const blocks = upstreams.flatMap(({ sticky, ...spare }) => [
    // One failure takes no server out, and failures take it out for a moment only: else a hiccup takes out all of them.
    renderUpstream({ ...spare, ...(sticky && { sticky }) }, proxy, keptOf(spare), "max_fails=3 fail_timeout=2s"),
    renderUpstream({ ...spare, name: spareOf(spare.name) }, proxy, 32, "max_fails=0"),
  ]);
  return blocks.join("\n");
}

/** Idle connections that a worker keeps. nginx sets the room for them aside, a quarter of a kilobyte each. */
function keptOf({ servers }: Upstream): number {
  return Math.min(512, Math.max(128, 64 * servers.length));
}

function renderUpstream(
  { name, method, servers, sticky }: Upstream,
  proxy: ProxyPolicy,
  kept: number,
  patience: string,
): string {
  return `  upstream ${name} {
    # Never resize the zone: peers that are known before a reload are kept only in a zone of the same name and size.
    zone ${name} 2m;
${renderMethod(method, proxy)}${
    sticky === undefined
      ? "    # Probes reach one server by its name; requests of clients have no route and are balanced.\n    sticky route $probe_route;"
      : `    ${renderSticky(sticky)}`
  }
${servers.map((server) => renderServer(server, patience, sticky !== undefined)).join("\n")}
    keepalive ${kept};
    keepalive_requests 100000;
    # Below the backends' own keep-alive time, or a connection is used that a backend is closing.
    keepalive_timeout 60s;
  }
`;
}

function renderServer({ name, address = name, port, weight }: Server, patience: string, isSticky: boolean): string {
  // A weight of 0 is no valid parameter: such a server is reached by probes alone.
  const share = weight === 0 ? "drain" : `weight=${weight}`;
  return `    server ${address}:${port} resolve ${share} ${patience} route=${isSticky ? stickyToken(name) : routeOf(name)};`;
}

function renderMethod(method: BalancingMethod, { behindProxy }: ProxyPolicy): string {
  if (method === "round_robin") return "";
  if (method === "random") return "    random two least_conn;\n";
  // All clients of a proxy have its address: they are told apart by what it tells. A trusted one's, nginx knows itself.
  return method === "ip_hash" && behindProxy ? "    hash $client_address consistent;\n" : `    ${method};\n`;
}
