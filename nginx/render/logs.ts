import type { AccessLog } from "../../model/settings";

/** What is logged of requests, as a directive; empty for nothing. */
export function accessLogLine(accessLog: AccessLog): string {
  if (accessLog === "off") return "";
  return `access_log /dev/stdout balancer ${accessLog === "all" ? "buffer=32k flush=1s" : "if=$is_error"};\n`;
}

/** For the http block. */
export function renderAccessLog(accessLog: AccessLog): string {
  if (accessLog === "off") return "  access_log off;\n";
  const format = `  log_format balancer '$remote_addr [$time_iso8601] "$request" $status $body_bytes_sent $request_time '
    'upstream=$upstream_addr upstream_status=$upstream_status upstream_time=$upstream_response_time';
`;
  const errors = `  map $status $is_error {
    ~^5 1;
    default 0;
  }
`;
  return `${format}${accessLog === "errors" ? errors : ""}  ${accessLogLine(accessLog)}`;
}
