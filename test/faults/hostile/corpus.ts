import { chunks } from "./chunks";
import { codings } from "./codings";
import { floods, framing } from "./floods";
import { heads } from "./heads";
import { fieldsOfHttp2 } from "./http2";
import { lengths } from "./lengths";
import type { Section } from "./row";
import { targets } from "./targets";
import { pipelines, sizes, upgrades } from "./turns";

/** All rows, by what they try. */
export const corpus: readonly Section[] = [
  { title: "Content-Length", protocol: "http/1.1", rows: lengths },
  { title: "Transfer-Encoding", protocol: "http/1.1", rows: codings },
  { title: "Chunks and trailers", protocol: "http/1.1", rows: chunks },
  { title: "Heads", protocol: "http/1.1", rows: heads },
  { title: "Methods, targets, versions", protocol: "http/1.1", rows: targets },
  { title: "Requests after one another", protocol: "http/1.1", rows: pipelines },
  { title: "Upgrades", protocol: "http/1.1", rows: upgrades },
  { title: "Sizes", protocol: "http/1.1", rows: sizes },
  { title: "Fields of HTTP/2", protocol: "h2", rows: fieldsOfHttp2 },
  { title: "Frames of HTTP/2", protocol: "h2", rows: framing },
  { title: "Floods over HTTP/2", protocol: "h2", rows: floods },
];
