import assert from "node:assert/strict";
import fc from "fast-check";
import { everyDirective, parseDirectives, type Directive } from "../../model/directives";
import { livePlace, logPlanFile } from "../../model/layout";
import { accessRule } from "../../model/policies/access";
import { cacheRule } from "../../model/policies/cache";
import { limitSchema } from "../../model/policies/limits";
import { ownLocations, ownVariables, problemsOfDirectives, withoutWordsOf } from "../../model/server-config";
import { topologyOf } from "../../model/topology";
import { renderFiles, showFiles } from "../../nginx/render/config";
import { headersOf, settingHeader, withHeaders } from "../../nginx/render/headers";
import { settings } from "../components";
import { brokenTexts, texts } from "../directives";

/** Directives as a short text: words between bars, blocks in braces, the line before. */
const show = (directives: readonly Directive[]): string =>
  directives
    .map(
      ({ name, args, line, block }) =>
        `${line}:${[name, ...args].join("|")}${block === undefined ? "" : `{${show(block)}}`}`,
    )
    .join(" ");

describe("nginx directives", () => {
  for (const [text, expected] of texts)
    it(`are read from ${JSON.stringify(text)}`, () => assert.equal(show(parseDirectives(text)), expected));

  for (const [text, problem] of brokenTexts)
    it(`are refused: ${JSON.stringify(text)}`, () => assert.deepEqual(problemsOfDirectives(text), [problem]));

  it("that are read begin where they say, on the line that they say, and hold the text but for blanks and comments", () => {
    const word = fc.constantFrom("a", "}", "$", "${", '"', "'", "\\", "#", " ", "\n", ";", "{", "b c", "x;");
    fc.assert(
      fc.property(fc.array(word, { maxLength: 12 }), (words) => {
        const text = words.join("");
        if (problemsOfDirectives(text).length > 0) return;
        for (const { source, start, line } of everyDirective(parseDirectives(text))) {
          assert.ok(text.startsWith(source.split(" ")[0] ?? "?", start));
          assert.equal(text.slice(0, start).split("\n").length, line);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe("directives of the user's own", () => {
  for (const [text, ...problems] of [
    ["gzip on;\nlocation /a { proxy_pass http://backends; }\nif ($host = a) { return 404; }"],
    ["location = / { return 204; }\nlocation /api/ { location / { return 204; } }"],
    ['set $listen "listen 81;"; add_header X "location / {"; # listen 81;'],
    [
      "gzip on;\nlisten 81;",
      "line 2: listen is refused: `port` and `bindAddress` of the stack's config say where the balancer listens",
    ],
    [
      "location / {\n  gzip on;\n}",
      "line 1: location is refused: this one is the balancer's own; directives that stand in no location act on it, too",
    ],
    [
      "location ^~ / { }",
      "line 1: location is refused: this one is the balancer's own; directives that stand in no location act on it, too",
    ],
    [
      'location "@again" { }',
      "line 1: location is refused: this one is the balancer's own; directives that stand in no location act on it, too",
    ],
    [
      "\n\nserver { }",
      "line 3: server is refused: it stands outside of a server block, and these directives are put into one",
    ],
    [
      "map $a $b { c d; }",
      "line 1: map is refused: it stands outside of a server block, and these directives are put into one",
    ],
    ["proxy_pass http://backends;", "line 1: proxy_pass is refused: it belongs into a location"],
    ["set $probe_route x;", "line 1: set is refused: this variable is the balancer's own; take another name"],
    [
      "location /a {\n  set $client_scheme x;\n}",
      "line 2: set is refused: this variable is the balancer's own; take another name",
    ],
    [
      "location ~ ^/(?<probe_route>.*)$ { }",
      "line 1: location is refused: this variable is the balancer's own; take another name",
    ],
    [
      'if ($uri ~ "(?P<after_failure>.)") { }',
      "line 1: if is refused: this variable is the balancer's own; take another name",
    ],
    ["include /etc/nginx/mime.types;"],
    [
      "include proxy_params;",
      "line 1: include is refused: expected an absolute path of another file of the balancer's image; what proxy_params sets is set (docs/headers.md)",
    ],
    [
      "include server.conf;\ninclude /etc/nginx/live/current/nginx.conf;",
      ...[1, 2].map(
        (line) =>
          `line ${line}: include is refused: expected an absolute path of another file of the balancer's image; what proxy_params sets is set (docs/headers.md)`,
      ),
    ],
  ] as const)
    // prettier-ignore
    it(`${problems.length === 0 ? "are taken" : "are refused"}: ${JSON.stringify(text)}`, () =>
      assert.deepEqual(problemsOfDirectives(text), problems));
});

/** With which all of policies' own locations and variables are rendered. */
const policies = {
  limits: { dryRun: false, rules: [limitSchema.parse({ name: "a", connections: 1 })] },
  access: accessRule.parse([{ users: "users", authRequest: { app: "app1" } }]),
  pause: { sites: [], holdSeconds: 1 },
};

it("every location of the public server's own is one that they may not have", () => {
  const servers = [{ name: "a-0", port: 1, weight: 1, health: { path: "/", host: "a" } }];
  const [main, site] = renderFiles(topologyOf({ ...settings, ...policies }, servers), livePlace, "0".repeat(16));
  const http = parseDirectives(main?.text ?? "").find(({ name }) => name === "http")?.block ?? [];
  const block = http.find(({ name }) => name === "server")?.block ?? [];
  const locations = [...block, ...parseDirectives(site?.text ?? "")].flatMap(({ name, args }) =>
    name === "location" ? [args.join(" ")] : [],
  );
  const names = locations.map((name) => name.replace(/^= \/\.balancer\/.*/, "= /.balancer/*"));
  assert.deepEqual([...new Set(names)].sort(), [...ownLocations].sort());
});

it("every variable of the balancer's own text is one that they may not set", () => {
  const servers = [{ name: "a-0", port: 1, weight: 1, health: { path: "/", host: "a" } }];
  const proxied = [
    { ...settings, behindProxy: true, accessLog: "off" as const },
    { ...settings, ...policies, cache: cacheRule.parse([{ seconds: 1 }]), trustedProxies: ["10.0.0.0/8"] },
    {
      ...settings,
      headers: [{ hosts: [], paths: ["/"], requests: { A: "b" }, answers: { C: "d" } }],
      maintenance: { sites: [], allow: [], retryAfterSeconds: 1 },
      cache: [{ hosts: [], paths: ["/"], seconds: 0 }],
    },
    { ...settings, accessLog: "json" as const, metrics: { port: 9112, bindAddress: "127.0.0.1" }, behindProxy: true },
  ];
  const canary = { app: "a", upstream: "backends", share: 5 };
  const texts = [settings, ...proxied].map((one) =>
    showFiles(
      renderFiles({ ...topologyOf(one, servers), canary }, livePlace, "0".repeat(16)).filter(
        ({ name }) => name !== logPlanFile,
      ),
    ),
  );
  const all = texts.flatMap((text) => everyDirective(parseDirectives(text)));
  const set = all.flatMap(({ name, args }) =>
    /^(?:map|geo)$/.test(name) ? [args[1]] : /^(?:set|auth_request_set)$/.test(name) ? [args[0]] : [],
  );
  const captured = texts.flatMap((text) => [...text.matchAll(/\(\?<(\w+)>/g)].map(([, name]) => `$${name}`));
  const names = [...set, ...captured].map((name) =>
    name?.replace(/^\$(told|answer_header|request_header)_.*/, "$$$1_*"),
  );
  assert.deepEqual([...new Set(names)].sort(), ownVariables.map((name) => `$${name}`).sort());
});

describe("what nginx says of directives that are secret", () => {
  const cases: readonly (readonly [what: string, directives: string, message: string, told: string])[] = [
    [
      "an unknown name",
      "s3cr3t on;",
      'unknown directive "s3cr3t" in serverConfig, line 1',
      'unknown directive "***" in serverConfig, line 1',
    ],
    ["a value", 'a "s3cr3t word";', 'invalid value "s3cr3t word" in', 'invalid value "*** ***" in'],
    ["a value with marks", "a p@ss.w0rd!;", 'invalid value "p@ss.w0rd!" in', 'invalid value "***" in'],
    ["a variable", "a $s3cr3t;", 'unknown "s3cr3t" variable', 'unknown "***" variable'],
    ["a path, twice", "a /s3/cr3t;", 'open "/s3/cr3t": fopen(/s3/cr3t,r)', 'open "***": fopen(***,r)'],
    [
      "what it does not repeat",
      "a s3cr3t;",
      'unexpected end of file, expecting "}"',
      'unexpected end of file, expecting "}"',
    ],
  ];
  for (const [what, directives, message, told] of cases)
    it(`is told without its words: ${what}`, () => assert.equal(withoutWordsOf(directives, message), told));
});

describe("headers that a user sets", () => {
  const policy = { behindProxy: false, trustedProxies: [], proxyProtocol: false };
  const namesIn = (headers: readonly (readonly [name: string, value: string])[]) => headers.map(([name]) => name);

  it("take the place of ours of the same name, in whatever case, and leave the others", () => {
    const all = namesIn(headersOf([], policy));
    const own = parseDirectives("proxy_set_header hOST a; proxy_set_header X-Own b;");
    assert.deepEqual(
      namesIn(headersOf(own, policy)),
      all.filter((name) => name !== "Host"),
    );
  });

  it("leave ours in each location that has some, on the line of the first, and nothing else is changed", () => {
    const text =
      'proxy_set_header X-A "a;";\nlocation /a {\n  # proxy_set_header X-B b;\n  gzip on; proxy_set_header X-B b;\n  proxy_set_header Host c;\n  location /a/b { proxy_set_header Upgrade ""; }\n}\nlocation /c { gzip off; }';
    const ours = (source: string) => headersOf(parseDirectives(source), policy).map(settingHeader).join(" ");
    assert.equal(
      withHeaders(text, (level) => headersOf(level, policy)),
      text
        .replace("on; proxy", `on; ${ours("proxy_set_header Host c;")} proxy`)
        .replace("{ proxy", `{ ${ours("proxy_set_header Upgrade c;")} proxy`),
    );
  });

  it("set nothing: the text is as it was written", () => {
    const text = "\ngzip on;\n\tlocation /a { return 200 'proxy_set_header Host a;'; }\n";
    assert.equal(
      withHeaders(text, (level) => headersOf(level, policy)),
      text,
    );
  });
});
