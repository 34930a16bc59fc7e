import type { Directive } from "../../model/directives";
import { directivesFile, routeFile, siteFile, type Place } from "../../model/layout";
import type { ReleaseFile } from "../../model/release";
import type { Redirect, Route, Site, Topology } from "../../model/topology";
import { headersOf, schemeFor } from "./headers";
import { renderHandingOn } from "./retry";

/** What all sites have in common, and all of their routes, in files that their server blocks include. */
export function renderCommon(
  { directives, proxy }: Pick<Topology, "directives" | "proxy">,
  own: readonly Directive[],
  controlSocket: string,
): ReleaseFile[] {
  const { route, locations } = renderHandingOn(own, proxy.spoolMb, controlSocket);
  const site = `# In each site's server block.
set $probe_route "";
# A path that a route takes off.
set $strip "";
add_header X-Balancer-Check $balancer_check always;
# Headers that a location adds are added to these.
# https://nginx.org/en/docs/http/ngx_http_headers_module.html#add_header_inherit
add_header_inherit merge;
# docs/headers.md
${headersOf(own, proxy).join("\n")}
${directives === "" ? "" : `# serverConfig of the stack's config.\ninclude ${directivesFile};\n`}
${locations}`;
  return [
    { name: siteFile, text: site },
    { name: routeFile, text: `# In each location that clients ask for.\n${route}` },
  ];
}

/** The server blocks, that of the names which no other has first. */
export function renderSites(
  { sites, redirects, proxy }: Pick<Topology, "sites" | "redirects" | "proxy">,
  place: Place,
): string {
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
  const rest = others === undefined ? renderNobody(first) : renderSite(others, first, "localhost");
  const blocks = [
    rest,
    ...named.map((site) => renderSite(site, place.listen, site.hosts.join(" "))),
    ...redirects.map((redirect) => renderRedirect(redirect, place.listen, schemeFor(proxy))),
  ];
  return (blocks.length > 1 ? hashes : "") + blocks.join("\n");
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

function renderRedirect({ from, to }: Redirect, listen: string, scheme: string): string {
  return `  server {
    listen ${listen};
    server_name ${from};
    return 308 ${scheme}://${to}$is_request_port$request_port$request_uri;
  }
`;
}

function renderSite({ routes }: Site, listen: string, names: string): string {
  const isWhole = routes.some(({ path }) => path === "/");
  return `  server {
    listen ${listen};
    server_name ${names};
    include ${siteFile};
${routes.map(renderRoute).join("")}${isWhole ? "" : "\n    location / {\n      return 404;\n    }\n"}  }
`;
}

function renderRoute({ path, upstream, stripPrefix }: Route): string {
  const strip = stripPrefix && path !== "/" ? renderStrip(path) : "";
  const lines = `      set $upstream ${upstream};\n${strip}      include ${routeFile};\n`;
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
  return `      set $strip ${path};\n      rewrite "^${path.replaceAll(".", "\\.")}/?(.*)$" /$1 break;\n`;
}
