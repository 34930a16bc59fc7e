import { releaseOf } from "../../nginx/render/config";
import { parseSettings, type Settings } from "../../model/settings";
import { topologyOf, type Server, type Topology } from "../../model/topology";

/** Port of every proxy and of every backend inside its container. */
export const proxyPort = 8080;
export const backendPort = 5000;

/** What the static backend answers. */
export const staticBody = "this is response from static";

/** The same port with TLS, and the files that it takes. */
export const tlsPort = 8443;
export const tlsFiles = { certificate: "/bench/tls.crt", key: "/bench/tls.key", both: "/bench/tls.pem" } as const;

/** A configuration whose nginx writes to the one writable file system alone. */
function nginxConfig(http: string, connections = 4096): string {
  const temporaryPaths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (kind) => `  ${kind}_temp_path /tmp/${kind};\n`,
  );
  return `pid /tmp/nginx.pid;
error_log stderr warn;
worker_processes auto;
events { worker_connections ${connections}; }
http {
${temporaryPaths.join("")}${http}}
`;
}

/** A backend that costs as little as can be: all that is measured is the way to it. It says in a header which one it is. */
export function staticBackendConfig(name: string): string {
  return nginxConfig(`  access_log off;
  server_tokens off;
  keepalive_timeout 75s;
  keepalive_requests 1000000;
  server {
    listen ${backendPort} backlog=4096;
    default_type text/plain;
    add_header X-Backend ${name};
    location / { return 200 "${staticBody}"; }
  }
`);
}

/** The product's settings: the defaults, but for those that are given. */
export function ourSettings(given: Readonly<Record<string, string>> = {}): Settings {
  return parseSettings(given, { isApp: () => true });
}

/** What the product installs for such backends. */
export function ourConfig(
  hosts: readonly string[],
  given: Readonly<Record<string, string>> = {},
  tls?: Pick<Topology, "tls">,
): string {
  return textOf({ ...topologyOf(ourSettings(given), hosts.map(backendOf)), ...tls });
}

/** A backend as the product's topology has it. */
export function backendOf(name: string): Server {
  return { name, port: backendPort, weight: 1, health: { path: "/health", host: "localhost" } };
}

/** All files of a release in one. */
export function textOf(topology: Topology): string {
  const [main, ...included] = releaseOf(topology).files;
  return included.reduce((text, { name, text: part }) => text.replaceAll(`include ${name};`, part), main?.text ?? "");
}

/**
 * The quickest nginx configuration that we can write by hand for such backends: fixed addresses, no log, no more headers
 * than an app needs. What it leaves out are the product's features, not its speed.
 */
export function tunedNginxConfig(hosts: readonly string[], isTls = false): string {
  const tls = `    listen ${tlsPort} ssl backlog=4096;
    http2 on;
    ssl_certificate ${tlsFiles.certificate};
    ssl_certificate_key ${tlsFiles.key};
    ssl_session_cache shared:tls:10m;
`;
  return nginxConfig(`  access_log off;
  server_tokens off;
  tcp_nopush on;
  keepalive_timeout 65s;
  keepalive_requests 100000;
  upstream backends {
    zone backends 256k;
${hosts.map((host) => `    server ${host}:${backendPort};`).join("\n")}
    keepalive 512;
    keepalive_requests 100000;
    keepalive_timeout 60s;
  }
  server {
${isTls ? tls : `    listen ${proxyPort} backlog=4096;\n`}    location / {
      proxy_pass http://backends;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
    }
  }
`);
}

/** nginx as an introduction to load balancing sets it up: an upstream block and a proxy_pass, all else by default. */
export function plainNginxConfig(hosts: readonly string[]): string {
  return nginxConfig(
    `  sendfile on;
  keepalive_timeout 65;
  access_log /dev/stdout combined;
  upstream backends {
${hosts.map((host) => `    server ${host}:${backendPort};`).join("\n")}
    # By default since nginx 1.29.7: it was off when such texts were written.
    keepalive 0;
  }
  server {
    listen ${proxyPort};
    location / {
      proxy_pass http://backends;
      proxy_http_version 1.0;
      proxy_set_header Connection close;
    }
  }
`,
    1024,
  );
}

export function haproxyConfig(hosts: readonly string[], isTls = false): string {
  const bind = isTls
    ? `:${tlsPort} backlog 4096 ssl crt ${tlsFiles.both} alpn h2,http/1.1`
    : `:${proxyPort} backlog 4096`;
  return `global
  maxconn 8192
  log stderr format raw local0 err
defaults
  mode http
  log global
  option forwardfor
  option http-keep-alive
  http-reuse always
  timeout connect 2s
  timeout client 65s
  timeout server 60s
frontend clients
  bind ${bind}
  http-request set-header X-Forwarded-Proto ${isTls ? "https" : "http"}
  default_backend backends
backend backends
  balance roundrobin
${hosts.map((host) => `  server ${host} ${host}:${backendPort}`).join("\n")}
`;
}

export function caddyConfig(hosts: readonly string[], isTls = false): string {
  const site = isTls ? `https://:${tlsPort} {\n  tls ${tlsFiles.certificate} ${tlsFiles.key}` : `:${proxyPort} {`;
  return `{
  admin off
  auto_https off
  persist_config off
  log {
    level ERROR
  }
}
${site}
  reverse_proxy ${hosts.map((host) => `${host}:${backendPort}`).join(" ")} {
    lb_policy round_robin
    transport http {
      keepalive 60s
      keepalive_idle_conns_per_host 512
    }
  }
}
`;
}
