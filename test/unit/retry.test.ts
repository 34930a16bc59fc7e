import assert from "node:assert/strict";
import { outermost, renderLocations, retry } from "../../nginx/render/retry";

describe("a request that nginx has given up", () => {
  const rules = [...retry.matchAll(/^ {4}"~(.*)" (\w+);$/gm)].map(([, rule = "", way]) => ({
    rule: new RegExp(rule),
    way,
  }));
  const wayOf = (text: string) => rules.find(({ rule }) => rule.test(text))?.way ?? "failed";

  // As nginx 1.30 writes them: sent; received; method; status.
  for (const [text, way] of [
    ["0;0;GET;504", "again"],
    ["0;0;POST;504", "again"],
    ["0, 0;0, 0;POST;504, 502", "again"],
    ["0;0;POST;502", "again"],
    ["-;-;POST;502", "again"],
    ["120;0;GET;504", "again"],
    ["0, 120, 0;0, 0, 0;DELETE;502, 504, 502", "again"],
    ["101;0;POST;502", "failed"],
    ["101;0;PATCH;502", "failed"],
    ["101;0;LOCK;502", "failed"],
    ["101, 0;0, 0;POST;504, 502", "failed_in_time"],
    ["120, 120;0, 0;GET;504, 504", "failed_in_time"],
    ["504;0;POST;502", "failed"],
    ["120;4096;GET;502", "failed"],
    ["0 : 0;0 : 0;GET;504 : 502", "failed_in_time"],
    ["0 : 0;0 : 0;GET;502 : 502", "failed"],
    ["0 : 120;0 : 0;GET;502 : 502", "failed"],
  ] as const)
    it(`goes ${way} for ${text}`, () => assert.equal(wayOf(text), way));
});

describe("error pages of the user's own", () => {
  for (const [what, text, pages] of [
    ["none", "gzip on;\n", []],
    [
      "several, over lines",
      "error_page 404 # why;\n  /a;\nerror_page 500 =200 /b;",
      ["error_page 404 /a", "error_page 500 =200 /b"],
    ],
    ["quoted", `error_page 404 "/a;b\\"c";error_page 403 '/{';`, [`error_page 404 "/a;b\\"c"`, "error_page 403 '/{'"]],
    ["with variables", "error_page 404 ${scheme}://a/$uri;", ["error_page 404 ${scheme}://a/$uri"]],
    ["not in blocks", "location /x { error_page 404 /a; }\nif ($a = b) { error_page 404 /a; }", []],
    ["after blocks", "location /x { if ($a) { return 204; } }\nerror_page 404 /a;", ["error_page 404 /a"]],
    ["not in comments", "# error_page 404 /a;\ngzip on; # it's { error_page 404 /a;", []],
    ["not in strings", `add_header X "\nerror_page 404 /a;";`, []],
    ["a # within a word", "error_page 404 /a#b;", ["error_page 404 /a#b"]],
  ] as const)
    it(`are found: ${what}`, () => assert.deepEqual(outermost(text, "error_page"), pages));

  it("leave room for others where a location has its own", () =>
    assert.match(
      renderLocations("pool", "error_page 404 /a;"),
      /@\$after_failure;\n +error_page 404 \/a;\n +proxy_pass/,
    ));

  it("may lead on for 502 and 504 alone", () => {
    const leadsOn = (pages: string) =>
      /^ +location \/ \{[^}]*recursive_error_pages on;/.test(renderLocations("pool", pages));
    assert.deepEqual(["error_page 500 502 /a;", "error_page 504 =200 /a;", "error_page 500 404 /a;"].map(leadsOn), [
      true,
      true,
      false,
    ]);
  });
});

describe("a body that is not received as a whole", () => {
  it("is not sent again", () => {
    assert.ok(!renderLocations("pool", "proxy_request_buffering  off;").includes("after_failure"));
    assert.ok(renderLocations("pool", "proxy_request_buffering on;").includes("after_failure"));
  });
});
