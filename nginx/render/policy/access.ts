import { parseDirectives, type Directive } from "../../../model/directives";
import { releaseFolder } from "../../../model/layout";
import type { RoutePolicy } from "../../../model/policies";
import { routesOf } from "../../../model/topology";
import { headersOf, settingHeader } from "../headers";
import { location } from "../spool";
import { headerVariable } from "./headers";
import type { Policed, RouteLines } from "./index";
import { limitPages } from "./limits";
import { renderErrorPages } from "./pages";

/** What apps are asked, each once. */
function asksIn(topology: Policed): string[] {
  const all = routesOf(topology).flatMap(({ policy }) => policy?.access?.authRequest ?? []);
  return [...new Set(all.map(({ upstream, path }) => upstream + path))].sort();
}

const placeOf = (at: number) => `/.balancer/asked_${at}`;

/** Who is let in, where clients ask: access is not looked at again where requests are handed on. */
export function accessLines({ access }: RoutePolicy, topology: Policed): RouteLines {
  if (access === undefined) return {};
  const { allow, deny, users, realm, authRequest, satisfy } = access;
  const lines = [
    ...(satisfy === "any" ? ["satisfy any"] : []),
    ...deny.map((network) => `deny ${network}`),
    ...allow.map((network) => `allow ${network}`),
    ...(allow.length > 0 ? ["deny all"] : []),
    ...(users === undefined ? [] : [`auth_basic "${realm}"`, `auth_basic_user_file $users_folder/${users}`]),
    ...(authRequest === undefined ? [] : asking(authRequest, topology)),
  ];
  return { asked: lines.map((line) => `${line};\n`).join("") };
}

function asking(
  { upstream, path, headers }: NonNullable<NonNullable<RoutePolicy["access"]>["authRequest"]>,
  topology: Policed,
): string[] {
  const handedOn = headers.flatMap((name) => {
    const variable = headerVariable(topology, name);
    // Nobody is asked where `satisfy any` is satisfied before, and what the client sends is nobody's word.
    return [`set ${variable} ""`, `auth_request_set ${variable} $upstream_http_${name.toLowerCase().replaceAll("-", "_")}`]; // prettier-ignore
  });
  // nginx forgets those of the server block where a location has some.
  const around = parseDirectives(renderErrorPages(topology) + limitPages(topology) + topology.directives);
  const pages = around.filter(({ name }) => name === "error_page").map(({ source }) => source);
  return [
    `auth_request ${placeOf(asksIn(topology).indexOf(upstream + path))}`,
    ...handedOn,
    "auth_request_set $asked_cookie $upstream_http_set_cookie",
    "add_header Set-Cookie $asked_cookie always",
    ...pages,
    "error_page 500 = @undecided",
  ];
}

/** For the http block: where files of users lie. A worker of an older release goes on to read those of its own. */
export function renderAccess(topology: Policed, id: string): string {
  const isSet = routesOf(topology).some(({ policy }) => policy?.access?.users !== undefined);
  return isSet ? `  map $host $users_folder {\n    default ${releaseFolder(id)};\n  }\n` : "";
}

/** Headers of requests that would make the answer another one than yes or no. */
const conditional = "If-Match If-Modified-Since If-None-Match If-Range If-Unmodified-Since Range".split(" ");

/**
 * In each site's server block: where apps are asked who is let in.
 *
 * @param own the user's directives of the same level
 */
export function accessLocations(topology: Policed, own: readonly Directive[]): string[] {
  const asks = asksIn(topology);
  if (asks.length === 0) return [];
  const dropped = ["Connection", "Upgrade", "Content-Length", ...conditional];
  const headers = [
    ...headersOf(own, topology.proxy).filter(([name]) => !dropped.includes(name)),
    ["X-Original-URI", "$request_uri"] as const,
    ["X-Original-Method", "$request_method"] as const,
    ...dropped.map((name) => [name, ""] as const),
  ].map(settingHeader);
  const theirs = own.filter(({ name }) => name === "proxy_set_header").map(({ source }) => `${source};`);
  const places = asks.map((ask, at) =>
    location(
      `= ${placeOf(at)}`,
      `internal;\nproxy_pass_request_body off;\n${[...theirs, ...headers].join("\n")}\nproxy_pass http://${ask};\n`,
    ),
  );
  return [...places, location("@undecided", "return 503;\n")];
}

/**
 * Values of a server block as they are set once: where an app is asked, or a request waits, nginx would set them again, for the
 * request that waits. That matters to an app that is asked, and to headers of a route's own.
 */
export function setOnce(text: string, topology: Policed): string {
  const hasOwn = routesOf(topology).some(({ policy }) => Object.keys(policy?.headers?.requests ?? {}).length > 0);
  const pause = topology.pause === undefined ? "" : "|pause";
  if (asksIn(topology).length === 0 && !hasOwn && pause === "") return text;
  const isSet = (line: string) => line.startsWith("set ");
  const lines = text.split("\n");
  const once = lines.filter(isSet).map((line) => `  ${line}\n`);
  return `if ($uri !~ "^/\\.balancer/(asked_[0-9]+|moment${pause})$") {\n${once.join("")}}\n${lines.filter((line) => !isSet(line)).join("\n")}`;
}
