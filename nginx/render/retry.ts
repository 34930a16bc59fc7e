import type { Directive } from "../../model/directives";
import type { Handing } from "./policy";
import { location, renderFirstTry, unbuffered } from "./spool";

/**
 * For the http block: where a request goes on that nginx has given up. It does so although another server could answer when its
 * servers change while it waits, or when all of them are left alone for what other requests have met. So the request begins
 * anew, once, if it was sent to no server, or to one, which has said nothing, and may be repeated.
 *
 * @param handing as {@link renderSpool} has it
 */
export function renderRetry(handing: string): string {
  return `  # A server of this network that lives takes a connection within a millisecond.
  proxy_connect_timeout 500ms;
  proxy_next_upstream error timeout;
  proxy_next_upstream_tries 3;
  # Bytes sent to and received from each server that was asked, with a colon where the request has begun anew. Where there was
  # no server to ask, the upstream's own name is its address.
  map "$upstream_bytes_sent;$upstream_bytes_received;$request_method;$upstream_status;$upstream_addr" $after_failure {
    volatile;
    default failed;
    "~;[a-z][a-z0-9_-]*$" later${handing};
    "~^[0, -]*;" again${handing};
    "~^[0, -]*[1-9][0-9]*[0, -]*;[0, -]*;(GET|HEAD|OPTIONS|TRACE|PUT|DELETE);" again${handing};
    "~504[^;]*;[^;]*$" failed_in_time;
  }
`;
}

/** Where the balancer's own server answers after a moment, 200 ms. */
const momentPath = "/moment";

/** For that server: nginx has no pause but the one before it refuses somebody. */
export const moment = `    location = ${momentPath} {
      auth_delay 200ms;
      auth_request /refuse;
      error_page 401 = @over;
    }

    location = /refuse {
      internal;
      return 401;
    }

    location @over {
      return 204;
    }
`;

/** Name of the upstream of the same servers that takes none out for its failures. */
export const spareOf = (upstream: string): string => `${upstream}_spare`;

/**
 * What hands requests on to the upstream that `$upstream` names, as what `$target` says, or as what they ask for where that is
 * empty: what all routes have in common, and locations of their site.
 *
 * @param directives the user's own of the server block: error pages of a location would take the place of theirs
 * @param controlSocket of the balancer's own server
 * @param handings the ways in which requests are handed on
 * @returns what routes have in common, and of them those that hand on where they are asked for
 */
export function renderHandingOn(
  directives: readonly Directive[],
  spoolMb: number,
  controlSocket: string,
  handings: readonly Handing[],
): { route: string; unspooled: string; direct: string; locations: string } {
  const pages = directives.filter(({ name }) => name === "error_page").map(({ source }) => source);
  // Else a page of the user's that is an error itself would lead to itself.
  if (pages.some((page) => /\s50[24]\s/.test(page))) pages.push("recursive_error_pages on");
  pages.unshift("error_page 502 504 = @$after_failure");
  // What has come of a body that is not received as a whole can't be sent again.
  const isWhole = !directives.some(({ name, args }) => name === "proxy_request_buffering" && args[0] === "off");
  const settings = isWhole ? pages.map((line) => `${line};\n`).join("") : "";
  const direct = `${settings}proxy_pass http://$upstream$target;\n`;
  const first = renderFirstTry(direct, spoolMb, directives, handings);
  // It may be for events; nothing of it is spooled.
  const spare = `${unbuffered}${settings}proxy_pass http://${spareOf("${upstream}")}$target;\n`;
  const ends = "recursive_error_pages on;\n";
  const locations = [
    ...first.locations,
    ...handings.flatMap(({ suffix, lines }) => [
      location(`@again${suffix}`, lines + spare),
      `${suffix === "" ? "# An nginx that has just started knows no address: it does after a moment.\n" : ""}${location(
        `@later${suffix}`,
        `auth_request /.balancer${momentPath};\n${lines}${spare}`,
      )}`,
    ]),
    location(
      `= /.balancer${momentPath}`,
      `internal;
proxy_pass_request_body off;
proxy_set_header Content-Length "";
proxy_pass http://${controlSocket}:${momentPath};
`,
    ),
    location("@failed", `${ends}return 502;\n`),
    location("@failed_in_time", `${ends}return 504;\n`),
  ];
  return { ...first, direct, locations: locations.join("\n") };
}
