import assert from "node:assert/strict";
import { pagesOf } from "../../model/policies/pages";
import { settings } from "../components";
import { Rig } from "../faults/rig";

const [app] = settings.apps as [(typeof settings.apps)[number]];
const apps = [
  { ...app, name: "shop", hosts: ["shop.example"] },
  { ...app, name: "api", hosts: ["shop.example"], paths: ["/api"], stripPrefix: true },
  { ...app, name: "rest" },
];
const downFor = (more: { sites?: string[]; allow?: string[] } = {}) => {
  const maintenance = { sites: ["shop.example"], allow: [], retryAfterSeconds: 120, page: "down.html", ...more };
  return { apps, maintenance, ...pagesOf({ maintenance, errorPages: {} }, () => "<p>Down, $uri</p>") };
};

describe("maintenance, and pages of errors", function () {
  this.timeout(120_000);
  let rig: Rig;
  let gateway = "";

  before(async () => {
    rig = await Rig.create("maintenance", 3, (own) => {
      gateway = own;
      return { apps };
    });
  });
  after(() => rig?.remove());

  const ask = (host: string, path = "/", more: object = {}) => rig.ask(path, { headers: { Host: host }, ...more });

  it("is for the sites that are named, by GET and POST, whatever their backends do", async () => {
    await rig.change(downFor());
    for (const [path, more] of [["/"], ["/api/a"], ["/", { method: "POST", body: Buffer.alloc(1 << 20) }]] as const) {
      const down = await ask("shop.example", path, more);
      assert.deepEqual([down.status, down.text, down.headers["retry-after"]], [503, "<p>Down, $uri</p>", "120"]);
    }
    assert.equal((await ask("rest.example")).status, 200);
  });

  it("lets some clients through", async () => {
    await rig.change(downFor({ allow: ["192.0.2.0/24", gateway] }));
    const answers = await Promise.all([ask("shop.example"), ask("shop.example", "/api/a")]);
    assert.deepEqual(
      answers.map(({ status, headers }) => [status, headers["x-target"]]),
      [
        [200, "/"],
        [200, "/a"],
      ],
    );
  });

  it("has a page for what nginx answers itself, and leaves a backend's own answers alone", async () => {
    const failed = await ask("rest.example", "/drop", { method: "POST", body: Buffer.from("x") });
    assert.deepEqual([failed.status, /<h1>(.*)<\/h1>/.exec(failed.text)?.[1]], [502, "Bad Gateway"]);
    const late = await ask("rest.example", "/?seconds=9", { method: "POST" });
    assert.deepEqual([late.status, /<h1>(.*)<\/h1>/.exec(late.text)?.[1]], [504, "Gateway Timeout"]);
    assert.equal((await ask("rest.example", "/?status=503")).text, "0");
  });

  it("comes and goes without a lost request", async () =>
    rig.assertNoneLost("/", [downFor(), { apps }], { allowed: [200, 503], headers: { Host: "shop.example" } }));
});
