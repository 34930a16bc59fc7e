import assert from "node:assert/strict";
import { topologyOf } from "../../model/topology";
import { releaseOf, showFiles } from "../../nginx/render/config";
import type { ObservedContainer } from "../../rollout/observed";
import { outputsOf } from "../../scripts/pulumi";
import { describeDrift, formatStatus, type BackendStatus } from "../../scripts/status";
import { settings } from "../components";
import { containerOf, observedOf } from "../observed";

const release = releaseOf(
  topologyOf(settings, [{ name: "a-0-h1", port: 5000, weight: 1, health: { path: "/health", host: "localhost" } }]),
);
const outputs = {
  release,
  backends: [{ alias: "a-0-h1", app: "a", containerName: "a-made" }],
  listens: ["127.0.0.1:8080"],
  exporterListens: [],
};
const whole = { ...observedOf(release), images: [] as readonly string[] };
const [backend, balancer, entry] = whole.containers as [ObservedContainer, ObservedContainer, ObservedContainer];
const { volume } = whole;

describe("drift", () => {
  it("is none when volume, nginx and backends are as the last update left them", () => {
    assert.deepEqual(describeDrift(outputs, whole), []);
    const starting = { ...whole, containers: [{ ...backend, health: "starting" }, balancer, entry] };
    assert.deepEqual(describeDrift(outputs, starting), []);
  });

  const other = "0".repeat(16);
  const stray = { ...containerOf("a-0-h2"), health: "unhealthy" };
  const cases: [what: string, observed: Partial<typeof whole>, drift: string[]][] = [
    [
      "an edited configuration",
      { volume: { ...volume, intact: false } },
      ["The configuration on the volume was edited."],
    ],
    [
      "a volume whose books can't be read",
      { volume: { release: undefined, intact: false } },
      ["The balancer's volume holds no configuration that was installed."],
    ],
    [
      "another configuration on the volume",
      { volume: { ...volume, release: volume.release && { ...volume.release, id: other } }, served: other },
      [`The volume holds configuration ${other} instead of ${release.id}.`],
    ],
    ["another one in nginx", { served: other }, [`nginx serves configuration ${other} instead of ${release.id}.`]],
    [
      "a backend that is off its network, a container of before apps had their own not among them",
      { containers: [{ ...backend, networks: ["database"] }, { ...backend, network: "" }, balancer, entry] },
      ["a-0-h1 is off its network."],
    ],
    [
      "a balancer that is off the network of an app",
      { containers: [backend, { ...balancer, networks: ["front"] }, entry] },
      ["The balancer is off the network of a."],
    ],
    ["no balancer", { containers: [backend, entry], served: undefined }, ["The balancer is gone."]],
    [
      "a balancer that was stopped",
      {
        containers: [backend, { ...balancer, state: "exited" }, entry],
        served: undefined,
        volume: { ...volume, intact: undefined },
      },
      ["The balancer is exited."],
    ],
    [
      "a balancer that ended after it was listed",
      { served: undefined, volume: { ...volume, intact: undefined } },
      ["The balancer does not say what it serves: it ends or begins just now."],
    ],
    [
      "a published port that is dead",
      { unreachable: ["http://127.0.0.1:8080"] },
      ["Nothing accepts connections at http://127.0.0.1:8080."],
    ],
    ["no entry", { containers: [backend, balancer] }, ["The entry of 127.0.0.1:8080 is gone."]],
    [
      "an entry that was stopped",
      { containers: [backend, balancer, { ...entry, state: "exited" }], unreachable: ["http://127.0.0.1:8080"] },
      ["The entry of 127.0.0.1:8080 is exited."],
    ],
    [
      "a balancer of before there were entries, whose port is dead",
      {
        containers: [backend, { ...balancer, ports: "127.0.0.1:8080->8080/tcp" }],
        unreachable: ["http://127.0.0.1:8080"],
      },
      ["Nothing accepts connections at http://127.0.0.1:8080."],
    ],
    ["a backend that is gone", { containers: [balancer, entry] }, ["a-0-h1 is gone."]],
    [
      "an unhealthy backend",
      { containers: [{ ...backend, health: "unhealthy" }, balancer, entry] },
      ["a-0-h1 is unhealthy."],
    ],
    ...["exited", "restarting", "created", "paused"].map((state): (typeof cases)[number] => [
      `a backend that is ${state}`,
      { containers: [{ ...backend, state, health: "none" }, balancer, entry] },
      [`a-0-h1 is ${state}.`],
    ]),
    [
      "a backend of an update that failed",
      { containers: [stray, backend, balancer, entry] },
      ["a-0-h2 (unhealthy) was made by an update that did not finish: the next one removes it."],
    ],
    [
      "an image of an update that was killed",
      { images: ["nginx-load-balancer/dev/a:h2"] },
      ["Image nginx-load-balancer/dev/a:h2 was built by an update that did not finish: the next one removes it."],
    ],
  ];
  it("names what answers no Prometheus, and nothing else of it", () => {
    const asked = { ...outputs, exporterListens: ["127.0.0.1:9112", "127.0.0.1:9113"] };
    const [metrics, connections] = (["metrics", "connections"] as const).map((role, at) =>
      containerOf("", { id: role, role, health: "none", listen: asked.exporterListens[at] ?? "" }),
    ) as [ObservedContainer, ObservedContainer];
    const driftOf = (...more: ObservedContainer[]) =>
      describeDrift(asked, { ...whole, containers: [...more, ...whole.containers] });
    assert.deepEqual(driftOf(metrics, connections), []);
    assert.deepEqual(driftOf({ ...metrics, state: "exited" }), [
      "What answers a Prometheus at 127.0.0.1:9112 is exited.",
      "What answers a Prometheus at 127.0.0.1:9113 is gone.",
    ]);
    // One that an update has made which did not finish runs beside it.
    assert.deepEqual(driftOf({ ...metrics, id: "newer", state: "created" }, metrics, connections), []);
  });

  for (const [what, observed, drift] of cases)
    it(`names ${what}`, () => assert.deepEqual(describeDrift(outputs, { ...whole, ...observed }), drift));
});

describe("status", () => {
  const shown: BackendStatus = {
    alias: "a-0-h1",
    app: "a",
    container: "a-made",
    health: "healthy",
    address: "192.0.2.2",
    receives: "1",
  };

  it("is a line, a table and the drift", () => {
    const status = {
      url: "http://127.0.0.1:8080",
      urls: ["http://127.0.0.1:8080"],
      certificates: [],
      balancer: { container: "lb", health: "healthy", configuration: release.id },
      backends: [shown],
      metrics: [],
      routes: [{ hosts: [], path: "/", backends: ["a-0-h1"] }],
      drift: [],
    };
    assert.deepEqual(formatStatus(status).split("\n"), [
      `http://127.0.0.1:8080  lb (healthy), configuration ${release.id}`,
      "┌─────────┬─────┬───────────┬─────────┬───────────┬──────────┐",
      "│ backend │ app │ container │ health  │ address   │ receives │",
      "├─────────┼─────┼───────────┼─────────┼───────────┼──────────┤",
      "│ a-0-h1  │ a   │ a-made    │ healthy │ 192.0.2.2 │ weight 1 │",
      "└─────────┴─────┴───────────┴─────────┴───────────┴──────────┘",
      "No drift.",
    ]);
    const metrics = [
      { url: "http://127.0.0.1:9112/metrics", health: "running" },
      { url: "http://127.0.0.1:9113/metrics", health: "gone" },
    ];
    assert.ok(
      formatStatus({ ...status, metrics }).endsWith(
        "┘\nMetrics: http://127.0.0.1:9112/metrics (running), http://127.0.0.1:9113/metrics (gone)\nNo drift.",
      ),
    );
    assert.ok(
      formatStatus({ ...status, drift: ["x is gone."] }).endsWith(
        "\nDrift, which `npm run up -- --refresh` repairs:\n  x is gone.",
      ),
    );
  });
});

it("status has the routes, where there is more to tell than one for all names, and when certificates end", () => {
  const many = ["a-0", "a-1", "a-2", "a-3"];
  const routes = [
    { hosts: [], path: "/", backends: ["rest-0"] },
    { hosts: ["shop.example", "www.shop.example"], path: "/api", backends: many },
  ];
  const balancer = { container: "lb", health: "healthy", configuration: release.id };
  const urls = ["http://127.0.0.1:8080", "https://127.0.0.1:8443"];
  const certificate = { names: ["a.example", "b.example"], issuer: "CN=Root", until: "2126-01-02T00:00:00.000Z" };
  const certificates = [21, 20].map((daysLeft) => ({ ...certificate, daysLeft, isRenewed: false }));
  certificates.push({ ...certificate, daysLeft: 2, isRenewed: true });
  const text = formatStatus({ url: "", urls, certificates, balancer, backends: [], metrics: [], routes, drift: [] });
  assert.match(text, /^http:\/\/127\.0\.0\.1:8080 https:\/\/127\.0\.0\.1:8443 {2}lb/);
  assert.match(text, /│ a\.example, b\.example │ CN=Root +│ 2126-01-02 │ 21 +│\n│.*│ 20: renew it │\n│.*│ 2 +│/);
  assert.match(text, /│ any +│ \/ +│ rest-0 +│\n│ shop\.example www\.shop\.example │ \/api │ a-0, a-1 and 2 more │/);
});

describe("outputs from the engine's state", () => {
  const change = {
    schema: 1,
    id: release.id,
    topology: release.topology,
    destination: { url: "http://127.0.0.1:8080" },
  };
  const label = (key: string, value: string) => ({ label: `nginx-load-balancer.${key}`, value });
  const resources = [
    {
      type: "docker:index/container:Container",
      urn: "urn::backends-a-0",
      outputs: { name: "a-made", labels: [label("role", "backend"), label("app", "a"), label("alias", "a-0-h1")] },
    },
    {
      type: "docker:index/container:Container",
      urn: "urn::balancer-nginx",
      outputs: { name: "lb-made", labels: [label("role", "balancer")] },
    },
    {
      type: "command:local:Command",
      urn: "urn::balancer-installed",
      inputs: { stdin: showFiles(release.files), environment: { RELEASE: JSON.stringify(change) } },
      outputs: { stdout: '{"configAfter":"x"}' },
    },
  ];
  const installed = {
    url: "http://127.0.0.1:8080",
    urls: ["http://127.0.0.1:8080"],
    listens: [],
    exporters: [],
    exporterListens: [],
    release: change,
    upstreamConfig: showFiles(release.files),
    backends: [{ alias: "a-0-h1", app: "a", containerName: "a-made" }],
    balancer: "lb-made",
    lastChange: { configAfter: "x" },
  };

  it("are there even when an update has failed and the engine has dropped them", () => {
    assert.deepEqual(outputsOf({ resources }), installed);
  });

  it("are there when they are secret", () => {
    const secret = (value: unknown) => ({ plaintext: JSON.stringify(value) });
    const [step] = resources.slice(2) as [(typeof resources)[number]];
    const inputs = { stdin: secret(step.inputs?.stdin), environment: secret(step.inputs?.environment) };
    assert.deepEqual(outputsOf({ resources: [...resources.slice(0, 2), { ...step, inputs }] }), installed);
  });

  it("are none before the first change of the balancer has worked", () => {
    assert.equal(outputsOf({ resources: resources.slice(0, 2) }), undefined);
    assert.equal(outputsOf({}), undefined);
  });
});
