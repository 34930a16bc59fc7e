import assert from "node:assert/strict";
import { groupsOf, problemsOfRoutes, type Routed } from "../../model/routes";
import { frontDoorOf } from "../../model/front-door";
import { topologyOf } from "../../model/topology";
import { livePlace } from "../../model/layout";
import { renderServers } from "../../nginx/render/sites";
import { settings } from "../components";

const app = (name: string, more: Partial<Routed> & { count?: number; weight?: number } = {}) => ({
  name,
  hosts: [],
  paths: ["/"],
  stripPrefix: false,
  ...more,
});

const sitesOf = (...apps: readonly Routed[]) =>
  topologyOf(
    { ...settings, apps: apps.map((one) => ({ ...(settings.apps[0] as (typeof settings.apps)[number]), ...one })) },
    apps.map(({ name }) => ({ app: name, name: `${name}-0`, port: 5000, weight: 1, health: { path: "/", host: "a" } })),
  );

describe("apps by what they answer", () => {
  it("share an upstream where hosts and paths are the same, in whatever order they are named", () => {
    const groups = groupsOf([
      app("a"),
      app("b", { hosts: ["x.example", "y.example"], paths: ["/b", "/c"] }),
      app("c"),
      app("d", { hosts: ["y.example", "x.example"], paths: ["/c", "/b"] }),
      app("backends", { hosts: ["z.example"] }),
    ]);
    assert.deepEqual(
      groups.map(({ upstream, apps }) => [upstream, apps.map(({ name }) => name)]),
      [
        ["backends", ["a", "c"]],
        ["b", ["b", "d"]],
        ["backends_app", ["backends"]],
      ],
    );
  });

  it("are sites of the names that lead to the same places", () => {
    const { sites, upstreams } = sitesOf(
      app("shop", { hosts: ["shop.example", "www.shop.example"] }),
      app("api", { hosts: ["shop.example"], paths: ["/api", "/api/v2"], stripPrefix: true }),
      app("rest"),
      app("up", { paths: ["/up"] }),
    );
    const route = (path: string, upstream: string, strip = "") => ({ path, upstream, strip });
    assert.deepEqual(sites, [
      {
        hosts: ["shop.example"],
        routes: [route("/", "shop"), route("/api", "api", "/api"), route("/api/v2", "api", "/api/v2")],
      },
      { hosts: ["www.shop.example"], routes: [route("/", "shop")] },
      { hosts: [], routes: [route("/", "backends"), route("/up", "up")] },
    ]);
    assert.deepEqual(
      upstreams.map(({ name, servers }) => [name, servers.map((one) => one.name)]),
      [
        ["shop", ["shop-0"]],
        ["api", ["api-0"]],
        ["backends", ["rest-0"]],
        ["up", ["up-0"]],
      ],
    );
  });
});

describe("what may be asked for", () => {
  const { sites, upstreams } = sitesOf(
    app("shop", { hosts: ["shop.example", "*.shop.example"], paths: ["/a"] }),
    app("api", { hosts: ["shop.example", "*.shop.example"], paths: ["/a/b"] }),
  );
  const named = { sites, upstreams };
  const plain = sitesOf(app("rest"), app("shop", { hosts: ["shop.example"] }));
  for (const [topology, host, path, expected] of [
    [plain, undefined, undefined, { path: "/", upstream: "backends" }],
    [plain, "shop.example", undefined, { host: "shop.example", path: "/", upstream: "shop" }],
    [plain, "other", "/x", { host: "other", path: "/x", upstream: "backends" }],
    [named, undefined, undefined, { host: "shop.example", path: "/a", upstream: "shop" }],
    [named, undefined, "/a/b", { host: "shop.example", path: "/a/b", upstream: "api" }],
    [named, "a.shop.example", "/a/b/c", { host: "a.shop.example", path: "/a/b/c", upstream: "api" }],
    [named, "shop.example", "/a/bc", { host: "shop.example", path: "/a/bc", upstream: "shop" }],
    [
      { upstreams: [{ name: "old", method: "round_robin", servers: [] }] },
      undefined,
      undefined,
      { path: "/", upstream: "old" },
    ],
  ] as const)
    it(`is ${expected.path} of ${expected.upstream} for ${host} and ${path}`, () =>
      assert.deepEqual(frontDoorOf(topology, host, path), expected));
});

describe("routes that contradict each other", () => {
  const shop = { hosts: ["shop.example"] };
  for (const [what, apps, problem] of [
    ["apps of one group", [app("a", shop), app("b", shop)], undefined],
    ["other paths of one host", [app("a", shop), app("b", { ...shop, paths: ["/b"] })], undefined],
    ["a name and one that covers it", [app("a", shop), app("b", { hosts: ["*.example"] })], undefined],
    [
      "one host of two",
      [app("a", { hosts: ["x.example", "shop.example"] }), app("b", shop)],
      "apps.1.hosts: the same hosts and paths as apps[0], with which it would share shop.example/, or others",
    ],
    [
      "one path of two",
      [app("a", { paths: ["/", "/b"] }), app("b", { paths: ["/b"] })],
      "apps.1.paths: the same hosts and paths as apps[0], with which it would share any host/b, or others",
    ],
    [
      "one that gets nothing beside another one",
      [app("a", { ...shop, weight: 0 }), app("b", { ...shop, count: 1 }), app("c")],
      undefined,
    ],
    [
      "one that gets nothing, alone",
      [app("a"), app("b", { ...shop, weight: 0 })],
      "apps.1.weight: at least 1: no other app answers shop.example/",
    ],
    [
      "two that get nothing",
      [app("a", { weight: 0, count: 2 }), app("b", { weight: 0 })],
      "apps.0.weight: at least 1: no other app answers any host/",
    ],
    [
      "one that gets nothing and has the one backend of both",
      [app("a", { weight: 0 }), app("b", shop), app("c")],
      "backendCount: at least 3, so that all that is answered has a backend",
    ],
    [
      "a path that only one takes off",
      [app("a", { paths: ["/b"] }), app("b", { paths: ["/b"], stripPrefix: true })],
      "apps.1.stripPrefix: false, as apps[0], with which it shares any host/b",
    ],
  ] as const)
    it(`are ${problem === undefined ? "none" : "found"}: ${what}`, () =>
      assert.deepEqual(
        problemsOfRoutes(apps, 2).map(({ path, expected }) => `${path.join(".")}: ${expected}`),
        problem === undefined ? [] : [problem],
      ));

  it("leave nothing that is answered without a backend", () => {
    const apps = [app("a"), app("b", shop), app("c", { hosts: ["c.example"], count: 1 })];
    const needed = (count: number) => problemsOfRoutes(apps, count).map(({ expected }) => expected);
    assert.deepEqual(needed(1), ["at least 2, so that all that is answered has a backend"]);
    assert.deepEqual(needed(2), []);
  });
});

describe("server blocks", () => {
  const blocks = (...apps: readonly Routed[]) => renderServers(sitesOf(...apps), livePlace);

  it("send browsers to another name, with the scheme that a proxy in front tells", () => {
    const redirects = [{ from: "www.a.example", to: "a.example" }];
    const lastLines = (trust: { behindProxy?: boolean; trustedProxies?: readonly string[] }) => {
      const { proxy, ...own } = sitesOf(app("a"));
      return renderServers({ ...own, redirects, proxy: { ...proxy, ...trust } }, livePlace)
        .split("\n")
        .slice(-8, -2);
    };
    assert.deepEqual(lastLines({}), [
      "  server {",
      "    listen 8080;",
      "    server_name www.a.example;",
      "    location / {",
      "      return 308 $scheme://a.example$is_request_port$request_port$request_uri;",
      "    }",
    ]);
    for (const trust of [{ behindProxy: true }, { trustedProxies: ["10.0.0.0/8"] }])
      assert.match(lastLines(trust).join(), /308 \$client_scheme:/);
  });

  it("are one for all names by default", () => {
    assert.equal(
      blocks(app("a")),
      `  server {
    listen 8080 default_server backlog=4096;
    server_name localhost;
    include site.conf;

    location / {
      set $upstream backends;
      include route.conf;
    }
  }
`,
    );
  });

  it("are shared by sites that differ in where they lead alone, wildcards and other paths among them", () => {
    const text = blocks(
      app("shop", { hosts: ["shop.example", "*.shop.example"] }),
      app("blog", { hosts: ["blog.shop.example"] }),
      app("wiki", { hosts: ["wiki.example"], paths: ["/w"] }),
      app("news", { hosts: ["news.example"], paths: ["/w"] }),
      app("taken", { hosts: ["taken.example"], paths: ["/w"], stripPrefix: true }),
      app("any"),
      app("up", { paths: ["/w"] }),
    );
    assert.equal(
      text.slice(0, text.indexOf("  # Room")),
      `  # Where a path leads, by the name that is asked for.
  map $host $upstream_of_0 {
    hostnames;
    shop.example shop;
    *.shop.example shop;
    blog.shop.example blog;
  }
  map $host $upstream_of_1 {
    hostnames;
    wiki.example wiki;
    news.example news;
    taken.example taken;
  }

`,
    );
    assert.deepEqual(
      [...text.matchAll(/server_name [^;]*/g)].map(([names]) => names),
      [
        "server_name localhost",
        "server_name shop.example *.shop.example blog.shop.example",
        "server_name wiki.example news.example",
        "server_name taken.example",
      ],
    );
    assert.deepEqual(
      [...text.matchAll(/set \$upstream (\S+);/g)].map(([, upstream]) => upstream),
      [...["backends", "up", "up"], "$upstream_of_0", ...["$upstream_of_1", "$upstream_of_1"], ...["taken", "taken"]],
    );
  });

  it("refuse names that no app has, and paths that none has", () => {
    assert.equal(
      blocks(app("a", { hosts: ["a.example", "*.a.example"], paths: ["/api.v1"], stripPrefix: true })),
      `  # Room for long names, and many.
  server_names_hash_bucket_size 512;
  server_names_hash_max_size 8192;

  # Names that no app has.
  server {
    listen 8080 default_server backlog=4096;
    return 421;
  }

  server {
    listen 8080;
    server_name a.example *.a.example;
    include site.conf;

    location = /api.v1 {
      set $upstream a;
      set $strip /api.v1;
      rewrite "(?s)^/api\\.v1/?(.*)$" /$1 break;
      include route.conf;
    }

    location /api.v1/ {
      set $upstream a;
      set $strip /api.v1;
      rewrite "(?s)^/api\\.v1/?(.*)$" /$1 break;
      include route.conf;
    }

    location / {
      return 404;
    }
  }
`,
    );
  });
});
