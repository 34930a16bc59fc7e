import assert from "node:assert/strict";
import { parseSettings } from "../../model/settings";
import { context, problemsOf } from "../problems";

/** What an app has that only says its name and where it comes from, besides port, health check, weight, memory and env. */
const appDefaults = {
  hosts: [],
  paths: ["/"],
  stripPrefix: false,
  writable: [],
  volumes: [],
  networks: [],
  secretEnv: {},
};

describe("settings", () => {
  it("has a default for every key", () => {
    assert.deepEqual(parseSettings({}, context), {
      backendCount: 2,
      port: 8080,
      bindAddress: "127.0.0.1",
      apps: ["app1", "app2"].map((name) => ({
        name,
        path: `apps/${name}`,
        ...appDefaults,
        port: 5000,
        healthPath: "/health",
        healthHost: "localhost",
        weight: 1,
        memoryMb: 128,
        env: {},
      })),
      pythonImage: "python:3.14-slim",
      nginxImage: "nginx:1.30",
      entryImage: "debian:13-slim",
      legoImage: "goacme/lego:v4.35.2",
      mtailImage: "debian:13-slim",
      exporterImage: "nginx/nginx-prometheus-exporter:1.5.1",
      keepImages: false,
      redirects: [],
      headers: [],
      locations: [],
      compression: [],
      cache: [],
      cacheMb: 256,
      limits: { dryRun: false, rules: [] },
      access: [],
      balancerMemoryMb: 2048,
      method: "round_robin",
      drainSeconds: 10,
      healthTimeoutSeconds: 60,
      requestTimeoutSeconds: 60,
      maxBodyMb: 10,
      spoolMb: 2048,
      accessLog: "errors",
      logMb: 256,
      beforeSwitch: [],
      behindProxy: false,
      subnets: "",
      trustedProxies: [],
      proxyProtocol: false,
      httpConfig: "",
      serverConfig: "",
      pages: {},
      adopt: "",
      revision: "",
    });
  });

  it("takes what the engine hands over: JSON for numbers and lists, plain text for strings", () => {
    const settings = parseSettings(
      { backendCount: "200", revision: "42", apps: '[{"name":"shop","path":"./shop","weight":9,"env":{"A":"b"}}]' },
      context,
    );
    assert.equal(settings.backendCount, 200);
    assert.equal(settings.revision, "42");
    assert.deepEqual(settings.apps, [
      {
        name: "shop",
        path: "./shop",
        ...appDefaults,
        port: 5000,
        healthPath: "/health",
        healthHost: "localhost",
        weight: 9,
        memoryMb: 128,
        env: { A: "b" },
      },
    ]);
  });

  const count = "expected an integer from 1 to 200";
  const port = "expected an integer from 1 to 65535";
  const address = "expected an IPv4 or IPv6 address of this host, for example 127.0.0.1 or 0.0.0.0";
  const label = "expected a DNS label: up to 40 lower-case letters, digits and inner hyphens, starting with a letter";
  const image = "expected the name of an image, with a tag or a digest or without, for example nginx:1.30";
  const table: [key: string, value: string, problem: string][] = [
    ["backendCount", "0", `backendCount: got 0, ${count}`],
    ["backendCount", "2.5", `backendCount: got 2.5, ${count}`],
    ["backendCount", "many", `backendCount: got "many", ${count}`],
    ["backendCount", "201", `backendCount: got 201, ${count}`],
    ["backendCount", "-1", `backendCount: got -1, ${count}`],
    ["backendCount", "", `backendCount: got "", ${count}`],
    ["backendCount", "null", `backendCount: got null, ${count}`],
    ["port", "0", `port: got 0, ${port}`],
    ["port", "70000", `port: got 70000, ${port}`],
    ["bindAddress", "localhost", `bindAddress: got "localhost", ${address}`],
    ["bindAddress", "127.0.0", `bindAddress: got "127.0.0", ${address}`],
    ["nginxImage", "nginx 1.30", `nginxImage: got "nginx 1.30", ${image}`],
    ["entryImage", "--help", `entryImage: got "--help", ${image}`],
    ["legoImage", "", `legoImage: got "", ${image}`],
    ["pythonImage", "Python:3.14", 'pythonImage: got "Python:3.14", expected python:3.14'],
    ["method", "fastest", `method: got "fastest", expected one of round_robin, least_conn, random, ip_hash`],
    ["behindProxy", "yes", `behindProxy: got "yes", expected true or false`],
    ["accessLog", "some", `accessLog: got "some", expected one of off, errors, all, json`],
    [
      "serverConfig",
      "gzip on;\nlisten 81;",
      "serverConfig, line 2: listen is refused: `port` and `bindAddress` of the stack's config say where the balancer listens",
    ],
    [
      "serverConfig",
      "return 204; }\nserver { listen 8080 default_server;",
      "serverConfig, line 1: this } closes no block that was opened here",
    ],
    ["serverConfig", "return 'PIN 1234", "serverConfig, line 1: this string is not closed"],
    ["spoolMb", "-1", "spoolMb: got -1, expected an integer from 0 to 65536"],
    ["drainSeconds", "0", "drainSeconds: got 0, expected an integer from 1 to 3600"],
    ["apps", "[]", "apps: got [], expected a list of 1 to 200 apps, each {name, path or image, ...}"],
    ["apps", "app1", `apps: got "app1", expected a list of 1 to 200 apps, each {name, path or image, ...}`],
    ["apps", "[null]", "apps[0]: got null, expected an object {name, path or image, ...}"],
    ["apps", '["shop"]', "apps[0]: got a text that is not shown, expected an object {name, path or image, ...}"],
    ["redirects", "[7]", "redirects[0]: got 7, expected an object {from, to} of host names"],
    ["apps", '[{"name":"App_1","path":"a"}]', `apps[0].name: got "App_1", ${label}`],
    ["apps", '[{"name":"a-","path":"a"}]', `apps[0].name: got "a-", ${label}`],
    [
      "apps",
      '[{"name":"a","path":"missing"}]',
      `apps[0].path: got "missing", expected a folder that holds a Dockerfile, relative to the program's folder`,
    ],
    [
      "apps",
      '[{"name":"a","path":"a"},{"name":"a","path":"b"}]',
      `apps[1].name: got "a", expected a name other than that of apps[0]`,
    ],
    [
      "apps",
      '[{"name":"a"}]',
      `apps[0].path: got nothing, expected a folder that holds a Dockerfile, relative to the program's folder, or image`,
    ],
    [
      "apps",
      '[{"name":"a","path":"a","prot":1}]',
      "apps[0].prot: unknown key (got a number that is not shown), allowed keys are name, path, image, count, hosts, paths, stripPrefix, port, healthPath, healthHost, weight, sticky, memoryMb, cpus, command, user, writable, volumes, networks, env, secretEnv",
    ],
    ...["/up?x=%2", "/up#x", '/"', "/a b", "/\\"].map((path): [string, string, string] => [
      "apps",
      JSON.stringify([{ name: "a", path: "a", healthPath: path }]),
      `apps[0].healthPath: got ${JSON.stringify(path)}, expected a path that starts with / and has only letters, digits, ._~!$&'()*+,;=:@/?- and %XX`,
    ]),
    ...["", "Shop", "a b", "a\nb", "a;", "a:0", "a:65536", "A:65536", "a:port", "-a"].map(
      (host): [string, string, string] => [
        "apps",
        JSON.stringify([{ name: "a", path: "a", healthHost: host }]),
        `apps[0].healthHost: got ${JSON.stringify(host)}, expected a host name in lower case, with a port up to 65535 or without, for example shop.example:8443`,
      ],
    ),
    [
      "apps",
      '[{"name":"a","path":"a","healthPath":"health; }"}]',
      `apps[0].healthPath: got "health; }", expected a path that starts with / and has only letters, digits, ._~!$&'()*+,;=:@/?- and %XX`,
    ],
  ];
  for (const [key, value, problem] of table) {
    it(`refuses ${key} ${value}`, () => assert.deepEqual(problemsOf({ [key]: value }), [problem]));
  }

  it("takes a host for health checks with each port that there is, and without", () => {
    for (const healthHost of ["a:1", "a:65535", "a"])
      assert.deepEqual(problemsOf({ apps: JSON.stringify([{ name: "a", path: "a", healthHost }]) }), [], healthHost);
  });

  it("refuses an unknown key and names those that there are", () => {
    const [problem = ""] = problemsOf({ backendcount: "3" });
    assert.match(
      problem,
      /^backendcount: unknown key \(got 3\), allowed keys are backendCount, port, bindAddress, apps, /,
    );
  });

  describe("in no message shows what is or may be secret", () => {
    const isSecret = (value: unknown) => JSON.stringify(value).replaceAll('"S"', '"s3cr3t"').replaceAll("7", "73317");
    const app = { name: "a", path: "a" };
    const rows: [what: string, raw: Record<string, string>, secretKeys?: string[]][] = [
      ["a name in env", { apps: isSecret([{ ...app, env: { "A-B": "S" } }]) }],
      ["a number in env", { apps: isSecret([{ ...app, env: { PIN: 7 } }]) }],
      ["a list in env", { apps: isSecret([{ ...app, env: { A: ["S"] } }]) }],
      ["a text for env", { apps: isSecret([{ ...app, env: "S" }]) }],
      ["a list for env", { apps: isSecret([{ ...app, env: ["S"] }]) }],
      ["a mistyped env", { apps: isSecret([{ ...app, Env: { A: "S" } }]) }],
      ["a text for command", { apps: isSecret([{ ...app, command: "serve S" }]) }],
      ["an empty program", { apps: isSecret([{ ...app, command: ["", "S"] }]) }],
      ["a badly indented env", { apps: isSecret([{ ...app, env: null, PIN: 7, TOKEN: "S" }]) }],
      ["an env beside the app", { apps: isSecret([app, { env: { A: "S" } }, "S"]) }],
      ["an app for a list", { apps: isSecret({ ...app, env: { A: "S" } }) }],
      ["broken JSON", { apps: isSecret([{ ...app, env: { A: "S" } }]).slice(0, -1) }],
      ["too many apps", { apps: isSecret(Array.from({ length: 201 }, () => ({ ...app, env: { A: "S" } }))) }],
      ["an app in another field", { apps: isSecret([{ ...app, path: { env: { A: "S" } } }]) }],
      [
        "all of apps secret",
        {
          apps: isSecret([
            { name: "S", path: "S" },
            { ...app, path: "S", healthPath: "S" },
          ]),
        },
        ["apps"],
      ],
      [
        "a name twice",
        {
          apps: isSecret([
            { name: "s3cr3t", path: "a" },
            { name: "s3cr3t", path: "missing" },
          ]),
        },
        ["apps"],
      ],
      ["a secret port", { port: "73317" }, ["port"]],
      ["a secret that isn't known", { token: "s3cr3t", pin: "73317" }, ["token", "pin"]],
    ];
    for (const [what, raw, secretKeys = []] of rows)
      it(what, () =>
        assert.throws(
          () => parseSettings(raw, { isApp: (path) => path === "a", secretKeys: new Set(secretKeys) }),
          ({ message }: Error) => /expected|allowed/.test(message) && !/s3cr3t|73317/.test(message),
        ),
      );

    it("but names the key", () => {
      assert.deepEqual(problemsOf({ apps: '[{"name":"a","path":"a","env":{"A-B":"s3cr3t","PIN":1}}]' }), [
        "apps[0].env.A-B: got this name, expected an object of strings without NUL whose names are letters, digits and _",
        "apps[0].env.PIN: got a number that is not shown, expected an object of strings without NUL whose names are letters, digits and _",
      ]);
    });
  });

  it("names every offending key in one message", () => {
    const problems = problemsOf({
      backendCount: "0",
      port: "70000",
      colour: "red",
      apps: '[{"name":"a","path":"missing"},{"name":"a","path":"b"}]',
    });
    assert.deepEqual(
      problems.map((problem) => problem.split(":")[0]).sort(),
      ["apps[0].path", "apps[1].name", "backendCount", "colour", "port"].sort(),
    );
  });
});
