import assert from "node:assert/strict";
import { configurationHash, renderNginxConfig } from "../../nginx/render/config";
import { outputsOf } from "../../scripts/pulumi";
import { describeDrift, formatStatus, type BackendStatus } from "../../scripts/status";

const text = (maxBodyMb: number) =>
  renderNginxConfig({
    servers: [{ host: "a-0-h1", port: 5000, weight: 1, healthPath: "/health" }],
    method: "round_robin",
    drainSeconds: 10,
    requestTimeoutSeconds: 60,
    maxBodyMb,
    accessLog: "errors",
    behindProxy: false,
    serverConfig: "",
  });
const wanted = text(10);
const hash = configurationHash(wanted);
const outputs = { upstreamConfig: wanted, backends: [{ alias: "a-0-h1", app: "a", containerName: "a-made" }] };
const backend: BackendStatus = {
  alias: "a-0-h1",
  app: "a",
  container: "a-made",
  health: "healthy",
  address: "192.0.2.2",
  receives: "1",
};

describe("drift", () => {
  it("is none when volume, nginx and backends are as the last update left them", () => {
    assert.deepEqual(describeDrift(outputs, wanted, hash, [backend]), []);
    assert.deepEqual(describeDrift(outputs, wanted, hash, [{ ...backend, health: "starting" }]), []);
  });

  const other = text(11);
  const cases: [what: string, args: Parameters<typeof describeDrift>, drift: string[]][] = [
    [
      "an edited configuration",
      [outputs, `${wanted}# x\n`, hash, [backend]],
      ["The configuration on the volume was edited."],
    ],
    [
      "another configuration on the volume",
      [outputs, other, hash, [backend]],
      [`The volume holds configuration ${configurationHash(other)} instead of ${hash}.`],
    ],
    [
      "another one in nginx",
      [outputs, wanted, "none", [backend]],
      [`nginx serves configuration none instead of ${hash}.`],
    ],
    ["no balancer", [outputs, undefined, undefined, [backend]], ["The balancer is not running."]],
    ...["gone", "unhealthy", "exited", "restarting", "created"].map((health): (typeof cases)[number] => [
      `a backend that is ${health}`,
      [outputs, wanted, hash, [{ ...backend, health }]],
      [`a-0-h1 is ${health}.`],
    ]),
    [
      "a backend of an update that failed",
      [outputs, wanted, hash, [backend, { ...backend, alias: "a-0-h2", health: "unhealthy" }]],
      ["a-0-h2 (unhealthy) was made by an update that did not finish: the next one removes it."],
    ],
  ];
  for (const [what, args, drift] of cases) it(`names ${what}`, () => assert.deepEqual(describeDrift(...args), drift));
});

describe("status", () => {
  it("is a line, a table and the drift", () => {
    const status = {
      url: "http://127.0.0.1:8080",
      balancer: { container: "lb", health: "healthy", configuration: hash },
      backends: [backend],
      drift: [],
    };
    assert.deepEqual(formatStatus(status).split("\n"), [
      `http://127.0.0.1:8080  lb (healthy), configuration ${hash}`,
      "┌─────────┬─────┬───────────┬─────────┬───────────┬──────────┐",
      "│ backend │ app │ container │ health  │ address   │ receives │",
      "├─────────┼─────┼───────────┼─────────┼───────────┼──────────┤",
      "│ a-0-h1  │ a   │ a-made    │ healthy │ 192.0.2.2 │ weight 1 │",
      "└─────────┴─────┴───────────┴─────────┴───────────┴──────────┘",
      "No drift.",
    ]);
    assert.match(
      formatStatus({ ...status, drift: ["x is gone."] }),
      /Drift, which `npm run up -- --refresh` repairs:\n {2}x is gone\.$/,
    );
  });
});

describe("outputs from the engine's state", () => {
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
      inputs: { stdin: wanted, environment: { BALANCER_URL: "http://127.0.0.1:8080", NETWORK: "net-1" } },
      outputs: { stdout: '{"configAfter":"x"}' },
    },
  ];

  it("are there even when an update has failed and the engine has dropped them", () => {
    assert.deepEqual(outputsOf({ resources }), {
      url: "http://127.0.0.1:8080",
      upstreamConfig: wanted,
      backends: [{ alias: "a-0-h1", app: "a", containerName: "a-made" }],
      balancer: "lb-made",
      lastChange: { configAfter: "x" },
      network: "net-1",
    });
  });

  it("are none before the first change of the balancer has worked", () => {
    assert.equal(outputsOf({ resources: resources.slice(0, 2) }), undefined);
    assert.equal(outputsOf({}), undefined);
  });
});
