import assert from "node:assert/strict";
import { pagesOf } from "../../model/policies/pages";
import { settings } from "../components";
import { Rig } from "../faults/rig";

const [app] = settings.apps as [(typeof settings.apps)[number]];

describe("headers of requests and answers", function () {
  this.timeout(120_000);
  let rig: Rig;
  const everywhere = {
    hosts: [],
    paths: ["/"],
    requests: { "X-Env": "live $request_method", Cookie: "" },
    answers: { "X-Frame-Options": "DENY", "X-Large": "", "X-Quote": 'say "\\a"' },
  };
  const shop = {
    hosts: ["shop.example"],
    paths: ["/api"],
    requests: { "X-Env": "api" },
    answers: { "x-frame-options": "" },
  };

  const apps = [
    { ...app, name: "shop", hosts: ["shop.example"] },
    { ...app, name: "rest" },
  ];

  before(async () => {
    rig = await Rig.create("headers", 2, {
      apps,
      headers: [everywhere, shop],
      serverConfig: "proxy_hide_header X-Secret;",
    });
  });
  after(() => rig?.remove());

  const echo = async (host: string, path = "/echo", headers: Record<string, string> = {}) => {
    const { text } = await rig.ask(path, { headers: { Host: host, ...headers } });
    return new Map(text.split("\n").map((line) => line.split(": ") as [string, string]));
  };

  it("are what a backend gets, whatever the client sends", async () => {
    const got = await echo("rest.example", "/echo", { "X-Env": "mine", cookie: "a=b", "X-Other": "kept" });
    assert.deepEqual([got.get("X-Env"), got.get("Cookie"), got.get("X-Other")], ["live GET", undefined, "kept"]);
    assert.equal(got.get("Host"), "rest.example");
  });

  it("are those of the longest path, with the others", async () => {
    const got = await echo("shop.example", "/api/echo", { Cookie: "a=b" });
    assert.deepEqual([got.get("X-Env"), got.get("Cookie")], ["api", undefined]);
    const answer = await rig.ask("/api?header=8&sets=X-Frame-Options:SAMEORIGIN", {
      headers: { Host: "shop.example" },
    });
    assert.deepEqual(
      [answer.status, answer.headers["x-frame-options"], answer.headers["x-large"], answer.headers["x-quote"]],
      [200, undefined, undefined, 'say "\\a"'],
    );
  });

  it("take the place of a backend's own, also on an answer of nginx's", async () => {
    const answer = await rig.ask("/?header=8&sets=X-Frame-Options:SAMEORIGIN&sets=X-Secret:a&sets=X-Kept:b");
    assert.deepEqual(
      ["x-frame-options", "x-large", "x-secret", "x-kept"].map((name) => answer.headers[name]),
      ["DENY", undefined, undefined, "b"],
    );
    const failed = await rig.ask("/drop", { method: "POST", body: Buffer.from("x") });
    assert.deepEqual([failed.status, failed.headers["x-frame-options"]], [502, "DENY"]);
    await rig.change({ apps, headers: [everywhere, shop], ...pagesOf({ errorPages: {} }, () => "") });
    const page = await rig.ask("/drop", { method: "POST", body: Buffer.from("x") });
    assert.match(page.text, /<h1>Bad Gateway/);
    assert.deepEqual([page.status, page.headers["x-frame-options"]], [502, "DENY"]);
  });

  it("come and go without a lost request", async () =>
    rig.assertNoneLost("/", [{ apps }, { apps, headers: [everywhere, shop] }]));
});
