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

describe("settings", () => {
  it("has a default for every key", () => {
    assert.deepEqual(parseSettings({}, context), {
      backendCount: 2,
      port: 8080,
      bindAddress: "127.0.0.1",
      apps: ["app1", "app2"].map((name) => ({
        name,
        path: `apps/${name}`,
        port: 5000,
        healthPath: "/health",
        weight: 1,
        memoryMb: 128,
        env: {},
      })),
      pythonImage: "python:3.14-slim",
      nginxImage: "nginx:1.30",
      balancerMemoryMb: 1024,
      method: "round_robin",
      drainSeconds: 10,
      healthTimeoutSeconds: 60,
      requestTimeoutSeconds: 60,
      maxBodyMb: 10,
      accessLog: "errors",
      behindProxy: false,
      serverConfig: "",
      revision: "",
    });
  });

  it("takes what the engine hands over: JSON for numbers and lists, plain text for strings", () => {
    const settings = parseSettings(
      { backendCount: "200", revision: "42", apps: '[{"name":"shop","path":"./shop","weight":0,"env":{"A":"b"}}]' },
      context,
    );
    assert.equal(settings.backendCount, 200);
    assert.equal(settings.revision, "42");
    assert.deepEqual(settings.apps, [
      { name: "shop", path: "./shop", port: 5000, healthPath: "/health", weight: 0, memoryMb: 128, env: { A: "b" } },
    ]);
  });

  const count = "expected an integer from 1 to 200";
  const port = "expected an integer from 1 to 65535";
  const address = "expected an IPv4 or IPv6 address of this host, for example 127.0.0.1 or 0.0.0.0";
  const label = "expected a DNS label: up to 40 lower-case letters, digits and inner hyphens, starting with a letter";
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
    [
      "nginxImage",
      "nginx 1.30",
      `nginxImage: got "nginx 1.30", expected an image reference without blanks, for example nginx:1.30`,
    ],
    ["method", "fastest", `method: got "fastest", expected one of round_robin, least_conn, random, ip_hash`],
    ["behindProxy", "yes", `behindProxy: got "yes", expected true or false`],
    ["accessLog", "some", `accessLog: got "some", expected one of off, errors, all`],
    ["drainSeconds", "0", "drainSeconds: got 0, expected an integer from 1 to 3600"],
    ["apps", "[]", "apps: got [], expected a list of 1 to 50 apps, each {name, path, ...}"],
    ["apps", "app1", `apps: got "app1", expected a list of 1 to 50 apps, each {name, path, ...}`],
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
      `apps[0].path: got nothing, expected a folder that holds a Dockerfile, relative to the program's folder`,
    ],
    [
      "apps",
      '[{"name":"a","path":"a","prot":1}]',
      "apps[0].prot: unknown key (got 1), allowed keys are name, path, port, healthPath, weight, memoryMb, env",
    ],
    [
      "apps",
      '[{"name":"a","path":"a","healthPath":"health; }"}]',
      `apps[0].healthPath: got "health; }", expected a path that starts with / and has only letters, digits and ._~%/?&=:@+,-`,
    ],
  ];
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
