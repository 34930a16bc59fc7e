import type { Place } from "../../model/layout";
import type { ProxyPolicy } from "../../model/topology";

/** Variable with a header of the request as a trusted proxy sends it; from any other peer it is empty. */
export function toldVariable(header: string): string {
  return `$told_${suffixOf(header)}`;
}

/**
 * For the http block: whose word is taken. nginx then has the client's address in the proxy's place for all that goes by it:
 * `$remote_addr`, its log, ip_hash.
 *
 * @param headers that reach backends as such a proxy sends them
 * @see https://nginx.org/en/docs/http/ngx_http_realip_module.html
 */
export function renderTrust(
  { trustedProxies: networks, proxyProtocol }: Pick<ProxyPolicy, "trustedProxies" | "proxyProtocol">,
  headers: readonly string[],
): string {
  if (networks.length === 0) return "";
  const theirs = networks.map((network) => `  set_real_ip_from ${network};`).join("\n");
  if (proxyProtocol)
    return `  # proxyProtocol: the client is the one that a line of trustedProxies tells. Its headers are its own.
${theirs}
  real_ip_header proxy_protocol;
`;
  return `  # trustedProxies: the client is the last address of X-Forwarded-For that is none of theirs.
${theirs}
  real_ip_header X-Forwarded-For;
  real_ip_recursive on;
  # Whether they, and nobody else, have sent the request.
  geo $realip_remote_addr $from_proxy {
    default 0;
${networks.map((network) => `    ${network} 1;`).join("\n")}
  }
  map $from_proxy$http_x_forwarded_proto $client_scheme {
    default $scheme;
    "~^1(?<told_scheme>.+)" $told_scheme;
  }
${headers.map((name) => `  map $from_proxy ${toldVariable(name)} {\n    1 $http_${suffixOf(name)};\n  }\n`).join("")}`;
}

/** A place whose public servers take PROXY lines. The candidate's take none: only the step that tries it asks there. */
export function withProtocol(place: Place, { proxyProtocol }: Pick<ProxyPolicy, "proxyProtocol">): Place {
  if (!proxyProtocol || place.listen.startsWith("unix:")) return place;
  const [listen, tlsListen] = [place.listen, place.tlsListen].map((where) => `${where} proxy_protocol`) as [
    string,
    string,
  ];
  return { ...place, listen, tlsListen };
}

/** A header's name as nginx's variables have it. */
function suffixOf(header: string): string {
  return header.toLowerCase().replaceAll("-", "_");
}
