import assert from "node:assert/strict";
import { instance } from "@viz-js/viz";
import { graphOf, toDot, toMermaid } from "../../model/graph";
import { parseSettings } from "../../model/settings";
import { topologyOf, type AppServer } from "../../model/topology";

const server = (app: string, number: number, weight = 1): AppServer => ({
  ...{ app, name: `${app}-${number}-aaaaaaaaaa`, port: 5000, weight, health: { path: "/", host: "a" } },
});

const apps = [
  {
    name: "shop",
    path: "shop",
    hosts: ["shop.example", "a.example", "b.example", "c.example", "d.example", "e.example", "*.f.example"],
  },
  { name: "api", path: "api", hosts: ["shop.example"], paths: ["/api"], stripPrefix: true, sticky: {} },
  { name: "rest", path: "rest" },
];
const raw = {
  apps: JSON.stringify(apps),
  backendCount: "4",
  method: "least_conn",
  redirects: JSON.stringify([{ from: "www.shop.example", to: "shop.example" }]),
  maintenance: JSON.stringify({ sites: ["a.example"] }),
};
const servers = [server("shop", 0), server("shop", 1, 3), server("api", 0), server("rest", 0), server("rest", 1, 0)];
const topology = topologyOf(parseSettings(raw, { isApp: () => true }), servers);

describe("the graph of who gets which requests", () => {
  it("shows names, routes with what holds there, upstreams and backends, for Mermaid to the character", () =>
    assert.equal(
      toMermaid(graphOf(topology)),
      `flowchart LR
  clients(("clients"))
  site_0(["shop.example"])
  site_1(["a.example"])
  site_2(["b.example<br/>c.example<br/>d.example<br/>and 2 more"])
  site_3(["any other name"])
  redirect_0(["www.shop.example"])
  upstream_0["shop<br/>least_conn"]
  upstream_1["api<br/>least_conn<br/>sticky"]
  upstream_2["backends<br/>least_conn"]
  backend_0_0[("shop-0-aaaaaaaaaa")]
  backend_0_1[("shop-1-aaaaaaaaaa")]
  backend_1_0[("api-0-aaaaaaaaaa")]
  backend_2_0[("rest-0-aaaaaaaaaa")]
  backend_2_1[("rest-1-aaaaaaaaaa")]
  clients -->|"http"| site_0
  clients -->|"http"| site_1
  clients -->|"http"| site_2
  clients -->|"http"| site_3
  clients -->|"http"| redirect_0
  redirect_0 -.->|"308"| site_0
  site_0 -->|"/"| upstream_0
  site_0 -->|"/api, without /api"| upstream_1
  site_1 -->|"/, maintenance"| upstream_0
  site_2 -->|"/"| upstream_0
  site_3 -->|"/"| upstream_2
  upstream_0 --> backend_0_0
  upstream_0 -->|"weight 3"| backend_0_1
  upstream_1 --> backend_1_0
  upstream_2 --> backend_2_0
  upstream_2 -.->|"drains"| backend_2_1
`,
    ));

  it("of a stack without hosts has any name, and nothing of methods that are as usual", () =>
    assert.equal(
      toMermaid(graphOf(topologyOf(parseSettings({}, { isApp: () => true }), [server("app1", 0)]))),
      `flowchart LR
  clients(("clients"))
  site_0(["any other name"])
  upstream_0["backends"]
  backend_0_0[("app1-0-aaaaaaaaaa")]
  clients -->|"http"| site_0
  site_0 -->|"/"| upstream_0
  upstream_0 --> backend_0_0
`,
    ));

  it("of states of before there were sites shows their backends", () =>
    assert.equal(
      toMermaid(graphOf({ upstreams: topology.upstreams.slice(0, 1) })).match(/backend_0_\d\[/g)?.length,
      2,
    ));

  it("takes what means something to Mermaid and to Graphviz as text", () => {
    const graph = graphOf({ upstreams: [{ name: 'a"<b>#&\\n', method: "round_robin", servers: [] }] });
    assert.match(toMermaid(graph), /upstream_0\["a#34;#60;b#62;#35;#38;\\n"\]/);
    assert.match(toDot(graph), /upstream_0 \[label="a\\"<b>#&\\\\n"/);
  });

  it("is a picture with all of its texts", async () => {
    const svg = (await instance()).renderString(toDot(graphOf(topology)), { format: "svg" });
    const texts = [...svg.matchAll(/<text [^>]*>([^<]*)<\/text>/g)].map(([, text]) => text);
    for (const text of [
      "shop.example",
      "and 2 more",
      "any other name",
      "308",
      "shop",
      "least_conn",
      "weight 3",
      "drains",
      "/api, without /api",
    ])
      // prettier-ignore
      assert.ok(texts.includes(text), `${text} in ${texts.join("; ")}`);
    assert.match(svg, /stroke-dasharray/);
  });
});
