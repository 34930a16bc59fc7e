import { listenPort, tlsListenPort } from "../../../model/layout";

/** HAProxy for the same two backends, as its manual would set it up; what is not said is its default. */
export function haproxyConfig([rest, api]: readonly string[]): string {
  return `global
  maxconn 4096
  nbthread 1
  log stderr format raw local0
defaults
  mode http
  log global
  option httplog
  option forwardfor
  timeout connect 2s
  timeout client 30s
  timeout server 30s
  timeout http-request 10s
frontend clients
  bind :${listenPort}
  bind :${tlsListenPort} ssl crt /conf/tls.pem alpn h2,http/1.1
  http-request set-header X-Forwarded-Proto https if { ssl_fc }
  use_backend api if { path_beg /api/ } || { path /api }
  default_backend rest
backend rest
  server rest ${rest}:5000
backend api
  http-request replace-path /api/?(.*) /\\1
  server api ${api}:5000
`;
}
