import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { exportersOf } from "../../model/metrics";
import { parseSettings } from "../../model/settings";
import { projectRoot } from "../../scripts/setup/project";
import { context, problemsOf } from "../problems";

const program = readFileSync(join(projectRoot, "nginx/metrics/metrics.mtail"), "utf8");

describe("metrics", () => {
  it("are off unless the config asks for them, and have two ports then", () => {
    assert.equal(parseSettings({}, context).metrics, undefined);
    const { metrics } = parseSettings({ metrics: "{}" }, context);
    assert.deepEqual(metrics, { port: 9112, bindAddress: "127.0.0.1" });
    assert.deepEqual(exportersOf(metrics), [
      { role: "metrics", port: 9112, listenPort: 3903 },
      { role: "connections", port: 9113, listenPort: 9113 },
    ]);
    assert.deepEqual(exportersOf(undefined), []);
  });

  const port = "expected an integer from 1 to 65534";
  const leaves = (taken: string, key: string) =>
    `expected a port that leaves ${taken} to \`${key}\`: metrics have it and the one after it`;
  for (const [what, config, problems] of [
    ["no object", { metrics: "9112" }, ["metrics: got 9112, expected an object {port, bindAddress}"]],
    ["no port", { metrics: '{"port":0}' }, [`metrics.port: got 0, ${port}`]],
    ["none after it", { metrics: '{"port":65535}' }, [`metrics.port: got 65535, ${port}`]],
    [
      "no address",
      { metrics: '{"bindAddress":"localhost"}' },
      [
        'metrics.bindAddress: got "localhost", expected an IPv4 or IPv6 address of this host, for example 127.0.0.1 or 0.0.0.0',
      ],
    ],
    [
      "a strange key",
      { metrics: '{"ports":1}' },
      ["metrics.ports: unknown key (got 1), allowed keys are port, bindAddress"],
    ],
    ["that of clients", { metrics: '{"port":8080}' }, [`metrics.port: got 8080, ${leaves("8080", "port")}`]],
    ["the one before it", { metrics: '{"port":8079}' }, [`metrics.port: got 8079, ${leaves("8080", "port")}`]],
    ["the default, taken", { metrics: "{}", port: "9113" }, [`metrics.port: got nothing, ${leaves("9113", "port")}`]],
    [
      "that of clients at all addresses",
      { metrics: '{"port":8080,"bindAddress":"192.0.2.7"}', bindAddress: "0.0.0.0" },
      [`metrics.port: got 8080, ${leaves("8080", "port")}`],
    ],
    [
      "that of TLS",
      { metrics: '{"port":8442}', tls: '{"port":8443}' },
      [
        `metrics.port: got 8442, ${leaves("8443", "tls.port")}`,
        "tls.certificates: got nothing, expected at least one, or `acme`",
      ],
    ],
    ["that of clients at another address", { metrics: '{"port":8080,"bindAddress":"192.0.2.7"}' }, []],
    ["the one after it", { metrics: '{"port":8081}' }, []],
  ] as const)
    it(`${problems.length === 0 ? "may have" : "are refused with"} a port that is ${what}`, () =>
      assert.deepEqual(problemsOf(config), problems));
});

describe("mtail's program", () => {
  // It has no loops: what is said six times is to be the same six times.
  it("takes the first six attempts of a request, all alike", () => {
    const blocks = [...program.matchAll(/^ {2}\/\^r.*\{\n(?: {4}.*\n)+ {2}\}$/gm)].map(([block]) => block);
    assert.equal(blocks.length, 6);
    const [, second = ""] = blocks;
    const nth = (number: number) => second.replaceAll("){1}", `){${number}}`);
    const first = nth(0).replace("      nlb_retries_total[$app]++\n", "");
    assert.deepEqual(blocks, [first, ...[1, 2, 3, 4, 5].map(nth)]);
    assert.equal(second.match(/\)\{1\}/g)?.length, 3);
  });

  it("counts an attempt and a request in one way, be it the only attempt or one of several", () => {
    const count = (text: string) => program.split(text).length - 1;
    const request = `    nlb_requests_total[$site][$app][$kind + "xx"]++
    nlb_response_bytes_total[$site][$app] += $bytes
    nlb_request_seconds[$app] = $seconds
`;
    assert.equal(count(request), 2);
    assert.equal(count("nlb_requests_total["), 2);
    assert.equal(count("nlb_attempt_seconds[$app][$backend] = float($took)"), 7);
    assert.equal(count("++"), 2 + 7 + 5);
  });

  it("bounds what has the name of a backend, by number and by time", () => {
    const declared = program.match(/^(?:counter|histogram|gauge|text) .*$/gm) ?? [];
    const bounded = declared.filter((line) => / limit \d+$/.test(line)).map((line) => line.split(" ")[1]);
    assert.deepEqual(bounded, ["nlb_attempts_total", "nlb_attempt_seconds", "backend_at"]);
    for (const line of declared.filter((one) => one.includes("backend,") || one.includes("backend ")))
      assert.match(line, / limit /);
    for (const name of ["attempts_total", "attempt_seconds"])
      assert.match(program, new RegExp(`del nlb_${name}\\[.* after 1h`));
    // Sums of sites and apps never drop.
    assert.doesNotMatch(program, /del nlb_(requests|response|request|retries)/);
  });

  it("has the same buckets for whole requests and attempts", () => {
    const [one, ...others] = [...program.matchAll(/buckets ([\d., ]+?)(?: limit.*)?$/gm)].map(([, list]) => list);
    assert.match(one ?? "", /^0\.002, .*, 60$/);
    assert.deepEqual(others, [one]);
  });
});
