import { hashValue } from "../../../lib/tree-hash";
import { parseDirectives } from "../../../model/directives";
import type { RoutePolicy } from "../../../model/policies";
import { rateOf, type Limit } from "../../../model/policies/limits";
import { routesOf } from "../../../model/topology";
import { location } from "../spool";
import type { Policed, RouteLines } from "./index";

type Kind = "requests" | "connections";

/** What a rule counts by, as nginx's key. What can be told apart without end has room for 80,000 to 160,000. */
function keyOf({ by }: Limit, { proxy }: Policed): { key: string; size: "10m" | "64k" } {
  if (by === "all") return { key: "all", size: "64k" };
  const address = proxy.behindProxy ? "$client_address" : "$binary_remote_addr";
  const header = by.slice("header ".length).toLowerCase().replaceAll("-", "_");
  return { key: by === "address" ? address : `$http_${header}`, size: "10m" };
}

/** nginx refuses a reload where the zone of a name has another key; where it stays, counts go on. */
function zoneOf(kind: Kind, limit: Limit, topology: Policed): string {
  return `${kind}_${limit.name}_${hashValue(keyOf(limit, topology))}`;
}

/** Seconds until a client that asks no more may ask again. nginx counts in thousandths of a request, rounded down. */
function secondsFor({ requestsPerSecond }: Limit): number {
  const { count, per } = rateOf(requestsPerSecond ?? 1) ?? { count: 1, per: "s" };
  return Math.ceil(1000 / Math.floor((count * 1000) / (per === "s" ? 1 : 60)));
}

export function limitLines({ limits }: RoutePolicy, topology: Policed): RouteLines {
  if (limits === undefined) return {};
  const { rules } = limits;
  const requests = rules.flatMap((limit) => {
    const burst = limit.burst === 0 ? "" : ` burst=${limit.burst}`;
    return limit.requestsPerSecond === undefined ? [] : `limit_req zone=${zoneOf("requests", limit, topology)}${burst} nodelay`; // prettier-ignore
  });
  const connections = rules.flatMap((limit) =>
    limit.connections === undefined ? [] : `limit_conn ${zoneOf("connections", limit, topology)} ${limit.connections}`,
  );
  // nginx forgets those of the server block where a location has some.
  const theirs = parseDirectives(topology.directives).filter(({ name }) => name === "limit_req");
  const wait = `set $retry_after ${Math.max(...rules.map(secondsFor))}`;
  return {
    asked: [wait, ...requests, ...theirs.map(({ source }) => source), ...connections]
      .map((line) => `${line};\n`)
      .join(""),
    isUnspooled: connections.length > 0,
  };
}

/** Each rule once. */
function rulesIn(topology: Policed): Limit[] {
  const rules = routesOf(topology).flatMap(({ policy }) => policy?.limits?.rules ?? []);
  return [...new Map(rules.map((limit) => [limit.name, limit])).values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** For the http block: what rules count, kept over reloads. */
export function renderLimits(topology: Policed): string {
  const rules = rulesIn(topology);
  if (rules.length === 0) return "";
  const zones = rules.flatMap((limit) => {
    const { key, size } = keyOf(limit, topology);
    const { requestsPerSecond, connections } = limit;
    const zone = (kind: Kind) => `${key} zone=${zoneOf(kind, limit, topology)}:${size}`;
    const { count, per } = rateOf(requestsPerSecond ?? 1) ?? { count: 1, per: "s" };
    return [
      ...(requestsPerSecond === undefined ? [] : [`limit_req_zone ${zone("requests")} rate=${count}r/${per}`]),
      ...(connections === undefined ? [] : [`limit_conn_zone ${zone("connections")}`]),
    ];
  });
  const isDryRun = routesOf(topology).some(({ policy }) => policy?.limits?.dryRun === true);
  const each = ["limit_req", "limit_conn"].flatMap((name) => [
    `${name}_status 429`,
    `${name}_log_level warn`,
    ...(isDryRun ? [`${name}_dry_run on`] : []),
  ]);
  return `  # limits: docs/policies/limits.md\n${[...zones, ...each].map((line) => `  ${line};\n`).join("")}\n`;
}

/** In each site's server block: what is answered in place of what a rule refuses, unless the user has said that. */
export function limitPages(topology: Policed): string {
  const own = parseDirectives(topology.directives).some(
    ({ name, args }) => name === "error_page" && args.includes("429"),
  );
  return rulesIn(topology).length === 0 || own ? "" : "error_page 429 = @limited;\n";
}

export function limitLocations(topology: Policed): string[] {
  if (rulesIn(topology).length === 0) return [];
  const answer = `default_type text/plain;
add_header Retry-After $retry_after always;
return 429 "Too many requests.\\n";
`;
  return [location("@limited", answer)];
}
