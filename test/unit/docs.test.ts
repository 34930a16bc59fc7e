import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { z } from "zod";
import { parseDirectives } from "../../model/directives";
import { livePlace } from "../../model/layout";
import { appSchema } from "../../model/app";
import { groupsOf } from "../../model/routes";
import { parseSettings, settingsSchema } from "../../model/settings";
import { topologyOf } from "../../model/topology";
import { renderFiles } from "../../nginx/render/config";
import { madeDocs } from "../../docs/make";
import { projectRoot } from "../../scripts/setup/project";
import { certificateOf } from "../certificates";
import { settings } from "../components";
import { readSitesPage } from "../sites-page";

describe("docs", () => {
  it("are those that the program's tables make; `npm run docs` writes them", async () => {
    const files = Object.entries(await madeDocs());
    assert.deepEqual(
      files.map(([path]) => path),
      ["docs/settings.md", "docs/settings.schema.json", "docs/headers.md", "docs/directives.md"],
    );
    for (const [path, text] of files) assert.equal(readFileSync(join(projectRoot, path), "utf8"), text, path);
  });

  it("say of every setting what it means, what is expected and what a change does", () => {
    const all = [...Object.entries(settingsSchema.shape), ...Object.entries(appSchema.shape)];
    assert.ok(all.length > 20);
    for (const [key, schema] of all) {
      const { description, change } = (schema as z.ZodType).meta() ?? {};
      assert.match(String(description), /^[a-z`].*[^.]$/, `${key}: description`);
      assert.match(String(change), /^[a-z*].*[^.]$/, `${key}: change`);
    }
    for (const file of ["settings.md", "settings.schema.json"])
      assert.doesNotMatch(readFileSync(join(projectRoot, "docs", file), "utf8"), /undefined/);
  });

  it("name every directive that differs from nginx's default, and no other one", () => {
    const server = { name: "a-0", port: 1, weight: 1, health: { path: "/", host: "a" } };
    const all = [{ behindProxy: true }, { trustedProxies: ["10.0.0.0/8"] }].flatMap((trust) => {
      const topology = topologyOf({ ...settings, ...trust, accessLog: "all" }, [server]);
      const [main] = renderFiles(topology, livePlace, "0".repeat(16));
      return parseDirectives(main?.text ?? "");
    });
    const http = all.flatMap(({ name, block = [] }) => (name === "http" ? block : []));
    const upstream = http.find(({ name }) => name === "upstream")?.block ?? [];
    const rendered = new Set([...all, ...http, ...upstream].map(({ name }) => name));
    for (const name of ["events", "http", "map", "geo", "server", "upstream", "log_format"]) rendered.delete(name);
    const page = readFileSync(join(projectRoot, "docs", "nginx-defaults.md"), "utf8");
    const named = [...page.matchAll(/^\| (`.*?) *\|/gm)].flatMap(([, cell = ""]) =>
      [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name),
    );
    assert.deepEqual(named.sort(), [...rendered].sort());
  });

  it("bring a compose file over with a config that is taken", async () => {
    const { load } = createRequire(require.resolve("@pulumi/pulumi"))("js-yaml") as { load(text: string): unknown };
    const { config } = load(readSitesPage().config) as { config: Record<string, unknown> };
    const raw = Object.entries(config).map(([key, value]) => [
      key.replace("nginx-load-balancer:", ""),
      typeof value === "string" ? value : JSON.stringify(value),
    ]);
    const [shop, blog] = [
      await certificateOf(["shop.example", "www.shop.example", "old-shop.example"]),
      await certificateOf(["blog.example", "*.blog.example"]),
    ];
    const { apps } = parseSettings(Object.fromEntries(raw) as Record<string, string>, {
      isApp: () => true,
      readFile: (path) => (path.includes("shop") ? shop : blog)[path.endsWith(".key") ? "key" : "certificate"],
    });
    assert.deepEqual(
      groupsOf(apps).map(({ upstream, hosts, paths }) => [upstream, hosts.length, paths]),
      [
        ["shop", 2, ["/"]],
        ["api", 2, ["/api"]],
        ["blog", 2, ["/"]],
      ],
    );
  });

  describe("the schema for editors", () => {
    const json = readFileSync(join(projectRoot, "docs", "settings.schema.json"), "utf8");
    const editor = z.fromJSONSchema(JSON.parse(json) as z.core.JSONSchema.JSONSchema);
    const accepts = (config: Record<string, unknown>) => editor.safeParse({ encryptionsalt: "v1:x", config }).success;
    const secret = { secure: "v1:x" };
    const app = { name: "shop", path: "apps/shop" };
    const table: [config: Record<string, unknown>, accepted: boolean][] = [
      [{}, true],
      [{ "nginx-load-balancer:backendCount": 3 }, true],
      [{ "nginx-load-balancer:backendCount": "3" }, true],
      [{ "nginx-load-balancer:backendCount": 0 }, false],
      [{ "nginx-load-balancer:backendCount": "three" }, false],
      [{ "nginx-load-balancer:behindProxy": "true" }, true],
      [{ "nginx-load-balancer:behindProxy": "yes" }, false],
      [{ "nginx-load-balancer:method": "fastest" }, false],
      [{ "nginx-load-balancer:backendcount": 3 }, false],
      [{ "other:anything": 3 }, true],
      [{ "nginx-load-balancer:apps": secret }, true],
      [{ "nginx-load-balancer:apps": [app] }, true],
      [{ "nginx-load-balancer:apps": [{ ...app, env: { TOKEN: secret, A: "b" } }] }, true],
      [{ "nginx-load-balancer:apps": [{ ...app, env: { A: 1 } }] }, false],
      [{ "nginx-load-balancer:apps": [{ path: "apps/shop" }] }, false],
      [{ "nginx-load-balancer:apps": [{ ...app, prot: 1 }] }, false],
      [{ "nginx-load-balancer:apps": [] }, false],
    ];
    for (const [config, accepted] of table)
      it(`${accepted ? "takes" : "refuses"} ${JSON.stringify(config)}`, () => assert.equal(accepts(config), accepted));
  });
});
