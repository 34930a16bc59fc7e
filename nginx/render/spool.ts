import type { Directive } from "../../model/directives";
import type { Handing } from "./policy";

/** For a map by `$connection_upgrade $http_accept`: connections that stay open for long, and events, which are not kept until there are more. */
const piecewise = '"~^upgrade|text/event-stream"';

/** Answers that may lie on the disk at a time. What one may have there is this share of the whole. */
const shares = 64;

/**
 * For the http block: an answer that its client takes slowly is received as a whole, so that it keeps no backend waiting. That takes
 * disk, hence a share of it is counted for each request at the proxy; without a share its answer comes as fast as its client takes it.
 * Events are handed on one by one.
 *
 * @param spoolMb MiB that all of them may take; 0: none is kept
 * @param handing variable with the end of the names of the locations that hand on; empty where there is one way alone
 */
export function renderSpool(spoolMb: number, handing: string): string {
  const none = "  proxy_max_temp_file_size 0;\n";
  if (spoolMb === 0)
    return `${none}  # An event is not kept until there are more.\n${renderUnspooled(handing, "$way_of_answer")}`;
  return `${none}  # Connections that stay open for long take no share, and an event is not kept until there are more.
  map "$connection_upgrade $http_accept" $spool_share {
    default one;
    ${piecewise} "";
  }
  limit_conn_zone $spool_share zone=spool:64k;
  map $limit_conn_status $way_of_answer {
    default @unspooled${handing};
    PASSED @spooled${handing};
    "" @live${handing};
  }
`;
}

/** For the http block: the way of requests for which no share is counted. */
export function renderUnspooled(handing: string, way = "$way_unspooled"): string {
  return `  map "$connection_upgrade $http_accept" ${way} {
    default @unspooled${handing};
    ${piecewise} @live${handing};
  }
`;
}

/** Hands each piece on as it comes. */
export const unbuffered = "proxy_buffering off;\n";

/** Has a request go on in another location. There is no such file, which is looked for once an hour. */
export function goOn(where: string): string {
  return `root /dev/null;
open_file_cache max=1;
open_file_cache_errors on;
open_file_cache_valid 1h;
try_files /none ${where};
`;
}

/** Directives of a server's that would act twice on a request which goes from one location to another, or would choose that themselves. */
const decidedByUser = new Set("auth_request mirror proxy_buffering proxy_max_temp_file_size try_files".split(" "));

/**
 * Where a request is handed on for the first time: what all routes have in common, and locations of their site.
 *
 * @param handOn directives that do so, one a line
 * @param directives the user's own of the server block
 * @param handings the ways in which it is handed on
 */
export function renderFirstTry(
  handOn: string,
  spoolMb: number,
  directives: readonly Directive[],
  handings: readonly Handing[],
): { route: string; unspooled: string; locations: string[] } {
  if (isDecidedByUser(directives)) return { route: handOn, unspooled: handOn, locations: [] };
  const share = `limit_conn spool ${shares};
limit_conn_dry_run on;
limit_conn_log_level info;
`;
  const most = `proxy_max_temp_file_size ${Math.floor((spoolMb * 1024) / shares)}k;\n`;
  const locations = handings.flatMap(({ suffix, lines, live, isDirect }) =>
    isDirect
      ? []
      : [
          ...(spoolMb === 0 ? [] : [location(`@spooled${suffix}`, most + lines + handOn)]),
          location(`@unspooled${suffix}`, lines + handOn),
          location(`@live${suffix}`, unbuffered + live + handOn),
        ],
  );
  return {
    route: (spoolMb === 0 ? "" : share) + goOn("$way_of_answer"),
    unspooled: goOn("$way_unspooled"),
    locations,
  };
}

/** Whether requests are handed on in the location that clients ask for, because of the user's own directives. */
export function isDecidedByUser(directives: readonly Directive[]): boolean {
  return directives.some(({ name }) => decidedByUser.has(name));
}

/** @param lines directives, one a line */
export function location(name: string, lines: string): string {
  return `location ${name} {\n${lines.replace(/^(?=.)/gm, "  ")}}\n`;
}
