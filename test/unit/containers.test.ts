import assert from "node:assert/strict";
import type * as pulumi from "@pulumi/pulumi";
import type { BackendPoolArgs } from "../../components/backend-pool";
import type { BalancerArgs } from "../../components/balancer";
import { topologyOf } from "../../model/topology";
import { build, changeOf, container, identity, labelsOf, settings, stackLabel, types } from "../components";

describe("what containers are made of: backends", () => {
  it("hands the base image to the apps' builds", async () => {
    const { recording } = await build({ pool: { pythonImage: "python:3.15" } });
    const { build: source } = recording.one(types.image, "img-app1").inputs as { build: Record<string, unknown> };
    assert.deepEqual(source, { context: "apps/app1", buildArgs: { PYTHON_IMAGE: "python:3.15" } });
  });

  it("labels its containers with all that they are found by, in one order", async () => {
    const { recording, pool } = await build({ pool: { revision: "7" } });
    const alias = pool.backends[2]?.alias ?? "";
    assert.deepEqual(labelsOf(container(recording, "pool-app1-1")), [
      ["nginx-load-balancer.alias", alias],
      ["nginx-load-balancer.app", "app1"],
      ["nginx-load-balancer.by", identity.by],
      ["nginx-load-balancer.hash", alias.replace("app1-1-", "")],
      ["nginx-load-balancer.network", "pool-app1-network-made"],
      ["nginx-load-balancer.owner", identity.owner],
      ["nginx-load-balancer.revision", "7"],
      ["nginx-load-balancer.role", "backend"],
      ["nginx-load-balancer.slot", "app1-1"],
      ["nginx-load-balancer.stack", stackLabel],
    ]);
  });

  it("gives a backend its time to end, and leaves it to the installation to wait for it", async () => {
    const { recording } = await build({ pool: { drainSeconds: 7 } });
    const { destroyGraceSeconds, wait } = container(recording, "pool-app1-0");
    assert.deepEqual({ destroyGraceSeconds, wait }, { destroyGraceSeconds: 7, wait: false });
  });

  it("gives other aliases for another image: another source or base of the app's", async () => {
    // Both apps' hashes are known; one that takes the other's folder differs in nothing but its image.
    const before = (await build()).pool.servers[0]?.name;
    const apps = settings.apps.map((app, index) => (index === 0 ? { ...app, path: "apps/app2" } : app));
    assert.notEqual((await build({ pool: { apps } })).pool.servers[0]?.name, before);
  });

  it("gives no alias that another of the stack's containers has", async () => {
    const [first] = (await build()).pool.backends;
    const alias = first?.alias ?? "";
    const hash = alias.replace("app1-0-", "");
    const failed = { id: "2", slot: "app1-0", hash: "other", alias: "app1-0-other", ...identity };
    const older = { id: "1", slot: "app1-0", hash, alias, ...identity };
    const { pool } = await build({ pool: { existing: [failed, older] } });
    assert.equal(pool.backends[0]?.alias, `${alias}-2`);
  });
});

describe("what containers are made of: all", () => {
  it("replaces containers for what the provider would only say that it has changed", async () => {
    const { recording } = await build();
    for (const { name } of recording.ofType(types.container)) {
      const { replaceOnChanges } = recording.options.get(name) as pulumi.CustomResourceOptions;
      assert.deepEqual(replaceOnChanges, ["healthcheck", "tmpfs"], name);
    }
  });

  it("names an image after all that it is built from, and builds it again for another name", async () => {
    const imageOf = async (pool: Partial<BackendPoolArgs>) => {
      const { recording } = await build({ pool });
      const { inputs } = recording.one(types.image, "img-app1");
      const { name, triggers } = inputs as { name: string; triggers: { source: string } };
      assert.equal(name, `${stackLabel}/app1:${triggers.source}`);
      return name;
    };
    const elsewhere = settings.apps.map((app, index) => (index === 0 ? { ...app, path: "apps/app2" } : app));
    const changes: Partial<BackendPoolArgs>[] = [{}, { pythonImage: "python:3.15" }, { apps: elsewhere }];
    const names = new Set<string>();
    for (const change of changes) names.add(await imageOf(change));
    assert.equal(names.size, changes.length);
    assert.equal(await imageOf({ revision: "2", drainSeconds: 3 }), [...names][0]);
  });

  it("finds networks and volumes by the stack's label, and removes nothing that has another", async () => {
    const { recording } = await build();
    for (const { name, inputs } of [...recording.ofType(types.network), ...recording.ofType(types.volume)])
      assert.deepEqual(
        labelsOf(inputs).filter(([label]) => label !== "nginx-load-balancer.app"),
        [["nginx-load-balancer.stack", stackLabel]],
        name,
      );
    assert.deepEqual(recording.one(types.command, "img-removal").inputs["environment"], { STACK: stackLabel });
  });
});

describe("what containers are made of: the balancer", () => {
  it("installs with the stack's own names and times", async () => {
    const topology = topologyOf({ ...settings, drainSeconds: 7 }, [
      { name: "app1-0-x", port: 5000, weight: 1, health: { path: "/health", host: "localhost" } },
    ]);
    const { recording } = await build({ balancer: { healthTimeoutSeconds: 90, topology } });
    const { destination, policy } = changeOf(recording);
    const { url, stack, owners } = destination;
    assert.deepEqual(
      { url, stack, owners, policy },
      {
        url: "http://127.0.0.1:8080",
        stack: stackLabel,
        owners: [identity.owner, ""],
        policy: { drainSeconds: 7, healthTimeoutSeconds: 90 },
      },
    );
  });

  it("counts an attempt for a release that the volume doesn't hold, and none for the one that it holds", async () => {
    const attemptFor = async (live: BalancerArgs["live"]) =>
      changeOf((await build({ balancer: { live } })).recording).attempt;
    const { id } = changeOf((await build()).recording);
    assert.ok((await attemptFor(undefined)) > 1_700_000_000, "the time");
    assert.equal(await attemptFor({ id, attempt: 7, isAiling: false }), 7);
    assert.equal(await attemptFor({ id: "0".repeat(16), attempt: 7, isAiling: false }), 8);
    assert.equal(await attemptFor({ id, attempt: 7, isAiling: true }), 8);
  });

  it("shows no secret directives, and keeps them encrypted in the state", async () => {
    // The engine's mark of a secret value in a property, see "special properties" in Pulumi's protocol.
    const mark = "4dabf18193072939515e22adb298388d";
    const { recording } = await build({ balancer: { isSecret: true } });
    const { stdin, environment } = recording.one(types.command, "lb-installed").inputs as Record<string, object>;
    assert.ok(mark in (stdin ?? {}));
    assert.ok(mark in (environment ?? {}));
  });

  it("has users read again by a key that the state keeps encrypted, and none where there are none", async () => {
    const environmentOf = async (more: Partial<BalancerArgs> = {}) => {
      const { recording } = await build({ balancer: more });
      return JSON.stringify(recording.one(types.command, "lb-installed").inputs["environment"]);
    };
    const some = await environmentOf({ users: { paths: ["users.txt"], key: "key of users" } });
    assert.match(some, /"4dabf18193072939515e22adb298388d":.*"USERS_KEY":"key of users"/);
    assert.match(some, /usersFiles.{1,8}users\.txt/);
    assert.doesNotMatch(await environmentOf(), /usersFiles|USERS_KEY|4dabf18/);
  });

  it("has the history keep settings that no preview shows, and none where there are none", async () => {
    const environmentOf = async (more: Partial<BalancerArgs> = {}) => {
      const { recording } = await build({ balancer: more });
      return JSON.stringify(recording.one(types.command, "lb-installed").inputs["environment"]);
    };
    assert.match(
      await environmentOf({ settings: "sealed" }),
      /"4dabf18193072939515e22adb298388d":.*"SETTINGS":"sealed"/,
    );
    assert.doesNotMatch(await environmentOf(), /SETTINGS|4dabf18/);
  });

  it("gets its time to end, and is not waited for: the installation does that", async () => {
    const topology = topologyOf({ ...settings, drainSeconds: 7 }, (await build()).pool.servers);
    const { recording } = await build({ balancer: { topology } });
    const { destroyGraceSeconds, wait } = container(recording, "lb-nginx");
    assert.deepEqual({ destroyGraceSeconds, wait }, { destroyGraceSeconds: 7, wait: false });
  });

  it("is made on the entry's network, which is there as long as it is; backends reach the world from theirs", async () => {
    const { recording } = await build();
    assert.deepEqual(container(recording, "lb-nginx")["networksAdvanced"], [{ name: "front-network-made" }]);
    assert.equal("internal" in recording.one(types.network, "pool-app1-network").inputs, false);
  });

  it("is built from the base image, and found by its labels", async () => {
    const { recording } = await build({ balancer: { nginxImage: "nginx:1.31" } });
    const { build: source } = recording.one(types.image, "img-nginx").inputs as { build: Record<string, unknown> };
    assert.deepEqual(source, { context: "nginx/image", buildArgs: { NGINX_IMAGE: "nginx:1.31" } });
    assert.deepEqual(labelsOf(container(recording, "lb-nginx")), [
      ["nginx-load-balancer.by", identity.by],
      ["nginx-load-balancer.owner", identity.owner],
      ["nginx-load-balancer.role", "balancer"],
      ["nginx-load-balancer.stack", stackLabel],
    ]);
  });
});

describe("what containers are made of: the entry", () => {
  it("is published at the loopback, and at no other address, on a network that only it is on", async () => {
    const { recording } = await build();
    const { ports, networksAdvanced } = container(recording, "front-socket");
    assert.deepEqual(ports, [{ internal: 8080, external: 8080, ip: "127.0.0.1" }]);
    assert.deepEqual(networksAdvanced, [{ name: "front-network-made" }]);
    // Docker publishes no port on an internal one.
    assert.equal("internal" in recording.one(types.network, "front-network").inputs, false);
  });

  it("is built from its own base image, and found by its labels", async () => {
    const { recording, entry } = await build({ entry: { entryImage: "debian:14" } });
    const { build: source } = recording.one(types.image, "img-entry").inputs as { build: Record<string, unknown> };
    assert.deepEqual(source, { context: "nginx/entry", buildArgs: { ENTRY_IMAGE: "debian:14" } });
    assert.deepEqual(labelsOf(container(recording, "front-socket")), [
      ["nginx-load-balancer.by", identity.by],
      ["nginx-load-balancer.hash", entry.sockets.split(":")[0]],
      ["nginx-load-balancer.listen", "127.0.0.1:8080"],
      ["nginx-load-balancer.owner", identity.owner],
      ["nginx-load-balancer.role", "entry"],
      ["nginx-load-balancer.stack", stackLabel],
    ]);
  });
});
