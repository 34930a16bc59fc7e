import assert from "node:assert/strict";
import { parseDirectives } from "../../model/directives";
import { usualHanding } from "../../nginx/render/policy";
import { renderHandingOn, renderRetry } from "../../nginx/render/retry";

describe("a request that nginx has given up", () => {
  const rules = [...renderRetry("").matchAll(/^ {4}"~(.*)" (\w+);$/gm)].map(([, rule = "", way]) => ({
    rule: new RegExp(rule),
    way,
  }));
  const wayOf = (text: string) => rules.find(({ rule }) => rule.test(text))?.way ?? "failed";

  // As nginx 1.30 writes them: sent; received; method; status; address.
  for (const [text, way] of [
    ["0;0;GET;502;backends", "later"],
    ["0;0;POST;502;backends", "later"],
    ["0;0;POST;502;shop-2", "later"],
    ["0;0;POST;502;backends_app", "later"],
    ["0, 0;0, 0;GET;504, 502;192.0.2.1:5000, backends", "again"],
    ["0 : 0;0 : 0;GET;502 : 502;backends : backends_spare", "failed"],
    ["0;0;GET;504;192.0.2.1:5000", "again"],
    ["0;0;POST;504;192.0.2.1:5000", "again"],
    ["0, 0;0, 0;POST;504, 502;192.0.2.1:5000, 192.0.2.1:5000", "again"],
    ["0;0;POST;502;192.0.2.1:5000", "again"],
    ["-;-;POST;502;192.0.2.1:5000", "again"],
    ["120;0;GET;504;192.0.2.1:5000", "again"],
    ["0, 120, 0;0, 0, 0;DELETE;502, 504, 502;192.0.2.1:5000, 192.0.2.1:5000, 192.0.2.1:5000", "again"],
    ["101;0;POST;502;192.0.2.1:5000", "failed"],
    ["101;0;PATCH;502;192.0.2.1:5000", "failed"],
    ["101;0;LOCK;502;192.0.2.1:5000", "failed"],
    ["101, 0;0, 0;POST;504, 502;192.0.2.1:5000, 192.0.2.1:5000", "failed_in_time"],
    ["120, 120;0, 0;GET;504, 504;192.0.2.1:5000, 192.0.2.1:5000", "failed_in_time"],
    ["504;0;POST;502;192.0.2.1:5000", "failed"],
    ["120;4096;GET;502;192.0.2.1:5000", "failed"],
    ["0 : 0;0 : 0;GET;504 : 502;192.0.2.1:5000 : 192.0.2.1:5000", "failed_in_time"],
    ["0 : 0;0 : 0;GET;502 : 502;192.0.2.1:5000 : 192.0.2.1:5000", "failed"],
    ["0 : 120;0 : 0;GET;502 : 502;192.0.2.1:5000 : 192.0.2.1:5000", "failed"],
  ] as const)
    it(`goes ${way} for ${text}`, () => assert.equal(wayOf(text), way));
});

/** Where a request is handed on for the first time. */
const handingOn = (text: string) => {
  const { locations } = renderHandingOn(parseDirectives(text), 0, "unix:/tmp/control.sock", [usualHanding]);
  return (/^location @unspooled \{\n([^}]*)\}$/m.exec(locations)?.[1] ?? "").replaceAll(/^ {2}/gm, "");
};

describe("error pages of the user's own", () => {
  it("leave room for others where a location has its own", () =>
    assert.match(handingOn("error_page 404 /a;"), /@\$after_failure;\nerror_page 404 \/a;\nproxy_pass/));

  it("may lead on for 502 and 504 alone", () => {
    const leadsOn = (pages: string) => handingOn(pages).includes("recursive_error_pages on;");
    assert.deepEqual(["error_page 500 502 /a;", "error_page 504 =200 /a;", "error_page 500 404 /a;"].map(leadsOn), [
      true,
      true,
      false,
    ]);
  });
});

describe("a body that is not received as a whole", () => {
  it("is not sent again", () => {
    assert.ok(!handingOn("proxy_request_buffering  off;").includes("after_failure"));
    assert.ok(handingOn("proxy_request_buffering on;").includes("after_failure"));
  });
});
