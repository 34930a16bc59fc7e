import { everyDirective, parseDirectives, type Directive } from "../../model/directives";
import type { ProxyPolicy } from "../../model/topology";
import { renderTrust, toldVariable } from "./proxies";

/** What becomes of a header of a request on its way to a backend, whatever the client has sent. */
export interface HeaderRule {
  readonly name: string;
  /** Value that a backend gets, with nginx's variables; empty: it does not get the header. */
  readonly value: string;
  /** The same with `behindProxy`. Default: the header as the proxy sends it. */
  readonly behindProxy?: string;
  /** The same with `trustedProxies`. Default: the header as one of them sends it, nothing from anybody else. */
  readonly trusted?: string;
  /** For people: what it is that a client could claim with it. */
  readonly why: string;
}

const both = (name: string, value: string, why: string): HeaderRule => ({
  name,
  value,
  behindProxy: value,
  trusted: value,
  why,
});
const unlessProxied = (why: string, ...names: string[]): HeaderRule[] =>
  names.map((name) => ({ name, value: "", why }));

/** All headers that are the balancer's to set or to drop. The rest of a request's headers are handed on as they are. */
export const headerRules: readonly HeaderRule[] = [
  both(
    "Host",
    "$host$is_request_port$request_port",
    "the authority that the client asks for, that of the target before that of Host (RFC 9112, 3.2.2); of a request without one: `localhost`",
  ),
  both("Connection", "$connection_upgrade", "`upgrade` for a WebSocket, else the backend's connection stays open"),
  both("Upgrade", "$websocket", "`websocket` alone, of a GET in HTTP/1.1 whose Connection says so, too: after any other protocol nothing could be looked at any more"), // prettier-ignore
  { name: "X-Real-IP", value: "$remote_addr", behindProxy: "$client_address", trusted: "$remote_addr", why: "address of the client" }, // prettier-ignore
  {
    name: "X-Forwarded-For",
    value: "$remote_addr",
    behindProxy: "$proxy_add_x_forwarded_for",
    // What stands before the client's address there is what the client has claimed.
    trusted: "$remote_addr",
    why: "addresses of the client and, with `behindProxy`, of the proxies after it",
  },
  { name: "X-Forwarded-Proto", value: "$scheme", behindProxy: "$client_scheme", trusted: "$client_scheme", why: "`http` or `https`" }, // prettier-ignore
  ...unlessProxied("what was asked of a proxy", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Server", "X-Forwarded-Uri", "X-Forwarded-Method", "X-Host", "X-Original-Host"), // prettier-ignore
  ...unlessProxied("`https`, as some frameworks read it", "X-Forwarded-Protocol", "X-Forwarded-Scheme", "X-Forwarded-Ssl", "X-Scheme", "X-Url-Scheme", "Front-End-Https"), // prettier-ignore
  ...unlessProxied("address of the client, as other proxies tell it", "Forwarded", "True-Client-IP", "X-Client-IP", "X-Cluster-Client-IP", "CF-Connecting-IP", "Fastly-Client-IP", "X-Original-Forwarded-For", "X-Envoy-External-Address"), // prettier-ignore
  ...unlessProxied("the user that a proxy has let in", "Remote-User", "X-Remote-User", "X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Groups", "X-Forwarded-Preferred-Username", "X-Auth-Request-User"), // prettier-ignore
  ...["X-Original-URL", "X-Rewrite-URL"].map((name) => both(name, "", "a path that some frameworks take in place of the request's, past the rules of a proxy")), // prettier-ignore
  both("Proxy-Connection", "", "what some clients say to a proxy about their connection to it, in place of Connection (RFC 9110, 7.6.1)"), // prettier-ignore
  both("Proxy", "", "the environment variable HTTP_PROXY of a CGI program (httpoxy)"),
];

/** The same where each request has an id. What a client says there could be another request's. */
const requestIdRule: HeaderRule = {
  name: "X-Request-ID",
  value: "$request_id",
  behindProxy: "$log_id",
  trusted: "$log_id",
  why: "what the request is found by in the log (`accessLog: json`), which the client is told, too",
};

/** Whose word on the client is taken; at most one of the two is set. */
type Trust = Pick<ProxyPolicy, "behindProxy" | "trustedProxies" | "proxyProtocol" | "requestIds">;

/** Whether the word of some is taken by headers: behind a PROXY line they are the client's own. */
const trusts = ({ trustedProxies, proxyProtocol }: Trust): boolean => trustedProxies.length > 0 && !proxyProtocol;

/** Variable with the scheme that the client uses, or a proxy in front says it does. */
export const schemeFor = (trust: Trust): string => (trust.behindProxy || trusts(trust) ? "$client_scheme" : "$scheme");

/** Variable with the client's address, or what a proxy in front says it is. */
export const clientFor = ({ behindProxy }: Trust): string => (behindProxy ? "$client_address" : "$remote_addr");

/** Variable with a request's id: nginx's own, or that of a proxy in front. */
export const requestIdFor = (trust: Trust): string =>
  trust.behindProxy || trusts(trust) ? (requestIdRule.trusted ?? "") : requestIdRule.value;

/** Variables that the rules read, for the http block. */
export function renderHeaderVariables(trust: Trust): string {
  const hasIds = trust.requestIds === true;
  const told = [
    ...headerRules.filter(({ trusted }) => trusted === undefined).map(({ name }) => name),
    ...(hasIds ? [requestIdRule.name] : []),
  ];
  return `  # Nobody leaves HTTP but a GET of HTTP/1.1 that says so in Connection, too: else a proxy in front may take what follows for requests,
  # and HTTP/2 has no upgrades (RFC 9110, 7.8; RFC 9113, 8.6).
  map "$request_method $server_protocol $http_connection" $leaving {
    default "";
    "~*^GET HTTP/1\\.1 (.*,)?[ \\t]*upgrade[ \\t]*(,|$)" websocket;
  }
  map $http_upgrade $websocket {
    default "";
    websocket $leaving;
  }
  map $websocket $connection_upgrade {
    default upgrade;
    # Empty keeps the connection to the backend open.
    "" "";
  }
${trust.behindProxy ? toldByProxy : renderTrust(trust, told)}${hasIds ? renderRequestId(trust) : ""}  # Room for the headers that backends get from here.
  proxy_headers_hash_max_size 1024;
  proxy_headers_hash_bucket_size 128;
`;
}

/** What the proxy in front tells about its client: X-Real-IP, else the last address that it has added to X-Forwarded-For. */
const toldByProxy = `  # behindProxy: what the proxy tells about its client is true.
  map "$http_x_real_ip,$http_x_forwarded_for" $client_address {
    default $remote_addr;
    "~^(?<told_address>[^, ]+)," $told_address;
    "~(?<added_address>[^, ]+) *$" $added_address;
  }
  map $http_x_forwarded_proto $client_scheme {
    default $http_x_forwarded_proto;
    "" $scheme;
  }
`;

/** What a proxy in front calls a request, unless it says nothing, or what can't be an id. */
function renderRequestId(trust: Trust): string {
  const variable = requestIdFor(trust);
  if (variable === requestIdRule.value) return "";
  const theirs = trust.behindProxy ? "$http_x_request_id" : toldVariable(requestIdRule.name);
  return `  map ${theirs} ${variable} {
    default $request_id;
    "~^[A-Za-z0-9._:/+=@-]{1,128}$" ${theirs};
  }
`;
}

/** In each site's server block: clients are told the id, and it alone. */
export const requestIdLines = (trust: Trust): string[] =>
  trust.requestIds === true
    ? [`add_header ${requestIdRule.name} ${requestIdFor(trust)} always;`, `${hideRequestId};`]
    : [];

/** What an app answers of the kind is not handed on. */
export const hideRequestId = `proxy_hide_header ${requestIdRule.name}`;

/**
 * The headers that backends get from the balancer at a level of the configuration.
 *
 * @param level the user's directives of the same level: the headers that they set are theirs
 */
export function headersOf(level: readonly Directive[], trust: Trust): [name: string, value: string][] {
  const theirs = new Set(level.filter(setsHeader).map(({ args: [name = ""] }) => name.toLowerCase()));
  const rules = trust.requestIds === true ? [...headerRules, requestIdRule] : headerRules;
  return rules.flatMap((rule) => {
    const value = trust.behindProxy
      ? rule.behindProxy
      : trusts(trust)
        ? (rule.trusted ?? toldVariable(rule.name))
        : rule.value;
    const isOurs = value !== undefined && !theirs.has(rule.name.toLowerCase());
    return isOurs ? [[rule.name, value] as [string, string]] : [];
  });
}

/** As nginx's directive. */
export function settingHeader([name, value]: readonly [name: string, value: string]): string {
  return `proxy_set_header ${name} ${value === "" ? '""' : value};`;
}

/**
 * The user's directives, with the balancer's headers in each location of theirs that sets one: there nginx forgets all that are set
 * around it. They come on the line of that header, so that nginx names the user's lines.
 *
 * @param own the headers for a level that has some directives of the user's
 * @param isLocation whether the text is itself that of a location
 */
export function withHeaders(
  text: string,
  own: (level: readonly Directive[]) => readonly (readonly [name: string, value: string])[],
  isLocation = false,
): string {
  const outermost = parseDirectives(text);
  const levels = [...(isLocation ? [outermost] : []), ...everyDirective(outermost).map(({ block = [] }) => block)];
  const places = levels.flatMap((level) => {
    const first = level.find(setsHeader);
    return first ? [{ at: first.start, headers: own(level).map(settingHeader).join(" ") }] : [];
  });
  const fromLast = places.sort((a, b) => b.at - a.at);
  return fromLast.reduce((result, { at, headers }) => `${result.slice(0, at)}${headers} ${result.slice(at)}`, text);
}

const setsHeader = ({ name }: Directive): boolean => name === "proxy_set_header";
