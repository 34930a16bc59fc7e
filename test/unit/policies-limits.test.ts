import assert from "node:assert/strict";
import { livePlace } from "../../model/layout";
import { limitSchema, limitsAt, rateOf } from "../../model/policies/limits";
import { topologyOf } from "../../model/topology";
import { renderFiles } from "../../nginx/render/config";
import { settings } from "../components";
import { problemsOf } from "../problems";

const rule = (more: object) => limitSchema.parse({ name: "api", ...more });
const servers = [{ name: "a-0", port: 1, weight: 1, health: { path: "/", host: "a" } }];

/** Texts of the files of a stack's configuration, by their names. */
function render(rules: readonly object[], more: Partial<typeof settings> & { dryRun?: boolean } = {}) {
  const { dryRun = false, ...rest } = more;
  const topology = topologyOf({ ...settings, limits: { dryRun, rules: rules.map(rule) }, ...rest }, servers);
  const files = renderFiles(topology, livePlace, "0".repeat(16)).map(({ name, text }) => [name, text] as const);
  return (name: string) => new Map(files).get(name) ?? "";
}

describe("the settings of limits", () => {
  const rate = "requests a second from 1/60 to 100000 that are whole, or so many whole ones a minute: 10, 0.5, 1/60";
  for (const [value, ...problems] of [
    [[{ name: "a", requestsPerSecond: 10 }]],
    [[{ name: "a", connections: 10, by: "header X-Api-Key", paths: ["/api"] }]],
    [[{ name: "a" }], "[0].requestsPerSecond: got nothing, expected a rate, or connections in its place, or both"],
    [
      [{ name: "a", connections: 1, burst: 2 }],
      "[0].burst: got 2, expected requestsPerSecond beside it, which it adds to",
    ],
    [
      [
        { name: "a", connections: 1 },
        { name: "b", connections: 1 },
        { name: "a", connections: 1 },
      ],
      '[2].name: got "a", expected a name other than that of limits.rules[0]',
    ],
    [
      [{ name: "Api_1", connections: 1 }],
      '[0].name: got "Api_1", expected a name of up to 40 lower-case letters, digits and hyphens, for example api',
    ],
    [
      [{ name: "a", connections: 1, by: "header" }],
      '[0].by: got "header", expected address, all, or a header: header X-Api-Key',
    ],
    ...[0, -1, 100_001, 0.51, 0.001, "1/61", "x"].map(
      (value) =>
        [
          [{ name: "a", requestsPerSecond: value }],
          `[0].requestsPerSecond: got ${JSON.stringify(value)}, expected ${rate}`,
        ] as const,
    ),
    [
      [{ name: "a", requestsPerSecond: 1, burst: 100_001 }],
      "[0].burst: got 100001, expected an integer from 0 to 100000",
    ],
    [[{ name: "a", connections: 0 }], "[0].connections: got 0, expected an integer from 1 to 65535"],
    [
      [{ name: "a", connections: 1, hosts: ["b.example"] }],
      '[0].hosts[0]: got "b.example", expected no hosts, since no app has any',
    ],
    [
      [{ name: "a", rate: 1 }],
      "[0].rate: unknown key (got 1), allowed keys are name, hosts, paths, by, requestsPerSecond, burst, connections",
    ],
    ["all", ': got "all", expected a list of up to 20 objects {name, hosts, paths, by, ...}'],
  ] as const)
    it(`are ${problems.length === 0 ? "taken" : "refused"}: ${JSON.stringify(value)}`, () => {
      const found = problemsOf({ limits: JSON.stringify({ rules: value }) });
      assert.deepEqual(
        found,
        problems.map((problem) => `limits.rules${problem}`),
      );
    });

  it("are an object", () => {
    assert.deepEqual(problemsOf({ limits: "[]" }), ["limits: got [], expected an object {dryRun, rules}"]);
  });

  it("say rates as nginx counts", () => {
    const said = [1, 60, 0.5, 1.5, 0.1, 0.7, 1 / 60, "1/60", "120/60", 100_000].map((value) => {
      const { count, per } = rateOf(value) ?? { count: 0, per: "" };
      return `${count}r/${per}`;
    });
    assert.deepEqual(said, "1r/s 60r/s 30r/m 90r/m 6r/m 42r/m 1r/m 1r/m 2r/s 100000r/s".split(" "));
  });

  it("hold all that are for a path", () => {
    const rules = [rule({ name: "a" }), rule({ name: "b", paths: ["/b"] }), rule({ name: "c", hosts: ["c.example"] })];
    const at = (host: string, path: string) =>
      limitsAt({ dryRun: false, rules }, host, path)?.rules.map(({ name }) => name);
    assert.deepEqual([at("", "/"), at("", "/b/x"), at("c.example", "/b")], [["a"], ["a", "b"], ["a", "c", "b"]]);
    assert.equal(limitsAt({ dryRun: false, rules: rules.slice(1) }, "", "/bc"), undefined);
  });
});

describe("limits in nginx's text", () => {
  const some = { requestsPerSecond: "1/60", burst: 5, connections: 9, paths: ["/api"] };
  const hash = (text: string) => text.replace(/_[0-9a-f]{10}\b/g, "_HASH");

  it("are zones, and what counts in them where a rule is for a path", () => {
    const text = render([some, { name: "all", by: "all", requestsPerSecond: 7 }]);
    const main = hash(text("nginx.conf"));
    assert.match(
      main,
      new RegExp(`  map "\\$connection_upgrade \\$http_accept" \\$way_unspooled \\{
    default @unspooled;
    "~\\^upgrade\\|text/event-stream" @live;
  \\}
  # limits: docs/policies/limits.md
  limit_req_zone all zone=requests_all_HASH:64k rate=7r/s;
  limit_req_zone \\$binary_remote_addr zone=requests_api_HASH:10m rate=1r/m;
  limit_conn_zone \\$binary_remote_addr zone=connections_api_HASH:10m;
  limit_req_status 429;
  limit_req_log_level warn;
  limit_conn_status 429;
  limit_conn_log_level warn;
`),
    );
    const [first = "", exact = ""] = main.split(/\n {4}location /).slice(1);
    assert.match(first, /^\/ \{\n {6}set \$upstream backends;\n {6}set \$retry_after 1;\n {6}limit_req zone=requests_all_HASH nodelay;\n {6}include route.conf;/); // prettier-ignore
    assert.equal(
      exact,
      `= /api {
      set $upstream backends;
      set $retry_after 63;
      limit_req zone=requests_all_HASH nodelay;
      limit_req zone=requests_api_HASH burst=5 nodelay;
      limit_conn connections_api_HASH 9;
      include unspooled.conf;
    }
`,
    );
    assert.match(text("unspooled.conf"), /try_files \/none \$way_unspooled;/);
    assert.match(
      text("site.conf"),
      /location @limited \{\n {2}default_type text\/plain;\n {2}add_header Retry-After \$retry_after always;\n {2}return 429 "Too many requests\.\\n";\n\}\n$/,
    );
  });

  const zoneOf = (rules: readonly object[], more: Parameters<typeof render>[1] = {}) =>
    /zone=(requests_\w+)/.exec(render(rules, more)("nginx.conf"))?.[1];

  it("have zones whose names stay with the key, whatever else changes, and are others with another key", () => {
    const name = zoneOf([some]);
    assert.equal(zoneOf([{ ...some, requestsPerSecond: 9, burst: 0, paths: ["/"] }]), name);
    assert.equal(zoneOf([{ name: "zoo", connections: 1 }, some], { trustedProxies: ["10.0.0.0/8"] }), name);
    const others = [zoneOf([{ ...some, by: "all" }]), zoneOf([{ ...some, by: "header A" }]), zoneOf([some], { behindProxy: true })]; // prettier-ignore
    assert.equal(new Set([name, ...others]).size, 4);
    assert.equal(zoneOf([{ ...some, by: "header x-KEY" }]), zoneOf([{ ...some, by: "header X-Key" }]));
  });

  it("go by what the proxy tells, and by the header's value", () => {
    assert.match(render([some], { behindProxy: true })("nginx.conf"), /limit_req_zone \$client_address zone/);
    assert.match(render([{ ...some, by: "header X-Api-Key" }])("nginx.conf"), /limit_req_zone \$http_x_api_key zone/);
  });

  it("only log with dryRun", () => {
    const main = render([some], { dryRun: true })("nginx.conf");
    assert.match(main, /^ {2}limit_req_dry_run on;$/m);
    assert.match(main, /^ {2}limit_conn_dry_run on;$/m);
  });

  it("leave the user's own limits where they are, which nginx would forget there, and an own page", () => {
    const serverConfig = "limit_req zone=mine;\nerror_page 429 /own;";
    const text = render([{ requestsPerSecond: 1 }], { serverConfig });
    assert.match(text("nginx.conf"), /limit_req zone=requests_\w+ nodelay;\n {6}limit_req zone=mine;\n {6}include/);
    assert.doesNotMatch(text("site.conf"), /429 = @limited/);
    assert.match(render([{ connections: 1 }])("site.conf"), /^error_page 429 = @limited;$/m);
  });

  it("are none of a stack without rules", () => {
    assert.deepEqual(render([])("nginx.conf"), render([], { dryRun: true })("nginx.conf"));
    assert.doesNotMatch(render([])("nginx.conf") + render([])("site.conf"), /429|limited|unspooled;\n +"~\^up/);
  });
});
