import { routesOf, type Answered } from "./topology";

/** A part of what answers requests. */
export interface GraphNode {
  /** Letters, digits and underscores; the same for the same part. */
  readonly id: string;
  readonly kind: "clients" | "site" | "upstream" | "backend";
  /** Lines. */
  readonly label: readonly string[];
}

/** The way that requests take. */
export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  readonly label: string;
  /** Whether no new request takes it, or a browser only after it was sent on. */
  readonly isDashed: boolean;
}

/** Who gets which requests: clients, the names that they ask for, upstreams, backends. */
export interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

/** Names of a site that are shown; of more, how many. */
const mostNames = 4;

export function graphOf({ upstreams, sites = [], redirects = [], tls }: Answered): Graph {
  const clients: GraphNode = { id: "clients", kind: "clients", label: ["clients"] };
  const siteId = (at: number) => `site_${at}`;
  const siteNodes = sites.map(({ hosts }, at): GraphNode => {
    const names =
      hosts.length > mostNames ? [...hosts.slice(0, mostNames - 1), `and ${hosts.length - mostNames + 1} more`] : hosts;
    return { id: siteId(at), kind: "site", label: hosts.length === 0 ? ["any other name"] : names };
  });
  const scheme = tls === undefined ? "http" : tls.redirect ? "https" : "http, https";
  const asked = sites.map((_, at): GraphEdge => edge("clients", siteId(at), scheme));
  const sentOn = redirects.map(({ from }, at): GraphNode => ({ id: `redirect_${at}`, kind: "site", label: [from] }));
  const sending = redirects.flatMap(({ to }, at): GraphEdge[] => {
    const target = sites.findIndex(({ hosts }) => hosts.includes(to));
    return [
      edge("clients", `redirect_${at}`, scheme),
      ...(target < 0 ? [] : [edge(`redirect_${at}`, siteId(target), "308", true)]),
    ];
  });
  const upstreamId = (name: string) => `upstream_${upstreams.findIndex((upstream) => upstream.name === name)}`;
  const routes = sites.flatMap((site, at) =>
    routesOf({ sites: [site] }).map(({ path, upstream, strip, policy }): GraphEdge => {
      const words = [
        path,
        ...(strip === "" ? [] : [`without ${strip}`]),
        ...(policy?.isInMaintenance === true ? ["maintenance"] : []),
        ...(policy?.isPaused === true ? ["paused"] : []),
      ];
      return edge(siteId(at), upstreamId(upstream), words.join(", "));
    }),
  );
  const served = upstreams.map(({ name, method, sticky }): GraphNode => {
    const how = [...(method === "round_robin" ? [] : [method]), ...(sticky ? ["sticky"] : [])];
    return { id: upstreamId(name), kind: "upstream", label: [name, ...how] };
  });
  const backends = upstreams.flatMap(({ name: upstream, servers }, at) =>
    servers.map(({ name, weight }, number): { node: GraphNode; edge: GraphEdge } => {
      const id = `backend_${at}_${number}`;
      const share = weight === 0 ? "drains" : weight === 1 ? "" : `weight ${weight}`;
      return {
        node: { id, kind: "backend", label: [name] },
        edge: edge(upstreamId(upstream), id, share, weight === 0),
      };
    }),
  );
  return {
    nodes: [clients, ...siteNodes, ...sentOn, ...served, ...backends.map(({ node }) => node)],
    edges: [...asked, ...sending, ...routes, ...backends.map((one) => one.edge)],
  };
}

function edge(from: string, to: string, label: string, isDashed = false): GraphEdge {
  return { from, to, label, isDashed };
}

/** As a flowchart of Mermaid. https://mermaid.js.org/syntax/flowchart.html */
export function toMermaid({ nodes, edges }: Graph): string {
  const text = (lines: readonly string[]) =>
    `"${lines.map((line) => line.replace(/[#"<>&]/g, (one) => `#${one.charCodeAt(0)};`)).join("<br/>")}"`;
  const shape: Record<GraphNode["kind"], (label: string) => string> = {
    clients: (label) => `((${label}))`,
    site: (label) => `([${label}])`,
    upstream: (label) => `[${label}]`,
    backend: (label) => `[(${label})]`,
  };
  return [
    "flowchart LR",
    ...nodes.map(({ id, kind, label }) => `  ${id}${shape[kind](text(label))}`),
    ...edges.map(({ from, to, label, isDashed }) => {
      const arrow = isDashed ? "-.->" : "-->";
      return `  ${from} ${arrow}${label === "" ? "" : `|${text([label])}|`} ${to}`;
    }),
    "",
  ].join("\n");
}

/** As a graph of Graphviz. https://graphviz.org/doc/info/lang.html */
export function toDot({ nodes, edges }: Graph): string {
  const text = (lines: readonly string[]) => `"${lines.map((line) => line.replace(/["\\]/g, "\\$&")).join("\\n")}"`;
  const shape: Record<GraphNode["kind"], string> = {
    clients: 'shape=circle, fillcolor="#eeeeee"',
    site: 'shape=box, style="rounded,filled", fillcolor="#dbe9f6"',
    upstream: 'shape=box, fillcolor="#fdeccf"',
    backend: 'shape=cylinder, fillcolor="#dff0dc"',
  };
  return [
    "digraph {",
    '  rankdir=LR; node [fontname="sans-serif", fontsize=11, style=filled]; edge [fontname="sans-serif", fontsize=10];',
    ...nodes.map(({ id, kind, label }) => `  ${id} [label=${text(label)}, ${shape[kind]}];`),
    ...edges.map(
      ({ from, to, label, isDashed }) =>
        `  ${from} -> ${to} [label=${text([label])}${isDashed ? ", style=dashed" : ""}];`,
    ),
    "}",
    "",
  ].join("\n");
}
