import assert from "node:assert/strict";
import { parseSettings, SettingsError } from "../../model/settings";

const context = { isApp: (path: string) => !path.includes("missing") };

/** The problems that a config is refused for, a line each. */
function problemsOf(raw: Record<string, string>): string[] {
  try {
    parseSettings(raw, context);
  } catch (error) {
    assert.ok(error instanceof SettingsError);
    return error.message
      .split("\n")
      .slice(1)
      .map((line) => line.trim());
  }
  return [];
}

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
      keepImages: false,
      redirects: [],
      balancerMemoryMb: 1024,
      method: "round_robin",
      drainSeconds: 10,
      healthTimeoutSeconds: 60,
      requestTimeoutSeconds: 60,
      maxBodyMb: 10,
      spoolMb: 2048,
      accessLog: "errors",
      behindProxy: false,
      trustedProxies: [],
      proxyProtocol: false,
      serverConfig: "",
      adopt: "",
      revision: "",
    });
  });

  it("takes images by all names that Docker has for them", () => {
    const digest = `sha256:${"0a".repeat(32)}`;
    for (const image of [
      ...["nginx", "library/nginx:1.30", "localhost/a", "Registry.example:5000/a/b__c--d.e:V_1.2-x", "[::1]:5000/a"],
      ...[digest, `registry.example/shop@${digest}`, `shop:1@${digest}`],
    ])
      assert.deepEqual(problemsOf({ apps: JSON.stringify([{ name: "a", image }]) }), [], image);
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
    ["accessLog", "some", `accessLog: got "some", expected one of off, errors, all`],
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
      "apps[0].prot: unknown key (got a number that is not shown), allowed keys are name, path, image, count, hosts, paths, stripPrefix, port, healthPath, healthHost, weight, memoryMb, cpus, command, user, writable, volumes, networks, env, secretEnv",
    ],
    ...["/up?x=%2", "/up#x", '/"', "/a b", "/\\"].map((path): [string, string, string] => [
      "apps",
      JSON.stringify([{ name: "a", path: "a", healthPath: path }]),
      `apps[0].healthPath: got ${JSON.stringify(path)}, expected a path that starts with / and has only letters, digits, ._~!$&'()*+,;=:@/?- and %XX`,
    ]),
    ...["", "Shop", "a b", "a\nb", "a;", "a:0", "a:port", "-a"].map((host): [string, string, string] => [
      "apps",
      JSON.stringify([{ name: "a", path: "a", healthHost: host }]),
      `apps[0].healthHost: got ${JSON.stringify(host)}, expected a host name in lower case, with a port or without, for example shop.example:8443`,
    ]),
    [
      "apps",
      '[{"name":"a","path":"a","healthPath":"health; }"}]',
      `apps[0].healthPath: got "health; }", expected a path that starts with / and has only letters, digits, ._~!$&'()*+,;=:@/?- and %XX`,
    ],
  ];
  const host = "expected a host name in lower case, for example shop.example or *.shop.example";
  const path = "expected a path that starts with / and has only letters, digits and ._~-, for example /api";
  const command = "expected a list of 1 to 100 texts, the first of which names a program";
  const appTable: readonly (readonly [app: Record<string, unknown>, problem: string])[] = [
    [{ hosts: ["Shop.Example"] }, `apps[0].hosts[0]: got "Shop.Example", expected shop.example`],
    [{ hosts: ["https://shop.example/"] }, `apps[0].hosts[0]: got "https://shop.example/", expected shop.example`],
    [{ hosts: ["a.example", "shop.example:8443"] }, `apps[0].hosts[1]: got "shop.example:8443", expected shop.example`],
    [{ hosts: ["shop.example."] }, `apps[0].hosts[0]: got "shop.example.", expected shop.example`],
    [{ hosts: ["bücher.example"] }, `apps[0].hosts[0]: got "bücher.example", expected xn--bcher-kva.example`],
    [{ hosts: ["*.bücher.example"] }, `apps[0].hosts[0]: got "*.bücher.example", expected *.xn--bcher-kva.example`],
    [{ hosts: ["shop.*"] }, `apps[0].hosts[0]: got "shop.*", ${host}`],
    [{ hosts: ["*"] }, `apps[0].hosts[0]: got "*", ${host}`],
    [{ hosts: ["a b"] }, `apps[0].hosts[0]: got "a b", ${host}`],
    [{ hosts: ["a;b"] }, `apps[0].hosts[0]: got "a;b", ${host}`],
    [{ hosts: [""] }, `apps[0].hosts[0]: got "", ${host}`],
    [{ hosts: [7] }, `apps[0].hosts[0]: got 7, ${host}`],
    [
      { hosts: ["a.example", "b.example", "a.example"] },
      'apps[0].hosts[2]: got "a.example", expected each item once: [0] is this one, too',
    ],
    [
      { hosts: "shop.example" },
      `apps[0].hosts: got "shop.example", expected a list of up to 100 different host names in lower case, for example shop.example or *.shop.example`,
    ],
    [
      { paths: [] },
      "apps[0].paths: got [], expected a list of 1 to 100 different paths that start with / and have only letters, digits and ._~-",
    ],
    [{ paths: ["api"] }, `apps[0].paths[0]: got "api", expected /api`],
    [{ paths: ["/api/"] }, `apps[0].paths[0]: got "/api/", expected /api`],
    [{ paths: ["/api?x"] }, `apps[0].paths[0]: got "/api?x", expected /api`],
    [{ paths: ["//api"] }, `apps[0].paths[0]: got "//api", expected /api`],
    [{ paths: ["/a/../b"] }, `apps[0].paths[0]: got "/a/../b", ${path}`],
    [{ paths: ["/."] }, `apps[0].paths[0]: got "/.", ${path}`],
    [{ paths: ["/a%2fb"] }, `apps[0].paths[0]: got "/a%2fb", ${path}`],
    [{ paths: ["/a b"] }, `apps[0].paths[0]: got "/a b", ${path}`],
    [{ paths: ['/a"{'] }, `apps[0].paths[0]: got "/a\\"{", ${path}`],
    ...[
      ["https://registry.example/Shop:Live", "registry.example/shop:Live"],
      ["registry.example/shop@sha256:abc"],
      ["registry.example/shop:"],
      ["shop@latest"],
      ["/shop"],
      ["-v"],
    ].map(([name = "", meant]): [Record<string, unknown>, string] => [
      { path: undefined, image: name },
      `apps[0].image: got "${name}", ${meant === undefined ? image : `expected ${meant}`}`,
    ]),
    [{ stripPrefix: "yes" }, `apps[0].stripPrefix: got "yes", expected true or false`],
    [{ count: 0 }, "apps[0].count: got 0, expected an integer from 1 to 200"],
    [{ cpus: 0 }, "apps[0].cpus: got 0, expected a number from 0.01 to 1024"],
    [{ command: [] }, `apps[0].command: got [], ${command}`],
    [{ command: "serve" }, `apps[0].command: got "serve", ${command}`],
    [{ command: [""] }, `apps[0].command: got a list that is not shown, ${command}`],
    [{ command: ["serve", 8] }, `apps[0].command[1]: got a number that is not shown, ${command}`],
    [{ command: Array(101).fill("a") }, `apps[0].command: got a list that is not shown, ${command}`],
    [
      { user: "a b" },
      `apps[0].user: got "a b", expected a name or a number, with a group or without, for example 1000:1000`,
    ],
    [{ image: "nginx:1.30" }, `apps[0].image: got "nginx:1.30", expected no image beside path`],
    [
      { writable: ["cache"] },
      `apps[0].writable[0]: got "cache", expected an absolute path of a folder other than /tmp, for example /var/cache/app`,
    ],
    [
      { writable: ["/tmp"] },
      `apps[0].writable[0]: got "/tmp", expected an absolute path of a folder other than /tmp, for example /var/cache/app`,
    ],
    [
      { volumes: ["media"] },
      `apps[0].volumes[0]: got "media", expected SOURCE:FOLDER or SOURCE:FOLDER:rw, a volume's name or an absolute path, and where it is in the container`,
    ],
    [
      { volumes: ["./media:/srv"] },
      `apps[0].volumes[0]: got "./media:/srv", expected SOURCE:FOLDER or SOURCE:FOLDER:rw, a volume's name or an absolute path, and where it is in the container`,
    ],
    [
      { volumes: ["media:/srv", "more:/srv/"] },
      'apps[0].volumes[1]: got "more:/srv/", expected a folder of the container other than that of volumes[0]',
    ],
    [
      { volumes: ["media:/srv/../tmp:rw"] },
      'apps[0].volumes[0]: got "media:/srv/../tmp:rw", expected a folder of the container other than /tmp, which is in memory',
    ],
    [
      { volumes: ["media:/srv/.."] },
      'apps[0].volumes[0]: got "media:/srv/..", expected a folder of the container other than /',
    ],
    [
      { volumes: ["media:/var/cache"], writable: ["/var/cache"] },
      'apps[0].volumes[0]: got "media:/var/cache", expected a folder of the container other than that of writable[0]',
    ],
    [
      { writable: ["/a/b", "/a/b/"] },
      'apps[0].writable[1]: got "/a/b/", expected a folder of the container other than that of writable[0]',
    ],
    [{ volumes: ["media:/srv:ro"] }, `apps[0].volumes[0]: got "media:/srv:ro", expected media:/srv`],
    [{ networks: ["a b"] }, `apps[0].networks[0]: got "a b", expected the name of an existing network`],
    [
      { secretEnv: { TOKEN: "s3cr3t" } },
      "apps[0].secretEnv: got an object that is not shown, expected encrypted values: pulumi config set --secret --path 'apps[0].secretEnv.TOKEN'",
    ],
  ];
  for (const [app, problem] of appTable)
    it(`refuses an app with ${JSON.stringify(app)}`, () =>
      assert.deepEqual(problemsOf({ apps: JSON.stringify([{ name: "a", path: "a", ...app }]) }), [problem]));

  const redirectTable: readonly [redirects: unknown, problem: string][] = [
    ["shop.example", `redirects: got "shop.example", expected a list of up to 200 objects {from, to} of host names`],
    [[{ from: "WWW.a.example", to: "a.example" }], `redirects[0].from: got "WWW.a.example", expected www.a.example`],
    [
      [{ from: "*.a.example", to: "a.example" }],
      `redirects[0].from: got "*.a.example", expected a host name in lower case, for example shop.example`,
    ],
    [
      [{ from: "b.example", to: "https://a.example/x" }],
      `redirects[0].to: got "https://a.example/x", expected a.example`,
    ],
    [
      [{ from: "b.example" }],
      "redirects[0].to: got nothing, expected a host name in lower case, for example shop.example",
    ],
    [
      [{ from: "b.example", to: "a.example", code: 301 }],
      "redirects[0].code: unknown key (got 301), allowed keys are from, to",
    ],
    [
      [{ from: "a.example", to: "b.example" }],
      `redirects[0].from: got "a.example", expected a name that no app has, other than apps[0]`,
    ],
    [
      [
        { from: "b.example", to: "a.example" },
        { from: "b.example", to: "c.example" },
      ],
      `redirects[1].from: got "b.example", expected a name other than that of redirects[0]`,
    ],
    [
      [{ from: "b.example", to: "b.example" }],
      `redirects[0].to: got "b.example", expected a name that is not sent on by redirects[0]`,
    ],
  ];
  for (const [redirects, problem] of redirectTable)
    it(`refuses redirects ${JSON.stringify(redirects)}`, () =>
      assert.deepEqual(
        problemsOf({
          apps: JSON.stringify([{ name: "a", path: "a", hosts: ["a.example"] }]),
          redirects: typeof redirects === "string" ? redirects : JSON.stringify(redirects),
        }),
        [problem],
      ));

  it("refuses apps that contradict each other", () => {
    const shop = { path: "a", hosts: ["shop.example"] };
    assert.deepEqual(
      problemsOf({
        apps: JSON.stringify([
          { name: "a", path: "a" },
          { name: "b", ...shop },
          { name: "c", ...shop, stripPrefix: true },
        ]),
        backendCount: "1",
      }),
      [
        "backendCount: got 1, expected at least 2, so that all that is answered has a backend",
        "apps[2].stripPrefix: got true, expected false, as apps[1], with which it shares shop.example/",
      ],
    );
  });

  for (const [key, value, problem] of table) {
    it(`refuses ${key} ${value}`, () => assert.deepEqual(problemsOf({ [key]: value }), [problem]));
  }

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
        "apps[0].env.A-B: got this name, expected an object of strings whose names are letters, digits and _",
        "apps[0].env.PIN: got a number that is not shown, expected an object of strings whose names are letters, digits and _",
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
