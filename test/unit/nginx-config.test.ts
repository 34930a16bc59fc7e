import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import {
  candidatePlace,
  directivesFile,
  livePlace,
  mainFile,
  routeFile,
  siteFile,
  type Place,
} from "../../model/layout";
import type { Certificate } from "../../model/certificates";
import { compressionRule } from "../../model/policies/compression";
import { poolName } from "../../model/routes";
import {
  merge,
  serversOf,
  topologyOf,
  withNonce,
  type AppServer,
  type Server,
  type Topology,
} from "../../model/topology";
import { releaseOf, renderFiles, showFiles } from "../../nginx/render/config";
import { settings } from "../components";

const server = (name: string, { path = "/health", ...more }: Partial<Server> & { path?: string } = {}): Server => ({
  name,
  port: 5000,
  weight: 1,
  health: { path, host: "localhost" },
  ...more,
});

const pair = [server("app1-0-aaaaaaaaaa"), server("app2-0-bbbbbbbbbb")];

type Change = Partial<Parameters<typeof topologyOf>[0]> & {
  servers?: readonly AppServer[];
  certificates?: readonly Certificate[];
};

const topology = ({ servers = pair, certificates, ...more }: Change = {}): Topology =>
  topologyOf({ ...settings, ...more }, servers, certificates);

const [app] = settings.apps as [(typeof settings.apps)[number]];

const certified = (name: string, kind: string, ...names: string[]): Certificate => ({
  ...{ name, names, kind, issuer: "CN=Root", until: "2126-01-01T00:00:00.000Z" },
});
const tls = { port: 8443, certificates: [], redirect: true, hsts: 0, hstsPreload: false, profile: "modern" } as const;
const acme = { email: "someone@example.test", directory: "https://authority.example/directory" };
const certificates = [
  certified("shop-0123", "ec", "shop.example", "www.shop.example", "api.example"),
  certified("shop-4567", "rsa", "shop.example"),
  certified("rest-89ab", "ec", "old.example", "own.example", "*.own.example"),
];

const rendered = (change: Change = {}) => showFiles(releaseOf(topology(change)).files);

const namesOf = (text: string) => [...text.matchAll(/^ *server .* route=(\S+);$/gm)].map(([, name]) => name);

/** The lines of a block, from the one that starts with `head` to the brace that closes it. */
function block(text: string, head: string): string[] {
  const lines = text.split("\n");
  const start = lines.findIndex((line) => line.trim() === `${head} {`);
  assert.notEqual(start, -1, `no block '${head}'`);
  const indent = /^ */.exec(lines[start] ?? "")?.[0] ?? "";
  const end = lines.indexOf(`${indent}}`, start);
  return lines
    .slice(start + 1, end)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}

const hosts = fc
  .uniqueArray(fc.stringMatching(/^[a-z][a-z0-9]{0,5}-[0-9]{1,2}-[0-9a-f]{10}$/), { minLength: 1, maxLength: 30 })
  .map((list) => list.map((name, at) => server(name, { weight: at % 3, port: 5000 + at })));

describe("nginx config", () => {
  const texts: [name: string, text: string][] = [
    ["default", rendered()],
    [
      "every-setting",
      rendered({
        servers: [server("app1-0-aaaaaaaaaa", { weight: 9 }), server("app2-0-bbbbbbbbbb", { port: 81, weight: 0 })],
        method: "least_conn",
        drainSeconds: 30,
        requestTimeoutSeconds: 5,
        maxBodyMb: 1,
        accessLog: "all",
        behindProxy: true,
        serverConfig: "gzip on;\nlocation /status {\n  return 204;\n}\n",
      }),
    ],
    [
      "watched",
      showFiles(
        releaseOf(
          topology({
            apps: [
              { ...app, name: "shop", hosts: ["shop.example", "*.shop.example"] },
              { ...app, name: "api", hosts: ["shop.example"], paths: ["/api"] },
            ],
            servers: ["shop", "api"].map((name) => ({ ...server(`${name}-0-aaaaaaaaaa`), app: name })),
            redirects: [{ from: "www.shop.example", to: "shop.example" }],
            headers: [{ hosts: [], paths: ["/api"], requests: {}, answers: { "X-Powered-By": "" } }],
            accessLog: "json",
            logMb: 16,
            trustedProxies: ["10.0.0.0/8"],
            metrics: { port: 9112, bindAddress: "127.0.0.1" },
          }),
        ).files,
      ),
    ],
    ["trusted-proxies", rendered({ method: "ip_hash", trustedProxies: ["10.0.0.0/8", "2001:db8::7"] })],
    [
      "tls",
      rendered({
        apps: [
          { ...app, name: "any" },
          { ...app, name: "shop", hosts: ["shop.example", "old.example"] },
          { ...app, name: "api", hosts: ["api.example"], paths: ["/v1"] },
        ],
        servers: ["any", "shop", "api"].map((name) => ({ ...server(`${name}-0`), app: name })),
        redirects: [{ from: "www.shop.example", to: "shop.example" }],
        tls: { port: 443, certificates: [], redirect: true, hsts: 31_536_000, hstsPreload: true, profile: "modern" },
        certificates,
      }),
    ],
    [
      "tls-beside-plain",
      rendered({
        tls: { port: 8443, certificates: [], redirect: false, hsts: 0, hstsPreload: false, profile: "intermediate" },
        redirects: [{ from: "www.shop.example", to: "shop.example" }],
        certificates: certificates.slice(0, 1),
      }),
    ],
    [
      "policies",
      rendered({
        apps: [
          { ...app, name: "shop", hosts: ["shop.example"] },
          { ...app, name: "api", hosts: ["shop.example"], paths: ["/api"], stripPrefix: true },
          { ...app, name: "rest" },
        ],
        servers: ["shop", "api", "rest"].map((name) => ({ ...server(`${name}-0-aaaaaaaaaa`), app: name })),
        httpConfig: "map $http_user_agent $is_robot {\n  default 0;\n  ~*bot 1;\n}\n",
        headers: [
          { hosts: [], paths: ["/"], requests: { "X-Forwarded-Prefix": "" }, answers: { "X-Powered-By": "" } },
          {
            hosts: ["shop.example"],
            paths: ["/api/v1"],
            requests: { "X-Env": 'say "$host"' },
            answers: { "X-Frame-Options": "DENY" },
          },
        ],
        locations: [
          { hosts: [], paths: ["/up"], maxBodyMb: 500, requestTimeoutSeconds: 5, idleSeconds: 600 },
          { hosts: ["shop.example"], paths: ["/own"], maxBodyMb: 1, locationConfig: "proxy_set_header X-Own a;" },
        ],
        compression: compressionRule.parse([{ paths: ["/api"], types: ["text/css"], brotli: true }]),
        cache: [{ hosts: [], paths: ["/assets"], seconds: 60 }],
        maintenance: { sites: ["shop.example"], allow: ["10.0.0.0/8"], retryAfterSeconds: 60 },
        pages: { "502.html": "<p>failed</p>\n", "maintenance.html": "<p>down</p>\n" },
      }),
    ],
    [
      "acme",
      rendered({
        apps: [
          { ...app, name: "any" },
          { ...app, name: "shop", hosts: ["shop.example", "new.example"] },
        ],
        servers: ["any", "shop"].map((name) => ({ ...server(`${name}-0`), app: name })),
        redirects: [
          { from: "www.shop.example", to: "shop.example" },
          { from: "old.example", to: "new.example" },
          { from: "older.example", to: "shop.example" },
        ],
        tls: { ...tls, acme: { ...acme, hosts: ["any.example", "new.example", "old.example", "older.example"] } },
        certificates: certificates.slice(0, 1),
      }),
    ],
    [
      "acme-beside-plain",
      rendered({
        apps: [{ ...app, hosts: ["new.example"] }],
        redirects: [{ from: "old.example", to: "new.example" }],
        tls: { ...tls, redirect: false, acme: { ...acme, hosts: [] } },
      }),
    ],
    ["candidate", showFiles(renderFiles(topology(), candidatePlace, releaseOf(topology()).id))],
    [
      "pause",
      rendered({
        apps: [
          { ...app, name: "shop", hosts: ["shop.example", "*.shop.example"] },
          { ...app, name: "api", hosts: ["shop.example"], paths: ["/api"], stripPrefix: true },
          { ...app, name: "rest", hosts: ["api.shop.example"] },
        ],
        servers: ["shop", "api", "rest"].map((name) => ({ ...server(`${name}-0-aaaaaaaaaa`), app: name })),
        locations: [{ hosts: [], paths: ["/own"], locationConfig: "proxy_set_header X-Own a;" }],
        pause: { sites: ["shop.example", "*.shop.example"], holdSeconds: 61 },
        pages: { "503.html": "<p>later</p>\\n" },
      }),
    ],
  ];
  for (const [name, text] of texts)
    it(`is test/unit/nginx-config/${name}.conf to the character; EXPECTED=write takes a wanted change over`, () => {
      const file = join(__dirname, "nginx-config", `${name}.conf`);
      if (process.env["EXPECTED"] === "write") writeFileSync(file, text);
      assert.equal(text, readFileSync(file, "utf8"));
    });

  it("lists the servers in natural order, each resolved while nginx runs", () => {
    const servers = [server("app-10"), server("app-2", { weight: 3 }), server("app-1", { port: 81, path: "/up" })];
    const text = rendered({ servers });
    assert.deepEqual(block(text, "upstream backends"), [
      "zone backends 2m;",
      "sticky route $probe_route;",
      "server app-1:81 resolve weight=1 max_fails=3 fail_timeout=2s route=app-1;",
      "server app-2:5000 resolve weight=3 max_fails=3 fail_timeout=2s route=app-2;",
      "server app-10:5000 resolve weight=1 max_fails=3 fail_timeout=2s route=app-10;",
      "keepalive 192;",
      "keepalive_requests 100000;",
      "keepalive_timeout 60s;",
    ]);
  });

  it("keeps a server of weight 0 for probes alone", () => {
    const text = rendered({ servers: [server("a", { weight: 0 })] });
    assert.ok(
      block(text, "upstream backends").includes("server a:5000 resolve drain max_fails=3 fail_timeout=2s route=a;"),
    );
  });

  it("reaches a server at its address where that is not its name", () => {
    const text = rendered({ servers: [server("a", { address: "0123456789ab" })] });
    const line = "server 0123456789ab:5000 resolve weight=1 max_fails=3 fail_timeout=2s route=a;";
    assert.ok(block(text, "upstream backends").includes(line));
  });

  const lines: [change: Change, head: string, line: string][] = [
    [{ method: "least_conn" }, "upstream backends", "least_conn;"],
    [{ method: "ip_hash" }, "upstream backends", "ip_hash;"],
    [{ method: "ip_hash", trustedProxies: ["10.0.0.0/8"] }, "upstream backends", "ip_hash;"],
    [{ method: "ip_hash", behindProxy: true }, "upstream backends", "hash $client_address consistent;"],
    [{ method: "ip_hash", behindProxy: true }, "upstream backends_spare", "hash $client_address consistent;"],
    [
      { serverConfig: "proxy_set_header X-Own a;" },
      siteFile,
      "proxy_set_header Host $host$is_request_port$request_port;",
    ],
    [
      { serverConfig: "location /a { proxy_set_header X-Own a; }" },
      siteFile,
      "proxy_set_header Host $host$is_request_port$request_port;",
    ],
    [{ method: "random" }, "upstream backends", "random two least_conn;"],
    [{ requestTimeoutSeconds: 5 }, "http", "proxy_read_timeout 5s;"],
    [{ requestTimeoutSeconds: 5 }, "http", "proxy_next_upstream_timeout 6s;"],
    [{ maxBodyMb: 3 }, "http", "client_max_body_size 3m;"],
    [{ balancerMemoryMb: 64 }, "http", "client_body_buffer_size 16k;"],
    [{ balancerMemoryMb: 1023 }, "http", "client_body_buffer_size 32k;"],
    [{ balancerMemoryMb: 1024 }, "http", "client_body_buffer_size 64k;"],
    [{ balancerMemoryMb: 65_536 }, "http", "client_body_buffer_size 128k;"],
    [{ accessLog: "off" }, "http", "access_log off;"],
    [{ accessLog: "all" }, "http", "access_log /dev/stdout balancer buffer=32k flush=1s;"],
    [{ accessLog: "json" }, "http", "access_log /var/log/balancer/access.log json buffer=64k flush=1s;"],
    [{ accessLog: "errors" }, "http", "access_log /dev/stdout balancer if=$is_error;"],
    [{ serverConfig: "return 204;" }, siteFile, "include server.conf;"],
    [{ drainSeconds: 1 }, "http", "keepalive_min_timeout 250ms;"],
    [{ drainSeconds: 10 }, "http", "keepalive_min_timeout 2500ms;"],
    [{ drainSeconds: 60 }, "http", "keepalive_min_timeout 5000ms;"],
  ];
  for (const [change, head, line] of lines) {
    it(`renders ${JSON.stringify(change)} as '${line}'`, () => {
      const file = releaseOf(topology(change)).files.find(({ name }) => name === head);
      const lines = file === undefined ? block(rendered(change), head) : file.text.split("\n");
      assert.ok(lines.includes(line));
    });
  }

  it("asks the DNS less often for many servers: once a second for 50, every 4 s for 200", () => {
    const valid = (count: number) =>
      /valid=(\d+s)/.exec(rendered({ servers: Array.from({ length: count }, (_, at) => server(`a-${at}`)) }))?.[1];
    assert.deepEqual([1, 50, 51, 200].map(valid), ["1s", "1s", "2s", "4s"]);
  });

  it("has balanced braces, one final newline and no blanks at line ends", () => {
    const text = rendered({ serverConfig: "location /x {\n  return 204;\n}\n" });
    assert.equal(text.split("{").length, text.split("}").length);
    assert.match(text, /[^\n]\n$/);
    assert.doesNotMatch(text, /[ \t]$/m);
  });

  it("refuses no servers and two of one name", () => {
    assert.throws(() => topology({ servers: [] }), new RangeError("servers: got none, expected at least one"));
    assert.throws(
      () => topology({ servers: [server("a"), server("b"), server("a")] }),
      new RangeError("servers: got a twice, expected different names"),
    );
  });

  it("shows every server exactly once in its upstream and once in the spare one, and equal sets give equal releases in whatever order they come", () => {
    fc.assert(
      fc.property(hosts, (servers) => {
        const { files, id } = releaseOf(topology({ servers }));
        const text = showFiles(files);
        for (const head of ["upstream backends", "upstream backends_spare"])
          assert.deepEqual(namesOf(block(text, head).join("\n")).sort(), servers.map(({ name }) => name).sort());
        assert.deepEqual(releaseOf(topology({ servers: [...servers].reverse() })), releaseOf(topology({ servers })));
        assert.equal(releaseOf(topology({ servers: [...servers].reverse() })).id, id);
      }),
    );
  });

  for (const [count, kept] of [
    [1, 128],
    [2, 128],
    [3, 192],
    [8, 512],
    [200, 512],
  ] as const)
    it(`keeps ${kept} connections to ${count} servers, and fewer to the spare ones`, () => {
      const servers = Array.from({ length: count }, (_, at) => server(`s${at}`));
      const text = releaseOf(topology({ servers })).files[0]?.text ?? "";
      assert.deepEqual(
        [...text.matchAll(/ keepalive (\d+);/g)].map(([, number]) => Number(number)),
        [kept, 32],
      );
    });

  it("has the user's directives in a file of their own, as they are, included in the public server block", () => {
    const directives = `set $parent "00-${"0".repeat(32)}-${"0".repeat(16)}-00"; # no ID\n\n`;
    const { id, files } = releaseOf(topology({ serverConfig: directives }));
    assert.deepEqual(
      files.map(({ name }) => name),
      [mainFile, siteFile, routeFile, directivesFile],
    );
    assert.equal(files[3]?.text, directives.replace("\n\n", "\n"));
    assert.equal((files[0]?.text ?? "").split(id).length - 1, 4);
    assert.deepEqual(
      releaseOf(topology()).files.map(({ name }) => name),
      [mainFile, siteFile, routeFile],
    );
  });

  describe("id of a release", () => {
    const { id, files } = releaseOf(topology());

    it("is carried by the text, in its head and in what a worker answers", () => {
      assert.ok(files[0]?.text.startsWith(`# The balancer's configuration, rendered from the stack's config.`));
      assert.ok(files[0]?.text.includes(`\n# release ${id}\n`));
      assert.ok(files[0]?.text.includes(`return 200 "${id}";`));
    });

    it("is another one for another text, be it the user's own", () => {
      const others = [
        { maxBodyMb: 11 },
        { serverConfig: "gzip on;" },
        { serverConfig: "gzip off;" },
        { servers: [pair[0] as Server] },
      ];
      const ids = new Set([id, ...others.map((change) => releaseOf(topology(change)).id)]);
      assert.equal(ids.size, 5);
    });

    it("tells nobody what secret directives are, and is the same for the same", () => {
      const idOf = (serverConfig: string, key: string) =>
        releaseOf(topology(withNonce({ ...settings, serverConfig }, key))).id;
      assert.notEqual(idOf("return 204;", "a"), idOf("return 204;", "b"));
      assert.equal(idOf("return 204;", "a"), idOf("return 204;", "a"));
      assert.notEqual(idOf("return 204;", "a"), idOf("return 205;", "a"));
    });

    it("is that of the live text, also where a candidate runs it", () => {
      const [main] = renderFiles(topology(), candidatePlace, id);
      assert.ok(main?.text.includes(`\n# release ${id}\n`));
      assert.equal(renderFiles(topology(), livePlace, id)[0]?.text, files[0]?.text);
    });
  });

  describe("old and new servers together", () => {
    it("have the wanted settings, and every server of both, the wanted ones as they are wanted", () => {
      fc.assert(
        fc.property(hosts, hosts, (older, newer) => {
          const wanted = topology({ servers: newer, maxBodyMb: 2 });
          const both = merge(wanted, topology({ servers: older, maxBodyMb: 1 }));
          const expected = new Set([...older, ...newer].map(({ name }) => name));
          assert.deepEqual(
            serversOf(both)
              .map(({ name }) => name)
              .sort(),
            [...expected].sort(),
          );
          for (const own of newer)
            assert.deepEqual(
              serversOf(both).find(({ name }) => name === own.name),
              { upstream: poolName, ...own },
            );
          assert.equal(both.proxy.maxBodyMb, 2);
        }),
      );
    });

    it("are the wanted topology itself when no server goes", () => {
      const wanted = topology({ servers: [server("a"), server("b")] });
      assert.deepEqual(merge(wanted, topology({ servers: [server("a")] })), wanted);
    });

    it("are brought together upstream by upstream, and none comes back with an upstream that has gone", () => {
      const wanted = topology({ servers: [server("a")] });
      const gone = { name: "gone", method: "round_robin", servers: [server("b")] } as const;
      assert.deepEqual(merge(wanted, { upstreams: [gone] }), wanted);
    });
  });

  it("takes PROXY lines at the public port of the live nginx, and nobody's word by headers then", () => {
    const change = { trustedProxies: ["10.0.0.0/8"], proxyProtocol: true, tls: { port: 8443 } as Change["tls"] };
    const listens = (place: Place) =>
      [...showFiles(renderFiles(topology(change), place, "0".repeat(16))).matchAll(/^ +listen (.*);$/gm)].map(
        ([, where]) => where,
      );
    assert.deepEqual(listens(livePlace), [
      "8080 proxy_protocol default_server backlog=4096",
      "8443 proxy_protocol ssl default_server backlog=4096",
      "unix:/tmp/nginx/control.sock",
      "unix:/tmp/nginx/probe.sock",
    ]);
    assert.doesNotMatch(listens(candidatePlace).join(), /proxy_protocol/);
    const [with_, without] = [change, {}].map((one) => releaseOf(topology({ ...one, tls: undefined })).files);
    assert.deepEqual(with_?.slice(1), without?.slice(1));
    const lines = new Set(without?.[0]?.text.split("\n"));
    assert.deepEqual(
      with_?.[0]?.text.split("\n").filter((text) => !lines.has(text) && !/[0-9a-f]{16}/.test(text)),
      [
        "  # proxyProtocol: the client is the one that a line of trustedProxies tells. Its headers are its own.",
        "  set_real_ip_from 10.0.0.0/8;",
        "  real_ip_header proxy_protocol;",
        "    listen 8080 proxy_protocol default_server backlog=4096;",
      ],
    );
  });

  it("as a candidate tells those who watch nothing", () => {
    const watched = topology({ accessLog: "json", metrics: { port: 9112, bindAddress: "127.0.0.1" } });
    const [live, candidate] = [livePlace, candidatePlace].map((place) => showFiles(renderFiles(watched, place, "0")));
    for (const text of ["access_log /var/log/balancer/", "stub_status;\n    }\n  }\n\n  # Asks"]) {
      assert.ok(live?.includes(text), text);
      assert.ok(!candidate?.includes(text), text);
    }
  });

  it("runs as a candidate in a folder of its own, without the port", () => {
    const candidate = showFiles(renderFiles(topology(), candidatePlace, "0".repeat(16)));
    assert.doesNotMatch(candidate, /\/tmp\/nginx\//);
    assert.deepEqual(
      [...candidate.matchAll(/^ +listen (\S*).*;$/gm)].map(([, where]) => where),
      ["public", "control", "probe"].map((name) => `unix:/tmp/candidate/${name}.sock`),
    );
  });
});
