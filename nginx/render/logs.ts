import { appOf } from "../../model/identity";
import { accessLogFile, metricsLogFile, statusSocket, type Place } from "../../model/layout";
import { isWatched, serversOf, type Topology, type Upstream } from "../../model/topology";
import { acmeCertificate } from "./acme";
import { clientFor, requestIdFor } from "./headers";
import { spareOf } from "./retry";

type Logged = Pick<Topology, "accessLog" | "metrics">;

/** What is logged of requests, a directive a line; empty for nothing. Those who watch are told nothing of a candidate. */
export function accessLogLines(
  { accessLog, metrics }: Logged,
  { isWatched: isLive }: Pick<Place, "isWatched">,
): string {
  const lines: Record<Topology["accessLog"], string> = {
    off: "",
    errors: "access_log /dev/stdout balancer if=$is_error;\n",
    all: "access_log /dev/stdout balancer buffer=32k flush=1s;\n",
    json: isLive ? `access_log ${accessLogFile} json buffer=64k flush=1s;\n` : "",
  };
  const counted =
    metrics === true && isLive ? `access_log ${metricsLogFile} metrics buffer=32k flush=1s if=$is_counted;\n` : "";
  return lines[accessLog] + counted;
}

/**
 * For the http block.
 *
 * @param id of the release: its own looks at what clients get are not counted
 */
export function renderAccessLog(topology: Topology, place: Place, id: string): string {
  const { accessLog, metrics } = topology;
  const lines = accessLogLines(topology, place).replace(/^(?=.)/gm, "  ");
  const forPeople = `  log_format balancer '$remote_addr [$time_iso8601] "$request" $status $body_bytes_sent $request_time '
    'upstream=$upstream_addr upstream_status=$upstream_status upstream_time=$upstream_response_time';
`;
  const errors = `  map $status $is_error {
    ~^5 1;
    default 0;
  }
`;
  return [
    isWatched(topology) ? renderSiteNames(topology) : "",
    accessLog === "all" || accessLog === "errors" ? forPeople : "",
    accessLog === "errors" ? errors : "",
    accessLog === "json" ? renderFields(topology) : "",
    metrics === true ? renderCounted(id) : "",
    lines === "" ? "  access_log off;\n" : lines,
  ].join("");
}

/** The host that is asked for as the config has it, so that nobody makes up names. */
function renderSiteNames({ sites, redirects }: Pick<Topology, "sites" | "redirects">): string {
  const hosts = [...sites.flatMap((site) => site.hosts), ...redirects.map(({ from }) => from)];
  const others = sites.some((site) => site.hosts.length === 0) ? "any" : '""';
  return `  # What is asked for, as the stack's config has it.
  map $host $log_site {
    hostnames;
    default ${others};
${hosts.map((host) => `    ${host} ${host};\n`).join("")}  }
  uninitialized_variable_warn off;
`;
}

/** The fields of docs/observability/log.md, in one object a line. */
function renderFields({ proxy }: Pick<Topology, "proxy">): string {
  const text = (variable: string) => `"${variable}"`;
  const fields = {
    time: "$msec",
    id: text(requestIdFor(proxy)),
    client: text(clientFor(proxy)),
    site: text("$log_site"),
    host: text("$host"),
    route: text("$log_route"),
    method: text("$request_method"),
    target: text("$request_uri"),
    protocol: text("$server_protocol"),
    tls: text("$ssl_protocol"),
    // nginx writes 000 where there was no answer, which is no number of JSON.
    status: text("$status"),
    bytes: "$bytes_sent",
    received: "$request_length",
    seconds: "$request_time",
    upstream: text("$upstream"),
    addresses: text("$upstream_addr"),
    statuses: text("$upstream_status"),
    times: text("$upstream_response_time"),
    cache: text("$upstream_cache_status"),
    agent: text("$http_user_agent"),
  };
  const pairs = Object.entries(fields).map(([name, value]) => `"${name}":${value}`);
  return `  # docs/observability/log.md
  log_format json escape=json '{${pairs.join(",'\n    '")}}';
`;
}

function renderCounted(id: string): string {
  return `  # docs/observability/metrics.md
  log_format metrics 'r|$log_site|$status|$request_time|$bytes_sent|$upstream|$upstream_addr|$upstream_status|$upstream_response_time';
  map $http_x_balancer_check $is_counted {
    default 1;
    ${id} 0;
  }
`;
}

/** A line in each location that clients ask for. */
export function routeLine(path: string, topology: Logged): string {
  return topology.accessLog === "json" ? `set $log_route ${path};\n` : "";
}

/** For the programs that keep the logs: which there are, the MiB that a file of them may have, whose addresses stand in them, and what ends when. */
export function logPlan(topology: Topology): string {
  const { accessLog, logMb = 0, metrics } = topology;
  const files = [
    ...(accessLog === "json" ? [`log access ${Math.floor(logMb / 4)} 4`] : []),
    ...(metrics === true ? ["log metrics 32 2"] : []),
  ];
  const servers = serversOf(topology).map(
    ({ name, address = name, port, weight, health: { host, path } }) =>
      `server ${name} ${appOf(name) || "-"} ${address} ${port} ${weight} ${host} ${path}`,
  );
  const others = metrics === true ? [...topology.upstreams.flatMap(upstreamLines), ...certificateLines(topology)] : [];
  const lines = [...files, ...servers, ...others];
  return `# Read by log.pl and gauges.sh: log KIND MIB FILES, server NAME APP ADDRESS PORT WEIGHT HOST PATH, upstream NAME APP, certificate HOST FILE.\n${lines.join("\n")}\n`;
}

/** Whose requests those are for which none of an upstream's servers could be asked: nginx has its name in place of an address. */
function upstreamLines({ name, servers }: Upstream): string[] {
  const [app = "", ...others] = new Set(servers.map((server) => appOf(server.name)));
  return app === "" || others.length > 0 ? [] : [name, spareOf(name)].map((one) => `upstream ${one} ${app}`);
}

/** The certificates by the first of their names. */
function certificateLines({ tls }: Pick<Topology, "tls">): string[] {
  const own = tls?.certificates.map(({ name, names }) => `certificate ${names[0] ?? name} ${name}.crt`) ?? [];
  const { hosts = [], folder = "" } = tls?.acme ?? {};
  return [...own, ...hosts.map((host) => `certificate ${host} ${acmeCertificate(folder, host)}`)];
}

/** A server by which others learn how many connections there are, each nginx in a folder of its own that the link leads to. */
export function renderStatus({ metrics }: Logged, place: Place): string {
  if (metrics !== true || !place.isWatched) return "";
  return `
  # For those who watch: ${statusSocket}
  server {
    listen unix:${place.folder}/status/status.sock;
    access_log off;
    location = /connections {
      stub_status;
    }
  }
`;
}
