import { createHash } from "node:crypto";
import type { AccessLog, BalancingMethod } from "../../model/settings";

/** One server that the balancer sends requests to, whatever runs behind its name. */
export interface UpstreamServer {
  /** DNS name, resolved again and again; unique among the servers. */
  readonly host: string;
  /** TCP port, 1 to 65535. */
  readonly port: number;
  /** Share of the requests relative to the other servers, 0 to 100; 0 sends none. */
  readonly weight: number;
  /** Path that answers 200 when the server can take requests. */
  readonly healthPath: string;
}

/** All that the config depends on. Every field's meaning, range and default is that of the stack config key of its name. */
export interface BalancerSpec {
  readonly servers: readonly UpstreamServer[];
  readonly method: BalancingMethod;
  readonly drainSeconds: number;
  readonly requestTimeoutSeconds: number;
  readonly maxBodyMb: number;
  readonly accessLog: AccessLog;
  readonly behindProxy: boolean;
  /** nginx directives for the public server block, as they are. */
  readonly serverConfig: string;
}

/** The port that nginx listens on inside its container: above 1023, since it has no capability to bind a lower one. */
export const listenPort = 8080;

/**
 * Renders the balancer's whole nginx configuration: equal input, in whatever order the servers come, gives equal text.
 *
 * @returns text sealed with its own hash, see {@link seal}
 * @throws RangeError for no servers or two of one host
 */
export function renderNginxConfig(spec: BalancerSpec): string {
  const servers = sortedServers(spec.servers);
  return seal(`# The balancer's configuration, rendered from the stack's config. Edits are undone by the next \`pulumi up\`.
# configuration ${unsealed}

pid /tmp/nginx/nginx.pid;
error_log stderr warn;
worker_processes auto;
# drainSeconds: how long workers of an older configuration may take to finish. Default: unbounded.
# https://nginx.org/en/docs/ngx_core_module.html#worker_shutdown_timeout
worker_shutdown_timeout ${spec.drainSeconds}s;
# Some Docker engines give a container room for 1024 open files only, fewer than the connections below need.
# https://nginx.org/en/docs/ngx_core_module.html#worker_rlimit_nofile
worker_rlimit_nofile 8192;

events {
  worker_connections 4096;
}

http {
  server_tokens off;
  default_type application/octet-stream;
${renderAccessLog(spec.accessLog)}
  # A body is received as a whole before a backend gets it, so that a slow client keeps no backend waiting. What is larger
  # than the buffer goes to a volume: the container's other writable file systems are small, or memory.
  client_max_body_size ${spec.maxBodyMb}m;
  client_body_buffer_size 128k;
  client_body_temp_path /var/spool/nginx/client_body;
  # Not used, but made when nginx starts.
  proxy_temp_path /tmp/nginx/proxy;
  fastcgi_temp_path /tmp/nginx/fastcgi;
  uwsgi_temp_path /tmp/nginx/uwsgi;
  scgi_temp_path /tmp/nginx/scgi;

  tcp_nopush on;

  # A reload must not reset a request that a kept-alive client is just sending: idle connections outlive it for a
  # moment, and busy ones are asked to close well before the drain ends.
  # https://nginx.org/en/docs/http/ngx_http_core_module.html#keepalive_min_timeout
  keepalive_min_timeout ${drainShare(spec.drainSeconds, 5000)}ms;
  keepalive_time ${drainShare(spec.drainSeconds, 1000)}ms;
  keepalive_timeout 65s;
  keepalive_requests 100000;

  # Docker's own DNS. A restarted backend, with a new address, is found again within this time.
  resolver 127.0.0.11 valid=${resolveSeconds(servers.length)}s ipv6=off;
  resolver_timeout 2s;

  upstream backends {
    # Never resize the zone: peers that are known before a reload are kept only in a zone of the same name and size.
    zone backends 2m;
${renderMethod(spec.method)}    # The probes below reach one server by its name; requests of clients have no route and are balanced.
    sticky route $probe_route;
${servers.map(renderServer).join("\n")}
    keepalive 512;
    keepalive_requests 100000;
    # Below the backends' own keep-alive time, or a connection is used that a backend is closing.
    keepalive_timeout 60s;
  }

  map $http_upgrade $connection_upgrade {
    default upgrade;
    # Empty keeps the connection to the backend open.
    "" "";
  }
  proxy_http_version 1.1;
  proxy_set_header Connection $connection_upgrade;
  proxy_set_header Upgrade $http_upgrade;
  proxy_set_header Host $http_host;
${spec.behindProxy ? toldByProxy : toldByClient}
  # A request moves on to another backend when one fails, a POST only as long as it was not sent.
  proxy_connect_timeout 2s;
  proxy_read_timeout ${spec.requestTimeoutSeconds}s;
  proxy_send_timeout ${spec.requestTimeoutSeconds}s;
  proxy_next_upstream error timeout;
  proxy_next_upstream_tries 3;
  proxy_next_upstream_timeout ${spec.requestTimeoutSeconds}s;
  # Large answers are not spooled: a backend that sends one waits for the client.
  proxy_max_temp_file_size 0;

  server {
    listen ${listenPort} backlog=4096;
    set $probe_route "";
${renderServerConfig(spec.serverConfig)}
    location / {
      proxy_pass http://backends;
    }
  }

  # For the balancer's own use, reachable from inside its container only.
  server {
    listen unix:/tmp/nginx/control.sock;
    access_log off;
    set $probe_route "";

    # The configuration that the answering worker runs.
    location = /configuration {
      return 200 "${unsealed}";
    }

    location = /connections {
      stub_status;
    }

    # /probe/HOST/PATH asks one server of the pool, and no other, for PATH.
    location ~ ^/probe/(?<probe_host>[^/]+)(?<probe_path>/.*)$ {
      set $probe_route $probe_host;
      proxy_set_header Host $probe_host;
      proxy_set_header Connection "";
      proxy_next_upstream off;
      proxy_read_timeout 5s;
      add_header X-Upstream $upstream_addr always;
      proxy_pass http://backends$probe_path;
    }
  }
}
`);
}

/** Whoever connects may be anyone: an app is told what nginx knows, whatever the client claims. */
const toldByClient = `  proxy_set_header X-Real-IP $remote_addr;
  proxy_set_header X-Forwarded-For $remote_addr;
  proxy_set_header X-Forwarded-Proto $scheme;
  # Dropped: what it would say, Host does.
  proxy_set_header X-Forwarded-Host "";
`;

/** Whoever connects is a proxy, and what it tells about its client is handed on: X-Forwarded-Host as it is. */
const toldByProxy = `  # behindProxy: what the proxy tells about its client is true.
  map $http_x_real_ip $client_address {
    default $http_x_real_ip;
    "" $remote_addr;
  }
  map $http_x_forwarded_proto $client_scheme {
    default $http_x_forwarded_proto;
    "" $scheme;
  }
  proxy_set_header X-Real-IP $client_address;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  proxy_set_header X-Forwarded-Proto $client_scheme;
`;

/** Stands for the hash while it is computed. */
const unsealed = "0".repeat(16);

/** The two places of a text that hold its hash. */
const hashPlaces = /(?<=^# configuration |^ {4}location = \/configuration \{\n {6}return 200 ")[0-9a-f]{16}/gm;

/** Puts the text's own hash in place of the one that it carries: an nginx worker can then tell which text it runs. */
export function seal(text: string): string {
  const body = text.replace(hashPlaces, unsealed);
  return body.replace(hashPlaces, createHash("sha256").update(body).digest("hex").slice(0, unsealed.length));
}

/**
 * The hash that a text carries.
 *
 * @throws Error when it carries none
 */
export function configurationHash(text: string): string {
  const hash = /^# configuration ([0-9a-f]{16})$/m.exec(text)?.[1];
  if (hash === undefined)
    throw new Error("The text carries no line '# configuration HASH': it was not rendered by this program.");
  return hash;
}

/** Whether the text is as it was rendered: its hash is that of its content. */
export function isIntact(text: string): boolean {
  return /^# configuration [0-9a-f]{16}$/m.test(text) && seal(text) === text;
}

const serverLine = /^ {4}server (?<host>[^\s:]+):\d+ .*$/gm;

/** The server lines of a rendered text, by host. */
export function serverLines(text: string): Map<string, string> {
  return new Map([...text.matchAll(serverLine)].map((match) => [match.groups?.["host"] ?? "", match[0]]));
}

/** What is asked of each server of a rendered text to know that it serves. */
export function probesOf(text: string): { host: string; path: string }[] {
  return [...serverLines(text)].map(([host, line]) => ({ host, path: / # health: (\S+)$/.exec(line)?.[1] ?? "/" }));
}

/**
 * The rendered text with the server lines of an older one besides its own: what runs between two server sets.
 * Sealed anew, since it is a configuration of its own.
 */
export function withServersOf(text: string, older: string): string {
  const own = serverLines(text);
  const added = [...serverLines(older)].filter(([host]) => !own.has(host)).map(([, line]) => line);
  const first = [...own.values()][0];
  if (added.length === 0 || first === undefined) return text;
  return seal(text.replace(first, () => [...added, first].join("\n")));
}

/** The text as a second nginx beside the live one can run it: its own folder, and a socket in place of the port. */
export function asCandidate(text: string): string {
  return text
    .replaceAll("/tmp/nginx/", "/tmp/candidate/")
    .replace("worker_processes auto;", "worker_processes 1;")
    .replace(`listen ${listenPort} backlog=4096;`, "listen unix:/tmp/candidate/public.sock;");
}

function sortedServers(servers: readonly UpstreamServer[]): UpstreamServer[] {
  if (servers.length === 0) throw new RangeError("servers: got none, expected at least one");
  const sorted = [...servers].sort((a, b) => compareNaturally(a.host, b.host));
  const repeated = sorted.find((server, index) => sorted[index + 1]?.host === server.host);
  if (repeated !== undefined) throw new RangeError(`servers: got ${repeated.host} twice, expected different hosts`);
  return sorted;
}

const natural = new Intl.Collator("en", { numeric: true });

/** Orders app-2 before app-10, the same on every machine. */
function compareNaturally(a: string, b: string): number {
  const order = natural.compare(a, b);
  return order !== 0 ? order : a < b ? -1 : Number(a > b);
}

function renderServer(server: UpstreamServer): string {
  // A weight of 0 is no valid parameter: such a server is reached by probes alone.
  const share = server.weight === 0 ? "drain" : `weight=${server.weight}`;
  // One failure takes no server out, and failures take it out for a moment only: else a hiccup takes out all of them.
  return `    server ${server.host}:${server.port} resolve ${share} max_fails=3 fail_timeout=2s route=${server.host}; # health: ${server.healthPath}`;
}

function renderMethod(method: BalancingMethod): string {
  return method === "round_robin" ? "" : `    ${method === "random" ? "random two least_conn" : method};\n`;
}

function renderAccessLog(accessLog: AccessLog): string {
  if (accessLog === "off") return "  access_log off;\n";
  const format = `  log_format balancer '$remote_addr [$time_iso8601] "$request" $status $body_bytes_sent $request_time '
    'upstream=$upstream_addr upstream_status=$upstream_status upstream_time=$upstream_response_time';
`;
  if (accessLog === "all") return `${format}  access_log /dev/stdout balancer buffer=32k flush=1s;\n`;
  return `${format}  map $status $is_error {
    ~^5 1;
    default 0;
  }
  access_log /dev/stdout balancer if=$is_error;
`;
}

function renderServerConfig(directives: string): string {
  if (directives.trim() === "") return "";
  const lines = directives
    .trimEnd()
    .split("\n")
    .map((line) => (line.trim() === "" ? "" : `    ${line}`));
  return ["    # serverConfig of the stack's config.", ...lines, ""].join("\n");
}

/** A quarter of the drain in milliseconds, so that every connection has been closed in good time, or less. */
function drainShare(drainSeconds: number, most: number): number {
  return Math.min(most, drainSeconds * 250);
}

/** One second, and longer for large pools: every server costs a DNS question each time. */
function resolveSeconds(servers: number): number {
  return Math.max(1, Math.ceil(servers / 50));
}
