import assert from "node:assert/strict";
import fc from "fast-check";
import { parseSettings } from "../../model/settings";
import { covering } from "../../model/policies/scope";
import { begins } from "../../model/policies/pause";
import { pagesOf } from "../../model/policies/pages";
import { stickyOf, stickySchema, stickyToken } from "../../model/policies/sticky";
import { topologyOf } from "../../model/topology";
import { context, problemsOf } from "../problems";

const apps = JSON.stringify(
  [
    { name: "shop", path: "shop", hosts: ["shop.example", "*.shop.example"] },
    { name: "api", path: "api", hosts: ["shop.example"], paths: ["/api"], stripPrefix: true },
    { name: "rest", path: "rest", paths: ["/a"] },
  ].map((app) => ({ count: 1, ...app })),
);

describe("settings of policies", () => {
  for (const [key, value, ...problems] of [
    [
      "headers",
      [{ hosts: ["shop.exampel"] }],
      'headers[0].hosts[0]: got "shop.exampel", expected a host of an app: shop.example, *.shop.example',
    ],
    ["headers", [{ hosts: [], paths: ["/b", "/a/b"] }]],
    [
      "locations",
      [{ paths: ["/api"], maxBodyMb: 0 }],
      "locations[0].maxBodyMb: got 0, expected an integer from 1 to 1024",
    ],
    [
      "headers",
      [{ answers: { Server: "a" } }],
      "headers[0].answers.Server: got this name, expected no header that HTTP or the balancer itself needs: connection, content-length, content-encoding, content-type, date, keep-alive, server, trailer, transfer-encoding, x-balancer-*",
    ],
    [
      "headers",
      [{ answers: { "X-A": "a\nb" } }],
      "headers[0].answers.X-A: got a text that is not shown, expected an object whose keys are names of headers and whose values are printable ASCII, in which $ begins a variable of nginx",
    ],
    [
      "headers",
      [{ requests: { "X-A": "$1" } }],
      "headers[0].requests.X-A: got a text that is not shown, expected an object whose keys are names of headers and whose values are printable ASCII, in which $ begins a variable of nginx",
    ],
    [
      "headers",
      [{ requests: { "X-A": "1", "x-a": "2" } }],
      "headers[0].requests.x-a: got a text that is not shown, expected each header in one spelling",
    ],
    [
      "headers",
      [{ request: {} }],
      "headers[0].request: unknown key (got {}), allowed keys are hosts, paths, requests, answers",
    ],
    [
      "locations",
      [{ locationConfig: "listen 81;" }],
      "locations[0].locationConfig, line 1: listen is refused: `port` and `bindAddress` of the stack's config say where the balancer listens",
    ],
    [
      "locations",
      [{ locationConfig: " " }],
      'locations[0].locationConfig: got " ", expected text: nginx directives for a location block',
    ],
    [
      "httpConfig",
      "map $a $b { default a; }\nload_module modules/a.so;",
      "httpConfig, line 2: load_module is refused: it stands outside of the http block, and these directives are put into that one",
    ],
    [
      "httpConfig",
      "\nserver { }",
      "httpConfig, line 2: server is refused: what answers clients is said by apps; add to that by `serverConfig`",
    ],
    [
      "httpConfig",
      "map $a $upstream { }",
      "httpConfig, line 1: map is refused: this variable is the balancer's own; take another name",
    ],
    ["httpConfig", "map $a $b { default $upstream; }\nlimit_req_zone $a zone=a:1m rate=1r/s;"],
    [
      "maintenance",
      { sites: ["shop.example", "b.example"] },
      'maintenance.sites[1]: got "b.example", expected a host of an app: shop.example, *.shop.example',
    ],
    ["maintenance", { allow: ["10.0.0.1/8"] }, 'maintenance.allow[0]: got "10.0.0.1/8", expected 10.0.0.0/8'],
    [
      "maintenance",
      { page: "missing.html" },
      'maintenance.page: got "missing.html", expected a file that can be read, relative to the program\'s folder',
    ],
    [
      "pause",
      { sites: ["shop.example", "b.example"], holdSeconds: 10 },
      'pause.sites[1]: got "b.example", expected a host of an app: shop.example, *.shop.example',
      "pause.holdSeconds: got 10, expected less than drainSeconds, 10: whoever waits longer is cut off when nginx's old workers end",
    ],
    ["pause", { holdSeconds: 9 }],
    ["pause", { holdSeconds: 3600 }, "pause.holdSeconds: got 3600, expected an integer from 1 to 3599"],
    ["pause", {}, "pause.holdSeconds: got nothing, expected an integer from 1 to 3599"],
    ["errorPages", { 502: "large.html" }, 'errorPages.502: got "large.html", expected a file of at most 32 KiB'],
    ["errorPages", { 500: "a.html" }, 'errorPages.500: unknown key (got "a.html"), allowed keys are 502, 503, 504'],
    ["compression", [{ types: ["Text/CSS; a=b"] }], 'compression[0].types[0]: got "Text/CSS; a=b", expected text/css'],
    ["compression", [{ level: 10 }], "compression[0].level: got 10, expected an integer from 1 to 9"],
    [
      "apps",
      [
        { name: "shop", path: "shop", sticky: {} },
        { name: "blog", path: "blog", sticky: { hours: 1 } },
        { name: "rest", path: "rest", paths: ["/rest"], count: 1, sticky: { sameSite: "none", secure: false } },
      ],
      "apps[1].sticky: got an object that is not shown, expected the same as apps[0], with which it shares its requests",
      "apps[2].sticky.secure: got false, expected true beside sameSite none: browsers keep no other",
    ],
    [
      "beforeSwitch",
      [
        { app: "shop", command: ["a"] },
        { app: "rest", command: ["a", "b"] },
      ],
    ],
    [
      "beforeSwitch",
      [{ app: "shp", command: ["a"] }],
      'beforeSwitch[0].app: got "shp", expected the name of an app: shop, api, rest',
    ],
    [
      "beforeSwitch",
      ["shop", "shop"].map((app) => ({ app, command: ["a"] })),
      'beforeSwitch[1].app: got "shop", expected another app than that of beforeSwitch[0]',
    ],
    [
      "beforeSwitch",
      [{ app: "shop", command: "flask db upgrade" }],
      'beforeSwitch[0].command: got "flask db upgrade", expected a list of 1 to 100 texts, the first of which names a program',
    ],
    [
      "beforeSwitch",
      { app: "shop", command: ["a"] },
      "beforeSwitch: got an object that is not shown, expected a list of up to 100 objects {app, command}",
    ],
    ["cache", [{ seconds: -1 }], "cache[0].seconds: got -1, expected an integer from 0 to 31536000"],
    ["cache", {}, "cache: got {}, expected a list of up to 100 objects {hosts, paths, seconds}"],
  ] as const)
    it(`are ${problems.length === 0 ? "taken" : "refused"}: ${key} ${JSON.stringify(value)}`, () =>
      assert.deepEqual(
        problemsOf(
          { apps, [key]: typeof value === "string" ? value : JSON.stringify(value) },
          { readFile: (path) => (path.startsWith("large") ? "x".repeat(32769) : undefined) },
        ),
        problems,
      ));

  it("tell a pause that begins for some site from one that goes on", () => {
    const pause = (...sites: string[]) => ({ sites, holdSeconds: 1 });
    for (const [wanted, live, expected] of [
      [undefined, pause(), false],
      [pause("a"), undefined, true],
      [pause(), pause(), false],
      [pause("a"), pause(), false],
      [pause(), pause("a"), true],
      [pause("a", "b"), pause("a"), true],
      [pause("a"), pause("a", "b"), false],
    ] as const)
      assert.equal(begins(wanted, live), expected, JSON.stringify([wanted, live]));
  });

  it("change nothing unless they are set", () => {
    const { sites } = topologyOf(parseSettings({ apps }, context), servers);
    assert.ok(sites.every(({ routes }) => routes.every((route) => !("policy" in route))));
  });
});

const servers = ["shop", "api", "rest"].map((app) => ({
  app,
  name: `${app}-0`,
  port: 1,
  weight: 1,
  health: { path: "/", host: "a" },
}));

describe("scopes of policies", () => {
  const entry = (name: string, paths: string[], hosts: string[] = []) => ({ name, paths, hosts });

  it("are those of the path and all above it, the narrowest last", () => {
    const entries = [
      entry("long", ["/a/b", "/x"]),
      entry("host", ["/"], ["a.example"]),
      entry("all", ["/"]),
      entry("named", ["/a/b"], ["a.example", "b.example"]),
      entry("other", ["/a/b"], ["b.example"]),
      entry("beside", ["/a/bc", "/a/b/c"]),
    ];
    const names = (host: string, path: string) => covering(entries, host, path).map(({ name }) => name);
    assert.deepEqual(names("a.example", "/a/b"), ["all", "host", "long", "named"]);
    assert.deepEqual(names("", "/a"), ["all"]);
    assert.deepEqual(names("", "/a/bc"), ["all", "beside"]);
    assert.deepEqual(names("b.example", "/a/b/c"), ["all", "long", "other", "named", "beside"]);
  });

  it("make routes of their own below those of apps, which lead where those lead", () => {
    const raw = {
      apps,
      headers: JSON.stringify([{ hosts: ["shop.example"], paths: ["/api/v1", "/b"], requests: { A: "b" } }]),
    };
    const { sites } = topologyOf(parseSettings(raw, context), servers);
    const policy = { headers: { requests: { A: "b" }, answers: {} } };
    assert.deepEqual(sites, [
      {
        hosts: ["shop.example"],
        routes: [
          { path: "/", upstream: "shop", strip: "" },
          { path: "/api", upstream: "api", strip: "/api" },
          { path: "/api/v1", upstream: "api", strip: "/api", policy },
          { path: "/b", upstream: "shop", strip: "", policy },
        ],
      },
      { hosts: ["*.shop.example"], routes: [{ path: "/", upstream: "shop", strip: "" }] },
      { hosts: [], routes: [{ path: "/a", upstream: "rest", strip: "" }] },
    ]);
  });

  it("make no route where no app answers", () => {
    const raw = { apps, headers: JSON.stringify([{ paths: ["/"], requests: { A: "b" } }]) };
    const [, , rest] = topologyOf(parseSettings(raw, context), servers).sites;
    assert.deepEqual(
      rest?.routes.map(({ path, policy }) => [path, policy !== undefined]),
      [["/a", true]],
    );
  });

  it("say the same whatever their order, but for two of one width", () =>
    fc.assert(
      fc.property(fc.uniqueArray(fc.constantFrom("/", "/a", "/a/b", "/a/b/c"), { minLength: 1 }), (paths) => {
        const entries = paths.map((path) => entry(path, [path]));
        const sorted = [...paths].filter((path) => "/a/b".startsWith(path)).sort((a, b) => a.length - b.length);
        assert.deepEqual(
          covering(entries, "", "/a/b").map(({ name }) => name),
          sorted,
        );
      }),
    ));
});

describe("the cookie of clients that come back", () => {
  it("tells a hash of the backend's name, and is the app's own unless it is named", () => {
    assert.equal(stickyToken("shop-0-0123456789"), "734f0ecf055f3473c612");
    const app = { name: "shop", hosts: [], paths: ["/"], stripPrefix: false };
    const cookies = [{}, { cookie: "own" }].map(
      (one) => stickyOf([{ ...app, sticky: stickySchema.parse(one) }])?.cookie,
    );
    assert.deepEqual([...cookies, stickyOf([app])], ["sticky-shop", "own", undefined]);
  });
});

describe("pages", () => {
  it("are plain where none is named", () => {
    const { pages } = pagesOf({ errorPages: { 502: "a.html" }, maintenance: {} }, (path) => `text of ${path}`);
    assert.deepEqual(Object.keys(pages).sort(), ["502.html", "503.html", "504.html", "maintenance.html"]);
    assert.equal(pages["502.html"], "text of a.html");
    assert.match(pages["503.html"] ?? "", /<title>Service Unavailable<\/title>/);
    assert.match(pages["maintenance.html"] ?? "", /<title>Down for maintenance<\/title>/);
  });

  it("are none where nothing is set", () =>
    assert.deepEqual(
      pagesOf({}, () => ""),
      { pages: {}, problems: [] },
    ));
});
