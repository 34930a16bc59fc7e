import type { RoutePolicy } from "../../../model/policies";
import { routesOf } from "../../../model/topology";
import type { Policed, RouteLines } from "./index";

/** An answer of a backend is compressed whatever the request says of proxies (`Via`): this one is the proxy of the site. */
export function compressionLines({ compression }: RoutePolicy): RouteLines {
  if (compression === undefined) return {};
  const { types, minBytes, level, brotli } = compression;
  // text/html is always one of them, and nginx warns of what is said twice.
  const listed = types.filter((type) => type !== "text/html").join(" ");
  const own = (name: string) =>
    `${name} on;\n${name}_comp_level ${level};\n${name}_min_length ${minBytes};\n${listed === "" ? "" : `${name}_types ${listed};\n`}`;
  return { handOn: `${own("gzip")}gzip_proxied any;\ngzip_vary on;\n${brotli ? own("brotli") : ""}` };
}

/** Above the http block: the module that an image may have. Debian's packages tell by such a file where theirs is. */
export function renderModules(topology: Policed): string {
  const isBrotli = routesOf(topology).some(({ policy }) => policy?.compression?.brotli === true);
  return isBrotli ? "# compression.brotli\ninclude /etc/nginx/modules-enabled/*brotli*.conf;\n" : "";
}
