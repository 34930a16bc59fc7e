import type { Place } from "../../../model/layout";
import type { RoutePolicy } from "../../../model/policies";
import { versionOf } from "../../../model/identity";
import { routesOf, type Topology } from "../../../model/topology";
import type { RouteLines } from "./index";

/**
 * For the http block: where answers are kept, and for how long a kept one is the right one: until the backends that may answer are of
 * another version.
 */
export function renderCache(topology: Topology, { cache }: Place): string {
  if (routesOf(topology).every(({ policy }) => policy?.cache === undefined)) return "";
  const versions = topology.upstreams.map(({ name, servers }) => `    ${name} ${versionOf(servers)};\n`).join("");
  return `  # Room for 64,000 answers. Never resize the zone: what is kept would be forgotten at the next reload.
  proxy_cache_path ${cache} levels=1:2 keys_zone=cache:8m inactive=7d max_size=${topology.proxy.cacheMb}m use_temp_path=off;
  map $upstream $cache_version {
${versions}  }
`;
}

/** What is for one user alone is kept for nobody: nginx itself keeps no answer that sets a cookie, or says so in Cache-Control. */
export function cacheLines({ cache }: RoutePolicy): RouteLines {
  if (cache === undefined) return {};
  const { seconds } = cache;
  return {
    handOn: `proxy_cache cache;
proxy_cache_key "$cache_version $scheme://$host$is_request_port$request_port$request_uri";
${seconds === 0 ? "" : `proxy_cache_valid 200 301 ${seconds}s;\n`}proxy_cache_lock on;
proxy_cache_use_stale error timeout;
proxy_cache_bypass $http_authorization;
proxy_no_cache $http_authorization;
add_header X-Cache $upstream_cache_status always;
`,
  };
}
