import { createHash } from "node:crypto";
import { parseDirectives, type Directive } from "../../model/directives";
import {
  configurationPath,
  controlSocket,
  directivesFile,
  httpDirectivesFile,
  livePlace,
  logPlanFile,
  mainFile,
  type Place,
} from "../../model/layout";
import type { Release, ReleaseFile } from "../../model/release";
import { roomForNames } from "./acme";
import { renderHeaderVariables, withHeaders } from "./headers";
import { handingsOf, renderPolicies } from "./policy";
import { renderCache } from "./policy/cache";
import { renderCanary } from "./policy/canary";
import { renderModules } from "./policy/compression";
import { requestHeaders } from "./policy/headers";
import { locationFiles } from "./policy/locations";
import { renderMaintenance } from "./policy/maintenance";
import { renderPause, renderWaiting } from "./policy/pause";
import { withProtocol } from "./proxies";
import { logPlan, renderAccessLog, renderStatus } from "./logs";
import { moment, renderRetry } from "./retry";
import { renderCommon, renderServers, target } from "./sites";
import { renderSpool } from "./spool";
import { renderTls } from "./tls";
import { renderUpstreams } from "./upstreams";
import { isWatched, serversOf, type Topology } from "../../model/topology";

/** Stands for the id while it is computed. */
const unsealed = "0".repeat(16);

/** The release of a topology: equal topologies, whatever they were made from, give equal text and one id. */
export function releaseOf(topology: Topology): Release {
  const hash = createHash("sha256");
  for (const { name, text } of renderFiles(topology, livePlace, unsealed)) hash.update(`${name}\0${text}\0`);
  const id = hash.digest("hex").slice(0, unsealed.length);
  return { id, topology, files: renderFiles(topology, livePlace, id) };
}

/** A release's files as one text for people, and for the engine's preview to compare. */
export function showFiles(files: readonly ReleaseFile[]): string {
  return files.map(({ name, text }) => (name === mainFile ? text : `\n# ${name}\n${text}`)).join("");
}

/**
 * Renders nginx's configuration.
 *
 * @param place where the nginx runs that reads it: the live one, or a candidate beside it
 * @param id of the release, which that nginx tells when asked
 */
export function renderFiles(topology: Topology, place: Place, id: string): ReleaseFile[] {
  const { directives } = topology;
  const own = parseDirectives(directives);
  return [
    { name: mainFile, text: renderMain(topology, place, id) },
    ...renderCommon(topology, own, place, id),
    ...userFiles(topology).map(({ name, text }) => ({ name, text })),
    ...(isWatched(topology) ? [{ name: logPlanFile, text: logPlan(topology) }] : []),
  ];
}

/** The files with directives of the user's own, each with the setting that it comes from. */
export function userFiles(topology: Topology): (ReleaseFile & { readonly setting: string })[] {
  const { directives, httpDirectives = "" } = topology;
  const headers = (level: readonly Directive[]) => requestHeaders(topology, level);
  return [
    { name: httpDirectivesFile, setting: "httpConfig", text: httpDirectives.trimEnd() },
    { name: directivesFile, setting: "serverConfig", text: withHeaders(directives.trimEnd(), headers) },
    ...locationFiles(topology).map((file) => ({ ...file, text: withHeaders(file.text, headers, true) })),
  ].flatMap((file) => (file.text === "" ? [] : { ...file, text: `${file.text}\n` }));
}

function renderMain(topology: Topology, place: Place, id: string): string {
  const { proxy } = topology;
  const handing = handingsOf(topology).length === 0 ? "" : "$handing";
  return `# The balancer's configuration, rendered from the stack's config. Edits are undone by the next \`pulumi up\`.
# release ${id}

pid ${place.folder}/nginx.pid;
error_log stderr warn;
worker_processes ${place.workers};
# drainSeconds: how long workers of an older configuration may take to finish. Default: unbounded.
# https://nginx.org/en/docs/ngx_core_module.html#worker_shutdown_timeout
worker_shutdown_timeout ${proxy.drainSeconds}s;
# Some Docker engines give a container room for 1024 open files only, fewer than the connections below need.
# https://nginx.org/en/docs/ngx_core_module.html#worker_rlimit_nofile
worker_rlimit_nofile 8192;
pcre_jit on;
${renderModules(topology)}
events {
  worker_connections 4096;
}

http {
  server_tokens off;
  # A redirect of nginx's own would name the port that it has in its container.
  absolute_redirect off;
  # Cookies of 9 kB are more than nginx's own 8k. A client that sends them slowly takes all of it.
  large_client_header_buffers 2 32k;
  default_type application/octet-stream;
${hasMapOfNames(topology) ? roomForNames : ""}${renderAccessLog(topology, place, id)}
  # A body is received as a whole before a backend gets it, so that a slow client keeps no backend waiting. What is larger
  # than the buffer goes to a volume: the container's other writable file systems are small, or memory. Each client that sends
  # slowly has a buffer: thousands have to find room in balancerMemoryMb.
  client_max_body_size ${proxy.maxBodyMb}m;
  client_body_buffer_size ${bodyBufferKb(proxy.balancerMemoryMb)}k;
  client_body_temp_path /var/spool/nginx/client_body;
  proxy_temp_path /var/spool/nginx/proxy;
  # Not used, but made when nginx starts.
  fastcgi_temp_path ${place.folder}/fastcgi;
  uwsgi_temp_path ${place.folder}/uwsgi;
  scgi_temp_path ${place.folder}/scgi;

  tcp_nopush on;

  # A reload must not reset a request that a kept-alive client is just sending: idle connections outlive it for a moment. Busy
  # ones are told by the worker that is to end, with its next answer, or by HTTP/2's GOAWAY.
  # https://nginx.org/en/docs/http/ngx_http_core_module.html#keepalive_min_timeout
  keepalive_min_timeout ${Math.min(5000, proxy.drainSeconds * 250)}ms;
  keepalive_timeout 65s;
  keepalive_requests 100000;

  # Docker's own DNS. A restarted backend, with a new address, is found again within this time.
  resolver 127.0.0.11 valid=${resolveSeconds(serversOf(topology).length)}s ipv6=off;
  resolver_timeout 2s;

${renderUpstreams(topology)}
${renderHeaderVariables(proxy)}${renderMaintenance(topology)}${renderPause(topology, place)}${renderCanary(topology)}${renderCache(topology, place)}  proxy_http_version 1.1;

  # A request moves on to another backend when one fails, a POST only as long as it was not sent.
  proxy_read_timeout ${proxy.requestTimeoutSeconds}s;
  proxy_send_timeout ${proxy.requestTimeoutSeconds}s;
  # One silent server leaves time to ask another one.
  proxy_next_upstream_timeout ${proxy.requestTimeoutSeconds + 1}s;
${renderRetry(handing)}  # nginx's own 4k are less than the headers of many answers with cookies.
  proxy_buffer_size 12k;
${renderSpool(proxy.spoolMb, handing)}${renderPolicies(topology, handing, id)}
${renderCheck(id)}
${target}
${topology.httpDirectives === undefined ? "" : `  # httpConfig of the stack's config.\n  include ${httpDirectivesFile};\n\n`}${topology.tls === undefined ? "" : `${renderTls(topology.tls)}\n`}${renderServers(topology, withProtocol(place, proxy))}
${renderControl(topology, place, id)}}
`;
}

/** Whether there is a map that hosts are looked up in. */
function hasMapOfNames(topology: Topology): boolean {
  return [topology.tls?.acme, topology.pause].some(Boolean) || topology.sites.length > 1 || isWatched(topology);
}

/** Tells who asks for it by the release's id which release has answered, and which server. */
function renderCheck(id: string): string {
  return `  map $http_x_balancer_check $balancer_check {
    default "";
    ${id} "${id} $upstream_addr";
  }
`;
}

/** For the balancer's own use, reachable from inside its container only. */
function renderControl(topology: Topology, place: Place, id: string): string {
  const { listen, asked, locations } = renderWaiting(topology);
  return `  # For the balancer's own use, reachable from inside its container only.
  server {
    listen ${controlSocket(place)}${listen};
    access_log off;

    # The release that the answering worker runs.
    location = ${configurationPath} {
${asked}      return 200 "${id}";
    }

    location = /connections {
      stub_status;
    }

${moment}${locations}  }
${renderStatus(topology, place)}
  # Asks the one server that the request names, and no other, for whatever is asked.
  server {
    listen unix:${place.folder}/probe.sock;
    access_log off;
    set $probe_route $http_x_probe_upstream;
    proxy_set_header Host $http_host;
    proxy_set_header Connection "";
    proxy_set_header X-Probe-Upstream "";
    proxy_set_header X-Probe-Pool "";
    proxy_next_upstream off;
    proxy_read_timeout 5s;
    add_header X-Upstream $upstream_addr always;
    location / {
      proxy_pass http://$http_x_probe_pool;
    }
  }
`;
}

/** A power of two, at the most what 12,000 clients may have at a time; with less than 16, what usual forms have would go to the disk. */
function bodyBufferKb(balancerMemoryMb: number): number {
  return Math.min(128, Math.max(16, 2 ** Math.floor(Math.log2(balancerMemoryMb / 16))));
}

/** One second, and longer for large pools: every server costs a DNS question each time. */
function resolveSeconds(servers: number): number {
  return Math.max(1, Math.ceil(servers / 50));
}
