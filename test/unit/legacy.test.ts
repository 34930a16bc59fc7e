import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { serversOf, type Server } from "../../model/topology";
import { readLegacyStep, readLegacyText } from "../../rollout/legacy/text";

/** Texts as the last version that read them back has rendered them. */
const recorded = (name: string) => readFileSync(join(__dirname, "..", "fixtures", "takeover", name), "utf8");

const server = (name: string, port: number, weight: number, path: string): Server => ({
  name,
  port,
  weight,
  health: { path, host: "localhost" },
});

const texts: readonly { readonly name: string; readonly id: string; readonly servers: readonly Server[] }[] = [
  {
    name: "every-setting.conf",
    id: "a897e909a67fce30",
    servers: [
      server("api-0-5f6071829a", 8000, 0, "/api/v1/ready?deep=1"),
      server("shop-0-0a1b2c3d4e", 5000, 9, "/health"),
      server("shop-1-0a1b2c3d4e-2", 5000, 9, "/health"),
    ],
  },
  {
    name: "many-servers.conf",
    id: "5170271af3aeac6d",
    servers: Array.from({ length: 60 }, (_, index) =>
      server(`app-${index}-0123456789`, 5000 + (index % 2), index % 3 === 0 ? 100 : 1, "/"),
    ),
  },
];

describe("text of balancers made before releases had a record", () => {
  for (const { name, id, servers } of texts)
    it(`${name}: its servers, and nothing of the directives`, () => {
      const volume = readLegacyText(recorded(name));
      assert.deepEqual(volume?.release?.upstreams, [{ name: "backends", method: "round_robin", servers }]);
      assert.deepEqual([volume?.release?.id, volume?.release?.containers, volume?.intact], [id, {}, true]);
    });

  const text = recorded("every-setting.conf");
  const edits: Readonly<Record<string, (text: string) => string>> = {
    "another value": (before) => before.replace("client_max_body_size 1m", "client_max_body_size 2m"),
    "a server less": (before) => before.replace(/^ {4}server shop-0.*\n/m, ""),
    "another health path": (before) => before.replace("# health: /health", "# health: /"),
    "no newline at the end": (before) => before.trimEnd(),
    "a directive of the user's": (before) => before.replace("gzip on", "gzip off"),
    "another hash in its comment": (before) =>
      before.replace(/^# configuration .*/m, `# configuration ${"a".repeat(16)}`),
  };
  for (const [what, edit] of Object.entries(edits))
    it(`is not intact with ${what}`, () => {
      const edited = edit(text);
      assert.notEqual(edited, text);
      assert.equal(readLegacyText(edited)?.intact, false);
    });

  const others: Readonly<Record<string, string>> = {
    nothing: "",
    "another program's": "events {}\nhttp {\n  upstream backends {\n    server app:80;\n  }\n}\n",
    "a text without the line of its hash": text.replace(/^# configuration .*\n/m, ""),
    "a text without a server": text.replace(/^ {4}server .* # health: .*\n/gm, ""),
    "a record of today": '{ "schema": 1, "id": "0123456789abcdef" }\n',
    "the first half": text.slice(0, text.indexOf("upstream backends")),
  };
  for (const [what, other] of Object.entries(others))
    it(`is not seen in ${what}`, () => assert.equal(readLegacyText(other), undefined));
});

describe("step in the state of such a balancer", () => {
  it("tells address and servers", () => {
    const variables = { BALANCER_URL: "http://127.0.0.1:8080", NETWORK: "backends-network-1", GENERATION: "7" };
    const step = readLegacyStep(recorded("every-setting.conf"), variables);
    assert.deepEqual(step?.destination, { url: "http://127.0.0.1:8080" });
    assert.equal(step.id, "a897e909a67fce30");
    assert.deepEqual(
      serversOf(step.topology).map(({ name }) => name),
      ["api-0-5f6071829a", "shop-0-0a1b2c3d4e", "shop-1-0a1b2c3d4e-2"],
    );
  });

  it("is none where it installs another text", () => assert.equal(readLegacyStep("events {}\n", {}), undefined));
});
