import assert from "node:assert/strict";
import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { livePlace, mainFile, logFolder } from "../../model/layout";
import { parseSettings } from "../../model/settings";
import { topologyOf } from "../../model/topology";
import { renderFiles } from "../../nginx/render/config";
import { tryDocker } from "../../rollout/docker";
import { baseImages } from "../machine";
import { context } from "../problems";

/** How many texts nginx is asked about. */
const count = 500;

const path = fc.constantFrom("/", "/a", "/a/b", "/a/b.c", "/x~y", "/api", "/api/v1");
const hosts = fc.subarray(["shop.example", "*.shop.example"]);
const scope = { hosts, paths: fc.uniqueArray(path, { minLength: 1, maxLength: 3 }) };
const some = <T>(entry: fc.Arbitrary<T>) => fc.array(entry, { maxLength: 3 });
const value = fc.oneof(
  fc.string({ maxLength: 40 }).filter((text) => /^[\x20-\x23\x25-\x7e]*$/.test(text)),
  fc.constantFrom("$request_id", "a ${host} \\ \"b\" 'c' {d};", ""),
);
const headerName = fc.constantFrom("X-A", "X-Env", "Cookie", "X-Forwarded-Prefix", "Host", "x-b");
const seconds = fc.integer({ min: 1, max: 1000 });
const network = fc.constantFrom("10.0.0.0/8", "192.0.2.7", "2001:db8::/32");
const maybe = <T>(entry: fc.Arbitrary<T>) => fc.option(entry, { nil: undefined });

const config = fc.record({
  headers: some(
    fc.record({
      ...scope,
      requests: fc.dictionary(headerName, value),
      answers: fc.dictionary(fc.constantFrom("X-A", "X-C"), value),
    }),
  ),
  locations: some(
    fc.record({
      ...scope,
      requestTimeoutSeconds: maybe(seconds),
      maxBodyMb: maybe(seconds),
      idleSeconds: maybe(seconds),
      locationConfig: maybe(
        fc.constantFrom("limit_rate 1m;", "proxy_set_header X-Own a; # b", "if ($arg_a) { return 204; }"),
      ),
    }),
  ),
  compression: some(
    fc.record({
      ...scope,
      on: fc.boolean(),
      level: fc.integer({ min: 1, max: 9 }),
      types: fc.subarray(["text/html", "text/css", "image/svg+xml"]),
    }),
  ),
  cache: some(fc.record({ ...scope, seconds: fc.integer({ min: 0, max: 99 }) })),
  limits: fc.record({
    dryRun: fc.boolean(),
    rules: fc.uniqueArray(
      fc.record({
        name: fc.constantFrom("one", "two", "three"),
        ...scope,
        by: fc.constantFrom("address", "all", "header X-Key"),
        requestsPerSecond: fc.constantFrom<string | number>(1, 50, 0.5, "10/60"),
        burst: fc.integer({ min: 0, max: 99 }),
        connections: maybe(seconds),
      }),
      { selector: ({ name }) => name },
    ),
  }),
  access: fc.uniqueArray(
    fc.record({
      hosts: fc.constant([]),
      paths: fc.tuple(path),
      allow: fc.uniqueArray(network, { minLength: 1 }),
      deny: fc.uniqueArray(network),
      authRequest: maybe(fc.constant({ app: "shop", path: "/gate", headers: ["X-User"] })),
      satisfy: fc.constantFrom("all", "any"),
    }),
    { selector: ({ paths }) => paths[0] },
  ),
  maintenance: maybe(fc.record({ sites: hosts, allow: fc.uniqueArray(network), retryAfterSeconds: seconds })),
  pause: maybe(fc.record({ sites: hosts, holdSeconds: fc.integer({ min: 1, max: 99 }) })),
  drainSeconds: fc.constantFrom(100, 3600),
  errorPages: maybe(fc.constant({})),
  httpConfig: fc.constantFrom("", "map $host $own { default a; }"),
  serverConfig: fc.constantFrom(
    "",
    "proxy_hide_header X-D; error_page 404 /own;",
    "auth_request off;",
    "location /own { return 204; }",
  ),
  spoolMb: fc.constantFrom(0, 64),
  behindProxy: fc.boolean(),
  accessLog: fc.constantFrom("off", "errors", "all", "json"),
  metrics: maybe(fc.constant({})),
  sticky: maybe(fc.record({ hours: fc.integer({ min: 0, max: 9 }), secure: fc.boolean(), httpOnly: fc.boolean() })),
});

function topologyFor({ sticky, behindProxy, access, ...own }: typeof config extends fc.Arbitrary<infer T> ? T : never) {
  const shop = {
    name: "shop",
    path: "shop",
    count: 1,
    hosts: ["shop.example", "*.shop.example"],
    ...(sticky && { sticky }),
  };
  const apps = [
    shop,
    { name: "rest", path: "rest", count: 1 },
    { name: "api", path: "api", count: 1, hosts: ["shop.example"], paths: ["/api"], stripPrefix: true },
  ];
  // By the address of a proxy that is believed nobody can be told apart.
  const all = { apps, ...own, behindProxy: behindProxy && access.length === 0, access };
  const raw = Object.entries(all).flatMap(([key, one]) =>
    one === undefined ? [] : [[key, typeof one === "string" ? one : JSON.stringify(one)]],
  );
  const settings = parseSettings(Object.fromEntries(raw) as Record<string, string>, context);
  const servers = apps.map(({ name }) => ({
    app: name,
    name: `${name}-0-0123456789`,
    port: 5000,
    weight: 1,
    health: { path: "/", host: "a" },
  }));
  return topologyOf(settings, servers);
}

describe("whatever settings are taken", function () {
  this.timeout(300_000);

  it("give a text that nginx takes, the same each time", async () => {
    const folder = await mkdtemp(join(tmpdir(), "nlb-accepted-"));
    try {
      const configs = fc.sample(config, { numRuns: count, seed: 16 });
      for (const [at, one] of configs.entries()) {
        const files = renderFiles(topologyFor(one), livePlace, "0".repeat(16));
        assert.deepEqual(renderFiles(topologyFor(one), livePlace, "0".repeat(16)), files);
        await mkdir(join(folder, String(at)));
        for (const { name, text } of files) await writeFile(join(folder, String(at), name), text);
      }
      // The last one shows that nginx was asked at all.
      await mkdir(join(folder, "wrong"));
      await writeFile(join(folder, "wrong", mainFile), "events { }\nhttp { no_such_directive on; }\n");
      const { nginxImage } = await baseImages();
      const loop = `mkdir -p ${livePlace.folder}/status /var/spool/nginx ${logFolder}; cd /texts; for at in *; do nginx -t -q -c /texts/$at/${mainFile} 2>&1 | grep -v "not necessary\\|user. directive" | sed "s/^/$at: /"; done`;
      const mounts = ["--tmpfs", "/tmp", "--volume", `${folder}:/texts:ro`];
      const { code, stdout } = await tryDocker(
        "run",
        "--rm",
        "--network",
        "none",
        ...mounts,
        nginxImage,
        "sh",
        "-c",
        loop,
      );
      const refused = stdout.split("\n").filter((line) => line !== "" && !line.startsWith("wrong: "));
      const [first = ""] = refused;
      assert.deepEqual(refused, [], JSON.stringify(configs[Number(first.split(":")[0])], undefined, 1));
      assert.match(stdout, /^wrong: .*no_such_directive/m);
      assert.ok(code <= 1);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
