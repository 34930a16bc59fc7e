import { releaseFolder } from "../../../model/layout";
import { pageFile } from "../../../model/policies/pages";
import type { ReleaseFile } from "../../../model/release";
import type { Topology } from "../../../model/topology";
import { location } from "../spool";

type Paged = Pick<Topology, "pages" | "maintenance" | "pause">;

export function pageFiles({ pages = {} }: Paged): ReleaseFile[] {
  return Object.entries(pages).map(([name, text]) => ({ name, text }));
}

/** In each site's server block: the pages of nginx's own answers. A backend's answers are its own. */
export function renderErrorPages({ pages = {} }: Paged): string {
  const names = ([502, 503, 504] as const).filter((status) => pageFile(status) in pages);
  return names.map((status) => `error_page ${status} /.balancer/${pageFile(status)};\n`).join("");
}

/** @param id of the release in whose folder the pages are */
export function renderPages({ pages = {}, maintenance, pause }: Paged, id: string): string {
  const page = (name: string, more = "") =>
    location(
      `= /.balancer/${name}`,
      `internal;
types { }
default_type "text/html; charset=utf-8";
add_header Cache-Control no-store always;
${more}alias ${releaseFolder(id)}/${name};
`,
    );
  const down = pageFile("maintenance");
  const seconds = { [down]: maintenance?.retryAfterSeconds, [pageFile(503)]: pause?.holdSeconds };
  const blocks = Object.keys(pages).map((name) =>
    page(name, seconds[name] === undefined ? "" : `add_header Retry-After ${seconds[name]} always;\n`),
  );
  if (maintenance !== undefined)
    blocks.push(location("= /.balancer/maintenance", `internal;\nerror_page 503 /.balancer/${down};\nreturn 503;\n`));
  return blocks.map((block) => `\n${block}`).join("");
}
