import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { docker } from "../../rollout/docker";
import { startLoad, type Load, type Profile } from "../../scripts/load/load";
import { readStatus } from "../../scripts/status";
import { askPlain } from "./ask";
import { FixtureApp } from "./app";
import { assertNoneLost } from "./books";
import { TestStack, type Outputs } from "./stack";

/** What clients ask for all the time, and whose answers alone are right. */
const asked = [
  { host: "shop.example", path: "/", app: "shop" },
  { host: "blog.example", path: "/", app: "blog" },
  { host: "localhost", path: "/", app: "rest" },
];

describe("sites under load", function () {
  this.timeout(1_200_000);
  const sources = new Map<string, FixtureApp>();
  let stack: TestStack;
  let outputs: Outputs;
  let load: Load;

  const app = (name: string, more: object = {}) => ({ name, path: sources.get(name)?.path, ...more });
  const shop = { hosts: ["shop.example"], count: 2 };
  const blog = { hosts: ["blog.example", "*.blog.example"], count: 2 };
  const backendsOf = async (name: string) =>
    (await stack.containers()).backends.flatMap(({ id, app: own }) => (own === name ? id : [])).sort();

  before(async () => {
    for (const name of ["shop", "blog", "rest", "api"]) {
      const source = await FixtureApp.create();
      await source.write(name);
      sources.set(name, source);
    }
    stack = await TestStack.create("sites", {
      backendCount: 2,
      drainSeconds: 6,
      healthTimeoutSeconds: 20,
      apps: [app("shop", shop), app("rest"), app("blog", blog)],
    });
    outputs = await stack.up();
    // Versions begin with the app's name: an answer of another app's is a lost request.
    const profiles = asked.flatMap(({ host, path, app: name }): Profile[] => {
      const check: Profile["check"] = ({ status, headers }) =>
        status === 200 && String(headers["x-version"]).startsWith(name)
          ? undefined
          : `${status} ${headers["x-version"]}`;
      const one = { host, path, check, clients: 1 };
      const post = { ...one, method: "POST", path: "/echo", body: () => "x".repeat(500) } as const;
      return [
        { ...one, name: `${host} kept GET`, method: "GET", keepAlive: true, pauseMilliseconds: 2 },
        { ...one, name: `${host} fresh GET`, method: "GET", keepAlive: false, pauseMilliseconds: 5 },
        { ...post, name: `${host} kept POST`, keepAlive: true, pauseMilliseconds: 2 },
      ];
    });
    load = startLoad({ url: outputs.url, maxSeconds: 1200, profiles });
  });
  after(async () => {
    await load?.stop();
    await stack.remove();
    for (const source of sources.values()) await source.remove();
  });
  beforeEach(() => void load.mark());

  const answerOf = async (host: string, path = "/") => {
    const { status, version } = await askPlain(outputs.url, host, { path });
    return `${status} ${version}`;
  };

  /** Changes the apps, and loses nothing; others than those named keep their containers. */
  async function change(apps: readonly object[], ...touched: string[]): Promise<void> {
    const kept = ["shop", "blog", "rest"].filter((name) => !touched.includes(name));
    const before = await Promise.all(kept.map(backendsOf));
    await stack.configure({ apps });
    outputs = await stack.up();
    assertNoneLost(load.mark());
    assert.deepEqual(await Promise.all(kept.map(backendsOf)), before);
  }

  it("answers each name by its app, and others by the one that has none", async () => {
    assert.deepEqual(
      await Promise.all(
        ["shop.example", "SHOP.example:80", "blog.example", "a.blog.example", "x"].map((host) => answerOf(host)),
      ),
      ["200 shop", "200 shop", "200 blog", "200 blog", "200 rest"],
    );
    assert.equal(outputs.backends.length, 6);
    await stack.engineOk("preview", "--expect-no-changes");
  });

  it("adds a site", async () => {
    assert.equal(await answerOf("api.example"), "200 rest");
    await change([app("shop", shop), app("rest"), app("blog", blog), app("api", { hosts: ["api.example"], count: 1 })]);
    assert.equal(await answerOf("api.example"), "200 api");
  });

  it("splits a path off another site, without its prefix", async () => {
    const api = app("api", { hosts: ["shop.example"], paths: ["/api"], stripPrefix: true, count: 1 });
    await change([app("shop", shop), app("rest"), app("blog", blog), api]);
    assert.deepEqual(
      [
        await answerOf("shop.example", "/api/"),
        await answerOf("shop.example", "/api/none"),
        await answerOf("api.example"),
      ],
      ["200 api", "404 api", "200 rest"],
    );
  });

  it("rolls the image of one site", async () => {
    await sources.get("blog")?.write("blog 2");
    await change([app("shop", shop), app("rest"), app("blog", blog)], "blog");
    assert.equal(await answerOf("blog.example"), "200 blog 2");
  });

  it("scales one site", async () => {
    await change([app("shop", { ...shop, count: 4 }), app("rest"), app("blog", blog)], "shop");
    assert.equal((await backendsOf("shop")).length, 4);
  });

  it("moves a route to another app", async () => {
    await sources.get("api")?.write("shop of another app");
    const moved = [
      app("shop", { ...shop, count: 4, hosts: ["old.example"] }),
      app("rest"),
      app("blog", blog),
      app("api", shop),
    ];
    await change(moved);
    assert.deepEqual(
      [await answerOf("shop.example"), await answerOf("old.example")],
      ["200 shop of another app", "200 shop"],
    );
  });

  it("sends browsers of one name to another, with port, path and query", async () => {
    await stack.configure({ redirects: [{ from: "www.shop.example", to: "shop.example" }] });
    outputs = await stack.up();
    assertNoneLost(load.mark());
    const { status, location } = await askPlain(outputs.url, "www.shop.example:8080", { path: "/a%20b?c=/d" });
    assert.deepEqual([status, location], [308, "http://shop.example:8080/a%20b?c=/d"]);
  });

  it("is shown with its routes, to machines, too", async () => {
    const status = await readStatus(stack.stackLabel, outputs);
    const { code, output } = await stack.script("status", "--json");
    assert.equal(code, 0, output);
    assert.deepEqual((JSON.parse(output) as typeof status).routes, status.routes);
    const { routes } = status;
    assert.deepEqual(
      routes.map(({ hosts, path, backends }) => `${hosts.join()}${path} ${backends.length}`),
      ["/ 2", "old.example/ 4", "blog.example,*.blog.example/ 2", "shop.example/ 2", "www.shop.example/ 0"],
    );
  });

  it("is drawn as it runs, and as its config would have it", async () => {
    const [runs, config] = await Promise.all([
      stack.script("graph"),
      stack.script("graph", "--config", "--config-file", stack.configFile),
    ]);
    assert.deepEqual([runs.code, config.code], [0, 0], runs.output + config.output);
    const names = (text: string) => [...text.matchAll(/backend_\d+_\d+\[\("(.+)"\)\]/g)].map(([, name]) => name).sort();
    assert.deepEqual(names(runs.output), outputs.backends.map(({ alias }) => alias).sort());
    const slots = outputs.backends.map(({ alias }) => alias.replace(/-[0-9a-f]{10}$/, "")).sort();
    assert.deepEqual(names(config.output), slots);
    assert.match(runs.output, /"shop\.example"/);
  });

  it("gives an app the networks, volumes, folders, user, command, processors and secrets that it asks for", async () => {
    const name = `e2e-sites-${process.pid}`;
    await docker("network", "create", name);
    await docker("volume", "create", name);
    try {
      const wanted = {
        hosts: ["api.example"],
        count: 1,
        networks: [name],
        volumes: [`${name}:/srv/read`, "/usr/share/zoneinfo:/srv/host:rw"],
        writable: ["/var/cache/app"],
        user: "12345:12345",
        command: ["sh", "-c", "exec ./serve.sh"],
        cpus: 0.5,
        env: { PLAIN: "a b" },
        secretEnv: { TOKEN: "s3cr3t" },
      };
      const apps = [app("shop", { ...shop, count: 4 }), app("rest"), app("blog", blog), app("api", wanted)];
      await stack.engineOk("config", "set", "--secret", "apps", JSON.stringify(apps));
      outputs = await stack.up();
      assertNoneLost(load.mark());
      assert.equal(await answerOf("api.example"), "200 shop of another app");
      const [id = ""] = await backendsOf("api");
      const inside = `id -u; echo $PLAIN-$TOKEN; touch /var/cache/app/x && echo writes
touch /srv/read/x 2>/dev/null || echo reads; grep -c " /srv/host .*rw," /proc/mounts`;
      assert.deepEqual((await docker("exec", id, "sh", "-c", inside)).trim().split("\n"), [
        ...["12345", "a b-s3cr3t", "writes", "reads", "1"],
      ]);
      const format = `{{.HostConfig.NanoCpus}} {{len .NetworkSettings.Networks}} {{json .Config.Cmd}}`;
      assert.equal(
        (await docker("inspect", "--format", format, id)).trim(),
        `500000000 2 ${JSON.stringify(wanted.command)}`,
      );
      const preview = await stack.engineOk("preview", "--expect-no-changes", "--diff");
      assert.ok(!preview.includes("s3cr3t"));
      for (const file of stack.stateFiles().filter((path) => path.endsWith(".json")))
        assert.ok(!readFileSync(join(stack.folder, file), "utf8").includes("s3cr3t"), file);
    } finally {
      await stack.configure({
        apps: [app("shop", { ...shop, count: 4 }), app("rest"), app("blog", blog), app("api", shop)],
      });
      await stack.up();
      await docker("network", "rm", name);
      await docker("volume", "rm", name);
    }
  });

  it("refuses names that no app has, once none is left that has no names", async () => {
    await load.stop();
    await stack.configure({ apps: [app("shop", shop), app("blog", blog)] });
    outputs = await stack.up();
    assert.deepEqual([await answerOf("other"), await answerOf("shop.example")], ["421 nginx", "200 shop"]);
  });
});
