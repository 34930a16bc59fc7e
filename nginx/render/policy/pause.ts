import { configurationPath, controlSocket, directFile, unspooledFile, type Place } from "../../../model/layout";
import type { Directive } from "../../../model/directives";
import type { RoutePolicy } from "../../../model/policies";
import type { Pause } from "../../../model/policies/pause";
import { routesOf, type Topology } from "../../../model/topology";
import { goOn, location } from "../spool";
import type { Handing, RouteLines } from "./index";

type Paused = Pick<Topology, "pause" | "sites">;

/** Where requests wait; those that are handed on by other directives than usual, in a location of their own. */
export const waitingAt = ({ suffix, isDirect }: Handing): string => `@pause${isDirect ? suffix : ""}`;

/** Their answers aren't spooled: they would have a share while they wait. */
export function pauseLines({ isPaused }: RoutePolicy): RouteLines {
  return isPaused === true ? { isHeld: true, isUnspooled: true } : {};
}

/** Requests that wait at a time for each worker: they have three of its 4,096 connections each, and others go on to need some. */
const most = 800;

/** How long it takes at the most until a request knows that it may go on, in ms: a second, or a 30th of the whole time. */
const turnOf = ({ holdSeconds }: Pause): number => Math.max(1000, Math.ceil((holdSeconds * 1000) / 30));

/**
 * For the http block: which names are paused. A request that waits asks the balancer's own server turn by turn whether it still has to,
 * as it would ask one server of an upstream after the other: so it asks the newest workers, although an older one has it.
 */
export function renderPause({ pause, sites }: Paused, place: Place): string {
  if (pause === undefined) return "";
  const state = (route: { readonly policy?: RoutePolicy }) => (route.policy?.isPaused === true ? 1 : 0);
  const routes = routesOf({ sites });
  const names = routes.flatMap((route) => route.hosts.map((host) => `    ${host} ${state(route)};\n`));
  const others = routes.find(({ hosts }) => hosts.length === 0);
  const turns = Math.ceil((pause.holdSeconds * 1000) / turnOf(pause));
  return `  # pause: docs/policies/pause.md
  map $host $is_paused {
    hostnames;
    default ${others === undefined ? 0 : state(others)};
${[...new Set(names)].join("")}  }
  # How many wait is counted for each worker.
  limit_conn_zone $pid zone=waits:64k;
  # Asked one after the other by a request that waits; an older worker that ends takes a turn or two of those who ask it.
  upstream balancer.pause {
${`    server ${controlSocket(place)} max_fails=0;\n`.repeat(turns + 2)}  }
`;
}

/** For the balancer's own server: what it answers requests that wait. Without a pause, it answers them 200. */
export function renderWaiting({ pause }: Paused): { listen: string; asked: string; locations: string } {
  if (pause === undefined) return { listen: "", asked: "", locations: "" };
  return {
    // Many may begin to wait at once.
    listen: " backlog=4096",
    asked: "      if ($args = waits) {\n        rewrite ^ /waits last;\n      }\n",
    locations: `
    location = /waits {
      internal;
      if ($is_paused = 0) {
        return 204;
      }
      limit_conn waits ${most};
      limit_conn_status 429;
      limit_conn_dry_run off;
      limit_conn_log_level info;
      auth_delay ${turnOf(pause)}ms;
      auth_request /refuse;
      error_page 401 = @waits;
      error_page 429 = @full;
    }

    location @waits {
      return 403;
    }

    location @full {
      return 401;
    }
`,
  };
}

/**
 * In each site's server block: where requests wait, after all else that is decided before they are handed on.
 *
 * @param own directives of the same level, among which may be a page for 503
 */
export function pauseLocations(
  { pause }: Paused,
  own: readonly Directive[],
  handings: readonly Handing[],
  id: string,
): string[] {
  if (pause === undefined) return [];
  const { holdSeconds } = pause;
  const hasPage = own.some(({ name, args }) => name === "error_page" && args.includes("503"));
  const waiting = `satisfy all;
allow all;
auth_basic off;
auth_request /.balancer/pause;
error_page 401 403 = @pause_over;
recursive_error_pages on;
`;
  const ways = [
    { suffix: "", then: `include ${unspooledFile};\n` },
    ...handings.flatMap(({ suffix, lines, isDirect }) =>
      isDirect ? { suffix, then: `${lines}include ${directFile};\n` } : [],
    ),
  ];
  return [
    ...ways.flatMap(({ suffix, then }) => [
      location(`@pause${suffix}`, waiting + goOn(`@paused${suffix}`)),
      location(`@paused${suffix}`, then),
    ]),
    location(
      "= /.balancer/pause",
      `internal;
# The update's own check doesn't wait.
if ($http_x_balancer_check = ${id}) {
  return 204;
}
proxy_pass_request_headers off;
proxy_pass_request_body off;
proxy_set_header Host $host;
proxy_set_header Connection close;
proxy_cache off;
proxy_intercept_errors off;
# Nobody answers where nginx has been told to end.
error_page 502 504 = @pause_ended;
proxy_read_timeout ${holdSeconds}s;
proxy_next_upstream error timeout http_403;
proxy_next_upstream_tries 0;
proxy_next_upstream_timeout ${holdSeconds}s;
proxy_pass http://balancer.pause${configurationPath}?waits;
`,
    ),
    location("@pause_ended", "return 403;\n"),
    location(
      "@pause_over",
      hasPage
        ? "return 503;\n"
        : `default_type text/plain;
add_header Retry-After ${holdSeconds} always;
add_header Cache-Control no-store always;
return 503 "Please try again in a moment.\\n";
`,
    ),
  ];
}
