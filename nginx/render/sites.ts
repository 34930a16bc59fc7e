import { parseDirectives, type Directive } from "../../model/directives";
import {
  controlSocket,
  directFile,
  directivesFile,
  routeFile,
  siteFile,
  unspooledFile,
  type Place,
} from "../../model/layout";
import type { ReleaseFile } from "../../model/release";
import type { Tls } from "../../model/tls";
import type { Route, Site, Topology } from "../../model/topology";
import { renderChallenge, renderOnceCertified } from "./acme";
import { requestIdLines, schemeFor } from "./headers";
import { accessLogLines, routeLine } from "./logs";
import { handingsOf, isUnspooled, meeting, usualHanding, type Meeting } from "./policy";
import { renderCanaryLog } from "./policy/canary";
import { renderHeaders } from "./policy/headers";
import { limitLocations, limitPages } from "./policy/limits";
import { accessLocations, setOnce } from "./policy/access";
import { pauseLocations, waitingAt } from "./policy/pause";
import { pageFiles, renderErrorPages, renderPages } from "./policy/pages";
import { renderHandingOn } from "./retry";
import { goOn } from "./spool";
import { byCertificate, portOf, renderCertificates, renderNoName, restNames } from "./tls";

type Sites = Pick<Topology, "sites" | "redirects" | "directives" | "proxy" | "tls" | "accessLog">;

/** A server block that answers names of sites whose routes are alike but for where they lead. */
interface Block {
  readonly listen: string;
  readonly names: readonly string[];
  /** Lines that come first. */
  readonly more: string;
  readonly sites: readonly [Site, ...Site[]];
}

/** What all sites have in common, and all of their routes, in files that their server blocks include. */
export function renderCommon(
  topology: Omit<Topology, "upstreams" | "redirects" | "tls">,
  own: readonly Directive[],
  place: Place,
  id: string,
): ReleaseFile[] {
  const { directives, proxy } = topology;
  const handings = handingsOf(topology);
  const pages = renderErrorPages(topology) + limitPages(topology);
  const level = [...parseDirectives(pages), ...own];
  const handingOn = renderHandingOn(level, proxy.spoolMb, controlSocket(place), [usualHanding, ...handings]);
  const values = `# In each site's server block.
set $probe_route "";
# A path that a route takes off.
set $strip "";
${handings.length === 0 ? "" : '# How its requests are handed on.\nset $handing "";\n'}add_header X-Balancer-Check $balancer_check always;
# Headers that a location adds are added to these.
# https://nginx.org/en/docs/http/ngx_http_headers_module.html#add_header_inherit
add_header_inherit merge;
# docs/headers.md
${[...renderHeaders(topology, own), ...requestIdLines(proxy)].join("\n")}
${pages}${renderCanaryLog(topology, accessLogLines(topology, place))}${directives === "" ? "" : `# serverConfig of the stack's config.\ninclude ${directivesFile};\n`}
`;
  const site = `${setOnce(values, topology)}${[handingOn.locations, ...limitLocations(topology), ...accessLocations(topology, own), ...pauseLocations(topology, level, handings, id)].join("\n")}${renderPages(topology, id)}`;
  return [
    { name: siteFile, text: site },
    { name: routeFile, text: `# In each location that clients ask for.\n${handingOn.route}` },
    ...(handings.some(({ isDirect }) => isDirect)
      ? [{ name: directFile, text: `# In those of them that hand on themselves.\n${handingOn.direct}` }]
      : []),
    ...(isUnspooled(topology)
      ? [{ name: unspooledFile, text: `# The same where no share of the spool is counted.\n${handingOn.unspooled}` }]
      : []),
    ...pageFiles(topology),
  ];
}

/** The server blocks, that of the names which no other has first. */
export function renderServers(topology: Sites, place: Place): string {
  const { sites, redirects, proxy, tls } = topology;
  const [others, named] = [
    sites.find(({ hosts }) => hosts.length === 0),
    sites.filter(({ hosts }) => hosts.length > 0),
  ];
  const hashes = `  # Room for long names, and many.
  server_names_hash_bucket_size 512;
  server_names_hash_max_size 8192;

`;
  const first = `${place.listen} default_server backlog=4096`;
  // The first name is what a request without Host asks for.
  const challenge = (names: readonly string[]) =>
    tls?.acme !== undefined && !tls.redirect && names.some((name) => tls.acme?.hosts.includes(name))
      ? renderChallenge(tls.acme)
      : "";
  const rest =
    others === undefined ? renderNobody(first) : blockOf(others, first, ["localhost"], challenge(restNames(topology)));
  const plain =
    tls?.redirect === true
      ? renderToTls(topology, tls, place.listen)
      : [
          ...named.map((site) => blockOf(site, place.listen, site.hosts, challenge(site.hosts))),
          ...redirects.map(({ from, to }) =>
            renderRedirect(from, to, place.listen, schemeFor(proxy), challenge([from])),
          ),
        ];
  const blocks = merged([rest, ...plain, ...(tls === undefined ? [] : renderWithTls(topology, tls, place))]);
  const paths = sharedPaths(blocks);
  const handings = handingsOf(topology);
  const meetingOf = ({ policy, path }: Route) => {
    const met = meeting(policy, topology, handings);
    return { ...met, asked: routeLine(path, topology) + met.asked };
  };
  const texts = blocks.map((block) => (typeof block === "string" ? block : renderBlock(block, paths, meetingOf)));
  return renderLeading(paths, named) + (blocks.length > 1 ? hashes : "") + texts.join("\n");
}

/** The plain port's server blocks where it sends clients on: at once, or as soon as an authority has given a certificate. */
function renderToTls(topology: Sites, tls: Tls, listen: string): (Block | string)[] {
  const { acme } = tls;
  const suffix = portOf(tls);
  const hosts = [...topology.sites.flatMap((site) => site.hosts), ...restNames(topology)];
  const later = new Set(
    byCertificate(hosts, tls).flatMap(({ names, certificates }) => (certificates.length === 0 ? names : [])),
  );
  const atOnce = hosts.filter((host) => !later.has(host));
  const sites = topology.sites.flatMap((site) => {
    const names = (site.hosts.length === 0 ? restNames(topology) : site.hosts).filter((host) => later.has(host));
    if (names.length === 0 || acme === undefined) return [];
    const more = renderOnceCertified(acme, `https://$host${suffix}`) + renderChallenge(acme);
    return blockOf(site, listen, names, more);
  });
  const redirects = topology.redirects.map(({ from, to }) => {
    const tlsAddress = `https://${to}${suffix}`;
    if (acme === undefined) return renderSentOn(from, tlsAddress, listen);
    if (!later.has(to)) return renderSentOn(from, tlsAddress, listen, renderChallenge(acme));
    return renderRedirect(from, to, listen, "http", renderOnceCertified(acme, tlsAddress, to) + renderChallenge(acme));
  });
  return [
    ...(atOnce.length > 0 ? [renderSentOn(atOnce.join(" "), `https://$host${suffix}`, listen)] : []),
    ...sites,
    ...redirects,
  ];
}

/** The server blocks of the TLS port. */
function renderWithTls(topology: Sites, tls: Tls, place: Place): (Block | string)[] {
  const listen = `${place.tlsListen} ssl`;
  const sites = topology.sites.flatMap((site) => {
    const names = site.hosts.length === 0 ? restNames(topology) : site.hosts;
    return byCertificate(names, tls).map((group) =>
      blockOf(site, listen, group.names, renderCertificates(group.certificates, tls)),
    );
  });
  const redirects = topology.redirects.flatMap(({ from, to }) =>
    byCertificate([from], tls).map((group) =>
      renderRedirect(from, to, listen, "https", renderCertificates(group.certificates, tls)),
    ),
  );
  return [renderNoName(`${listen} default_server backlog=4096`), ...sites, ...redirects];
}

/** Refuses names that nobody serves (RFC 9110, 15.5.20). */
function renderNobody(listen: string): string {
  return `  # Names that no app has.
  server {
    listen ${listen};
    return 421;
  }
`;
}

/** Sends clients of a name to another one, at the port that they have asked at. */
function renderRedirect(from: string, to: string, listen: string, scheme: string, more: string): string {
  return renderSentOn(from, `${scheme}://${to}$is_request_port$request_port`, listen, more);
}

/** @param more lines of the block that come first */
function renderSentOn(names: string, to: string, listen: string, more = ""): string {
  return `  server {
    listen ${listen};
    server_name ${names};
${more}    location / {
      return 308 ${to}$request_uri;
    }
  }
`;
}

function blockOf(site: Site, listen: string, names: readonly string[], more: string): Block {
  return { listen, names, more, sites: [site] };
}

/** Sites of one shape share a block: hundreds would take four times the memory, and nginx almost three times as long to read. */
function merged(blocks: readonly (Block | string)[]): (Block | string)[] {
  const result = new Map<string, Block | string>();
  for (const block of blocks) {
    if (typeof block === "string") {
      result.set(block, block);
      continue;
    }
    const { listen, more, names, sites } = block;
    const [{ hosts, routes }] = sites;
    const shape = [hosts.length === 0, routes.map((route) => ({ ...route, upstream: "" }))];
    const key = JSON.stringify([listen, more, shape]);
    const same = result.get(key) as Block | undefined;
    result.set(key, same ? { ...same, names: [...same.names, ...names], sites: [...same.sites, ...sites] } : block);
  }
  return [...result.values()];
}

/** The block's routes, and whether each leads to more than one upstream. */
function routesOf({ sites }: Block): { route: Route; isShared: boolean }[] {
  return sites[0].routes.map((route, at) => ({
    route,
    isShared: sites.some(({ routes }) => routes[at]?.upstream !== route.upstream),
  }));
}

/** The paths that lead to more than one upstream in some block. */
function sharedPaths(blocks: readonly (Block | string)[]): string[] {
  const routes = blocks.flatMap((block) => (typeof block === "string" ? [] : routesOf(block)));
  return [...new Set(routes.flatMap(({ route, isShared }) => (isShared ? route.path : [])))].sort();
}

/** For the http block: where such paths lead, by the name that is asked for. */
function renderLeading(paths: readonly string[], sites: readonly Site[]): string {
  const maps = paths.map((path, at) => {
    const lines = sites.flatMap(({ hosts, routes }) => {
      const route = routes.find((one) => one.path === path);
      return route === undefined ? [] : hosts.map((host) => `    ${host} ${route.upstream};\n`);
    });
    return `  map $host $upstream_of_${at} {
    hostnames;
${lines.join("")}  }
`;
  });
  return maps.length === 0 ? "" : `  # Where a path leads, by the name that is asked for.\n${maps.join("")}\n`;
}

/** @param paths those that {@link renderLeading} has a map for */
function renderBlock(block: Block, paths: readonly string[], meetingOf: (route: Route) => Meeting): string {
  const { listen, names, more } = block;
  const routes = routesOf(block);
  const isWhole = routes.some(({ route }) => route.path === "/");
  const rendered = routes.map(({ route, isShared }) =>
    renderRoute(
      isShared ? { ...route, upstream: `$upstream_of_${paths.indexOf(route.path)}` } : route,
      meetingOf(route),
    ),
  );
  return `  server {
    listen ${listen};
    server_name ${names.join(" ")};
${more}    include ${siteFile};
${rendered.join("")}${isWhole ? "" : "\n    location / {\n      return 404;\n    }\n"}  }
`;
}

const indented = (lines: string) => lines.replace(/^(?=.)/gm, "      ");

function renderRoute(
  { path, upstream, strip }: Route,
  { asked, isUnspooled: isApart, isHeld, handing }: Meeting,
): string {
  const { suffix, lines: handOn, isDirect } = handing;
  const policy = [...(suffix === "" ? [] : [`set $handing ${suffix};\n`]), asked, ...(isDirect ? [handOn] : [])];
  const file = isDirect ? directFile : isApart ? unspooledFile : routeFile;
  const further = isHeld ? goOn(waitingAt(handing)) : `include ${file};\n`;
  const lines = `      set $upstream ${upstream};
${indented(policy.join(""))}${strip === "" ? "" : renderStrip(strip)}${indented(further)}`;
  // `/api` and all that is below it, but not `/apis`.
  const heads = path === "/" ? ["/"] : [`= ${path}`, `${path}/`];
  return heads.map((head) => `\n    location ${head} {\n${lines}    }\n`).join("");
}

/**
 * For the http block: what a backend is asked for where a route takes a path off; else, and where the client has written that path
 * in another way, empty. The rest is left byte for byte as the client has sent it. What climbs (`..`) is handed on as nginx reads it.
 */
export const target = `  map "$strip $request_uri" $target {
    default "";
    "~^(\\S+) \\1(?<stripped>/(?:(?!\\.\\.|%2[eE])[^?])*(?:\\?.*)?)$" $stripped;
  }
`;

function renderStrip(path: string): string {
  return `      set $strip ${path};\n      rewrite "(?s)^${path.replaceAll(".", "\\.")}/?(.*)$" /$1 break;\n`;
}
