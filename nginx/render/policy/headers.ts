import { parseDirectives, type Directive } from "../../../model/directives";
import type { RoutePolicy } from "../../../model/policies";
import { routesOf, type Topology } from "../../../model/topology";
import { headersOf, hideRequestId, settingHeader } from "../headers";
import { quoted } from "../words";
import type { Policed, RouteLines } from "./index";

type Kind = "requests" | "answers";

/** All headers that some route sets or drops, each in the spelling of one of them, by its name in lower case, sorted by that. */
function namesIn(topology: Policed, of: Kind): ReadonlyMap<string, string> {
  const names = routesOf(topology).flatMap(({ policy }) => [
    ...Object.keys(policy?.headers?.[of] ?? {}),
    ...(of === "requests" ? (policy?.access?.authRequest?.headers ?? []) : []),
  ]);
  return new Map(names.map((name) => [name.toLowerCase(), name] as const).sort(([a], [b]) => (a < b ? -1 : 1)));
}

const variables = { requests: "request_header", answers: "answer_header" } as const;

/** Variable with the value of a header that backends get; some route has to set it. */
export function headerVariable(topology: Policed, name: string): string {
  return `$${variables.requests}_${[...namesIn(topology, "requests").keys()].indexOf(name.toLowerCase())}`;
}

/** A route's own values. nginx adds no header whose value is empty, and hands none on. */
export function headerLines({ headers }: RoutePolicy, topology: Policed): RouteLines {
  if (headers === undefined) return {};
  const set = (of: Kind) => {
    const places = [...namesIn(topology, of).keys()];
    return Object.entries(headers[of])
      .map(([name, value]) => `set $${variables[of]}_${places.indexOf(name.toLowerCase())} ${quoted(value)};\n`)
      .join("");
  };
  const names = Object.keys(headers.answers);
  // nginx forgets those of the server block where a location has some.
  const theirs = parseDirectives(topology.directives).filter(({ name }) => name === "proxy_hide_header");
  const own = topology.proxy.requestIds === true ? [hideRequestId] : [];
  const hidden = [...theirs.map(({ source }) => source), ...own, ...names.map((name) => `proxy_hide_header ${name}`)];
  return {
    asked: set("requests") + set("answers"),
    handOn: names.length === 0 ? "" : hidden.map((line) => `${line};\n`).join(""),
  };
}

/**
 * In each site's server block: what routes set or drop, by variables that are as usual until a route says otherwise.
 *
 * @param level the user's directives of that block
 */
export function renderHeaders(topology: Policed & Pick<Topology, "proxy">, level: readonly Directive[]): string[] {
  const usual = new Map(headersOf(level, topology.proxy).map(([name, value]) => [name.toLowerCase(), value]));
  const requests = [...namesIn(topology, "requests").keys()].map((key, at) => {
    const value = usual.get(key) ?? `$http_${key.replaceAll("-", "_")}`;
    return `set $request_header_${at} ${quoted(value)};`;
  });
  const answers = [...namesIn(topology, "answers").values()].map(
    (name, at) => `add_header ${name} $answer_header_${at} always;`,
  );
  // They hold on the page of an error, too: what is set here would be set again on the way to it.
  if (answers.length > 0) answers.unshift("uninitialized_variable_warn off;");
  return [...requests, ...requestHeaders(topology, level).map(settingHeader), ...answers];
}

/** The headers that backends get from the balancer at a level of the configuration: its own, and those of routes. */
export function requestHeaders(
  topology: Policed & Pick<Topology, "proxy">,
  level: readonly Directive[],
): (readonly [name: string, value: string])[] {
  const names = [...namesIn(topology, "requests")];
  const theirs = new Set(names.map(([key]) => key));
  const said = new Set(
    level.filter(({ name }) => name === "proxy_set_header").map(({ args }) => args[0]?.toLowerCase()),
  );
  return [
    ...headersOf(level, topology.proxy).filter(([name]) => !theirs.has(name.toLowerCase())),
    ...names.flatMap(([key, name], at) => (said.has(key) ? [] : [[name, `$request_header_${at}`] as const])),
  ];
}
