import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import {
  asCandidate,
  configurationHash,
  isIntact,
  probesOf,
  renderNginxConfig,
  seal,
  serverLines,
  withServersOf,
  type BalancerSpec,
  type UpstreamServer,
} from "../../nginx/render/config";

const server = (host: string, more: Partial<UpstreamServer> = {}): UpstreamServer => ({
  host,
  port: 5000,
  weight: 1,
  healthPath: "/health",
  ...more,
});

const spec = (more: Partial<BalancerSpec> = {}): BalancerSpec => ({
  servers: [server("app1-0-aaaaaaaaaa"), server("app2-0-bbbbbbbbbb")],
  method: "round_robin",
  drainSeconds: 10,
  requestTimeoutSeconds: 60,
  maxBodyMb: 10,
  accessLog: "errors",
  behindProxy: false,
  serverConfig: "",
  ...more,
});

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
  .map((list) => list.map((host, at) => server(host, { weight: at % 3, port: 5000 + at })));

describe("nginx config", () => {
  const texts: [name: string, text: string][] = [
    ["default", renderNginxConfig(spec())],
    [
      "every-setting",
      renderNginxConfig({
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
    ["candidate", asCandidate(renderNginxConfig(spec()))],
  ];
  for (const [name, text] of texts)
    it(`is test/unit/nginx-config/${name}.conf to the character; EXPECTED=write takes a wanted change over`, () => {
      const file = join(__dirname, "nginx-config", `${name}.conf`);
      if (process.env["EXPECTED"] === "write") writeFileSync(file, text);
      assert.equal(text, readFileSync(file, "utf8"));
    });

  it("lists the servers in natural order, each resolved while nginx runs", () => {
    const text = renderNginxConfig(
      spec({
        servers: [server("app-10"), server("app-2", { weight: 3 }), server("app-1", { port: 81, healthPath: "/up" })],
      }),
    );
    assert.deepEqual(block(text, "upstream backends"), [
      "zone backends 2m;",
      "sticky route $probe_route;",
      "server app-1:81 resolve weight=1 max_fails=3 fail_timeout=2s route=app-1; # health: /up",
      "server app-2:5000 resolve weight=3 max_fails=3 fail_timeout=2s route=app-2; # health: /health",
      "server app-10:5000 resolve weight=1 max_fails=3 fail_timeout=2s route=app-10; # health: /health",
      "keepalive 512;",
      "keepalive_requests 100000;",
      "keepalive_timeout 60s;",
    ]);
  });

  it("keeps a server of weight 0 for probes alone", () => {
    assert.match(
      renderNginxConfig(spec({ servers: [server("a", { weight: 0 })] })),
      /server a:5000 resolve drain max_fails/,
    );
  });

  const lines: [change: Partial<BalancerSpec>, head: string, line: string][] = [
    [{ method: "least_conn" }, "upstream backends", "least_conn;"],
    [{ method: "ip_hash" }, "upstream backends", "ip_hash;"],
    [{ method: "random" }, "upstream backends", "random two least_conn;"],
    [{ requestTimeoutSeconds: 5 }, "http", "proxy_read_timeout 5s;"],
    [{ requestTimeoutSeconds: 5 }, "http", "proxy_next_upstream_timeout 5s;"],
    [{ maxBodyMb: 3 }, "http", "client_max_body_size 3m;"],
    [{ accessLog: "off" }, "http", "access_log off;"],
    [{ accessLog: "all" }, "http", "access_log /dev/stdout balancer buffer=32k flush=1s;"],
    [{ accessLog: "errors" }, "http", "access_log /dev/stdout balancer if=$is_error;"],
    [{ serverConfig: "gzip on;\nreturn 204;" }, "server", "return 204;"],
    [{ drainSeconds: 1 }, "http", "keepalive_time 250ms;"],
    [{ drainSeconds: 10 }, "http", "keepalive_time 1000ms;"],
    [{ drainSeconds: 10 }, "http", "keepalive_min_timeout 2500ms;"],
    [{ drainSeconds: 60 }, "http", "keepalive_min_timeout 5000ms;"],
  ];
  for (const [change, head, line] of lines) {
    it(`renders ${JSON.stringify(change)} as '${line}'`, () => {
      assert.ok(block(renderNginxConfig(spec(change)), head).includes(line));
    });
  }

  it("asks the DNS less often for many servers: once a second for 50, every 4 s for 200", () => {
    const valid = (count: number) =>
      /valid=(\d+s)/.exec(
        renderNginxConfig(spec({ servers: Array.from({ length: count }, (_, at) => server(`a-${at}`)) })),
      )?.[1];
    assert.deepEqual([1, 50, 51, 200].map(valid), ["1s", "1s", "2s", "4s"]);
  });

  it("has balanced braces, one final newline and no blanks at line ends", () => {
    const text = renderNginxConfig(spec({ serverConfig: "location /x {\n  return 204;\n}\n" }));
    assert.equal(text.split("{").length, text.split("}").length);
    assert.match(text, /[^\n]\n$/);
    assert.doesNotMatch(text, /[ \t]$/m);
  });

  it("refuses no servers and two of one host", () => {
    assert.throws(
      () => renderNginxConfig(spec({ servers: [] })),
      new RangeError("servers: got none, expected at least one"),
    );
    assert.throws(
      () => renderNginxConfig(spec({ servers: [server("a"), server("b"), server("a")] })),
      new RangeError("servers: got a twice, expected different hosts"),
    );
  });

  it("shows every server exactly once, and equal sets give equal text in whatever order they come", () => {
    fc.assert(
      fc.property(hosts, (servers) => {
        const text = renderNginxConfig(spec({ servers }));
        assert.deepEqual([...serverLines(text).keys()].sort(), servers.map(({ host }) => host).sort());
        assert.equal(renderNginxConfig(spec({ servers: [...servers].reverse() })), text);
      }),
    );
  });

  it("tells what to ask each server", () => {
    const servers = [server("a", { healthPath: "/a/up?x=1" }), server("b")];
    assert.deepEqual(probesOf(renderNginxConfig(spec({ servers }))), [
      { host: "a", path: "/a/up?x=1" },
      { host: "b", path: "/health" },
    ]);
  });

  describe("hash", () => {
    const text = renderNginxConfig(spec());

    it("is carried by the text, in its head and in what a worker answers", () => {
      const hash = configurationHash(text);
      assert.equal(text.split(hash).length - 1, 2);
      assert.ok(text.includes(`return 200 "${hash}";`));
    });

    it("differs for different texts, and tells an edited one", () => {
      assert.notEqual(configurationHash(renderNginxConfig(spec({ maxBodyMb: 11 }))), configurationHash(text));
      assert.ok(isIntact(text));
      assert.ok(!isIntact(text.replace("client_max_body_size 10m", "client_max_body_size 11m")));
      assert.ok(!isIntact("events {}\n"));
      assert.ok(isIntact(seal(text.replace("client_max_body_size 10m", "client_max_body_size 11m"))));
    });

    it("leaves directives of the stack's config as they are, even those that look like a hash", () => {
      const directives = `set $parent "00-${"0".repeat(32)}-${"0".repeat(16)}-00";`;
      const own = renderNginxConfig(spec({ serverConfig: directives }));
      assert.ok(own.includes(`    ${directives}\n`));
      assert.ok(isIntact(own));
      const hash = configurationHash(own);
      assert.ok(!isIntact(own.replace(`return 200 "${hash}"`, 'return 200 "0123456789abcdef"')));
    });

    it("is missed with a clear error", () => {
      assert.throws(() => configurationHash("events {}"), /carries no line '# configuration HASH'/);
    });
  });

  describe("old and new servers together", () => {
    it("has the wanted settings, every server of both, and a hash of its own", () => {
      fc.assert(
        fc.property(hosts, hosts, (older, newer) => {
          const old = renderNginxConfig(spec({ servers: older, maxBodyMb: 1 }));
          const wanted = renderNginxConfig(spec({ servers: newer, maxBodyMb: 2 }));
          const both = withServersOf(wanted, old);
          const expected = new Set([...older, ...newer].map(({ host }) => host));
          assert.deepEqual([...serverLines(both).keys()].sort(), [...expected].sort());
          for (const [host, line] of serverLines(wanted)) assert.equal(serverLines(both).get(host), line);
          assert.ok(both.includes("client_max_body_size 2m;"));
          assert.ok(isIntact(both));
        }),
      );
    });

    it("is the wanted text itself when no server goes", () => {
      const wanted = renderNginxConfig(spec({ servers: [server("a"), server("b")] }));
      assert.equal(withServersOf(wanted, renderNginxConfig(spec({ servers: [server("a")] }))), wanted);
    });
  });

  it("runs as a candidate in a folder of its own, without the port", () => {
    const candidate = asCandidate(renderNginxConfig(spec()));
    assert.doesNotMatch(candidate, /\/tmp\/nginx\//);
    assert.doesNotMatch(candidate, /listen 8080/);
    assert.match(candidate, /listen unix:\/tmp\/candidate\/public\.sock;/);
    assert.match(candidate, /listen unix:\/tmp\/candidate\/control\.sock;/);
  });
});
