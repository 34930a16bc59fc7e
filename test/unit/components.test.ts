import assert from "node:assert/strict";
import { resolve } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { BackendPool, type BackendPoolArgs } from "../../components/backend-pool";
import { Balancer } from "../../components/balancer";
import { LogVolume } from "../../components/log-volume";
import { Entry } from "../../components/entry";
import { doorsOf } from "../../model/entry";
import { hashTree } from "../../lib/tree-hash";
import { releaseOf, showFiles } from "../../nginx/render/config";
import { serversOf } from "../../model/topology";
import type { ExistingBackend } from "../../model/identity";
import { labels } from "../../model/labels";
import type { Settings } from "../../model/settings";
import { StackImages } from "../../components/stack-images";
import {
  balancerArgs,
  build,
  changeOf,
  container,
  entryArgs,
  identity,
  labelsOf,
  poolArgs,
  settings,
  settle,
  stackLabel,
  types,
} from "../components";
import { mockEngine, valueOf } from "../mocks";
import { entryOf } from "../observed";

function fiftyApps(app: (typeof settings.apps)[number]) {
  return [...settings.apps, ...Array.from({ length: 48 }, (_, index) => ({ ...app, name: `more-${index}` }))];
}

/** What Docker would tell of a container that was made, if it is a backend's. */
function existingOf(inputs: Readonly<Record<string, unknown>>): ExistingBackend[] {
  const own = new Map(labelsOf(inputs));
  const [slot = "", hash = "", alias = ""] = [labels.slot, labels.hash, labels.alias].map((key) => own.get(key));
  return slot === "" ? [] : [{ id: slot, slot, hash, alias, owner: identity.owner }];
}

/** A container's inputs as the engine compares them. */
function withoutTimes(inputs: Readonly<Record<string, unknown>>, ignored: readonly string[] | undefined) {
  const healthcheck = Object.entries(inputs["healthcheck"] as Record<string, unknown>);
  return {
    ...inputs,
    healthcheck: Object.fromEntries(healthcheck.filter(([key]) => ignored?.includes(`healthcheck.${key}`) !== true)),
  };
}

describe("components on mocks", () => {
  describe("backend pool", () => {
    it("makes a container for each slot", async () => {
      const { recording } = await build();
      assert.deepEqual(
        recording.names().filter((name) => name.includes(" pool")),
        [
          `${types.container} pool-app1-0`,
          `${types.container} pool-app1-1`,
          `${types.container} pool-app2-0`,
          `${types.network} pool-app1-network`,
          `${types.network} pool-app2-network`,
          `${types.pool} pool`,
        ].sort(),
      );
    });

    it("builds no image for an app without a backend", async () => {
      const { recording } = await build({ pool: { backendCount: 1 } });
      assert.deepEqual(
        recording.ofType(types.image).map(({ name }) => name),
        ["img-app1", "img-entry", "img-nginx"],
      );
    });

    it("gives every container the alias that the balancer's configuration names", async () => {
      const { recording, pool } = await build();
      const networks = recording
        .ofType(types.container)
        .filter(({ name }) => name.startsWith("pool-"))
        .map(({ inputs }) => (inputs["networksAdvanced"] as { name: string; aliases: string[] }[])[0]);
      assert.deepEqual(
        networks.map((network) => network?.aliases[0]).sort(),
        pool.servers.map(({ name }) => name).sort(),
      );
      assert.deepEqual(
        serversOf(changeOf(recording).topology).map(({ name }) => name),
        pool.servers.map(({ name }) => name).sort(),
      );
    });

    it("has each app's containers on a network that no other app is on, nor the balancer's container when it is made", async () => {
      const { recording } = await build();
      const networksOf = (name: string) =>
        (container(recording, name)["networksAdvanced"] as { name: string }[]).map((network) => network.name);
      assert.deepEqual(networksOf("pool-app1-0"), ["pool-app1-network-made"]);
      assert.deepEqual(networksOf("pool-app1-1"), ["pool-app1-network-made"]);
      assert.deepEqual(networksOf("pool-app2-0"), ["pool-app2-network-made"]);
      assert.deepEqual(networksOf("lb-nginx"), ["front-network-made"]);
    });

    it("gives an app's network its addresses, and its containers another alias with other ones", async () => {
      const { recording, pool } = await build({ pool: { appSubnets: new Map([["app2", "10.83.0.0/23"]]) } });
      const networkOf = (app: string) => recording.one(types.network, `pool-${app}-network`).inputs;
      assert.equal("ipamConfigs" in networkOf("app1"), false);
      assert.deepEqual(networkOf("app2")["ipamConfigs"], [{ subnet: "10.83.0.0/23" }]);
      assert.deepEqual(labelsOf(networkOf("app2"))[0], ["nginx-load-balancer.app", "app2"]);
      const plain = (await build()).pool.servers.map(({ name }) => name);
      assert.deepEqual(
        pool.servers.map(({ name }) => plain.includes(name)),
        pool.servers.map(({ app }) => app === "app1"),
      );
    });

    it("leaves the container's name to the engine, and publishes no port", async () => {
      const { recording } = await build();
      const inputs = container(recording, "pool-app1-0");
      assert.equal("name" in inputs, false);
      assert.equal("ports" in inputs, false);
    });

    it("replaces containers and images by making the new one first", async () => {
      const { recording } = await build();
      for (const name of ["pool-app1-0", "lb-nginx", "img-app1", "img-nginx"]) {
        assert.equal((recording.options.get(name) as pulumi.CustomResourceOptions).deleteBeforeReplace, false, name);
      }
    });

    const changes: [what: string, change: Partial<BackendPoolArgs>][] = [
      ["another revision", { revision: "2" }],
      ["another base image", { pythonImage: "python:3.15" }],
      ["another memory limit", { apps: settings.apps.map((app) => ({ ...app, memoryMb: 256 })) }],
      ["another environment", { apps: settings.apps.map((app) => ({ ...app, env: { A: "b" } })) }],
      ["another path for health checks", { apps: settings.apps.map((app) => ({ ...app, healthPath: "/up" })) }],
      ["another port", { apps: settings.apps.map((app) => ({ ...app, port: 5001 })) }],
    ];
    for (const [what, change] of changes) {
      it(`gives other aliases for ${what}`, async () => {
        const before = (await build()).pool.servers.map(({ name }) => name);
        const after = (await build({ pool: change })).pool.servers.map(({ name }) => name);
        assert.ok(after.every((host) => !before.includes(host)));
      });
    }

    for (const path of ["./apps/app1", "apps/app1/", "apps//app1", "apps/app2/../app1", resolve("apps/app1")])
      it(`builds from ${path.replace(resolve(""), "<program>")} the very image of apps/app1`, async () => {
        const app = { ...settings.apps[0], name: "shop", path: "apps/app1" } as (typeof settings.apps)[number];
        const plain = await build({ pool: { apps: [app] } });
        const spelled = await build({ pool: { apps: [{ ...app, path }] } });
        const inputs = [plain, spelled].map(({ recording }) => recording.one(types.image, "img-shop").inputs);
        assert.deepEqual(inputs[1], inputs[0]);
      });

    it("gives an app's container what the app asks for, and another alias for another network", async () => {
      const app = {
        ...(settings.apps[0] as (typeof settings.apps)[number]),
        path: undefined,
        image: "registry.example/shop:1",
        count: 1,
        networks: ["database"],
        volumes: ["media:/srv/media", "/srv/config:/etc/shop:rw"],
        writable: ["/var/cache/shop"],
        command: ["serve", "--all"],
        user: "1000:1000",
        cpus: 0.5,
        env: { A: "a" },
        secretEnv: { TOKEN: "t" },
      };
      const { recording, pool } = await build({ pool: { apps: [app] } });
      const inputs = container(recording, "pool-app1-0");
      const { environment } = recording.one(types.command, "img-app1").inputs;
      assert.deepEqual(environment, { PINNED: "registry.example/shop:1" });
      assert.deepEqual((inputs["networksAdvanced"] as { name: string }[])[1], { name: "database" });
      assert.deepEqual(inputs["volumes"], [
        { volumeName: "media", containerPath: "/srv/media", readOnly: true },
        { hostPath: "/srv/config", containerPath: "/etc/shop", readOnly: false },
      ]);
      assert.deepEqual(Object.keys(inputs["tmpfs"] as object), ["/tmp", "/var/cache/shop"]);
      assert.deepEqual([inputs["command"], inputs["user"], inputs["cpus"]], [["serve", "--all"], "1000:1000", "0.5"]);
      assert.deepEqual((inputs["envs"] as { value: unknown }).value, ["A=a", "TOKEN=t"]);
      const aliasWith = async (change: object) =>
        (await build({ pool: { apps: [{ ...app, ...change }] } })).pool.servers[0]?.name;
      for (const change of [
        { networks: ["other"] },
        { volumes: [] },
        { secretEnv: { TOKEN: "u" } },
        { image: "shop:2" },
      ])
        assert.notEqual(await aliasWith(change), pool.servers[0]?.name, JSON.stringify(change));
      assert.equal(await aliasWith({ hosts: ["shop.example"], paths: ["/a"] }), pool.servers[0]?.name);
    });

    it("tells of each app what it runs: a folder's content, or what a name stands for", async () => {
      const [built, named] = settings.apps;
      assert.ok(built && named);
      const apps = [built, { ...named, path: undefined, image: "registry.example/shop:1" }];
      const pinnedImages = new Map([["registry.example/shop:1", "registry.example/shop@sha256:1"]]);
      const { pool } = await build({ pool: { apps, pinnedImages } });
      assert.deepEqual(pool.images, [
        { app: "app1", path: "apps/app1", source: hashTree("apps/app1") },
        { app: "app2", image: "registry.example/shop:1", pinned: "registry.example/shop@sha256:1" },
      ]);
    });

    it("gives an app that is named like the balancer's image another one", async () => {
      const apps = settings.apps.map((app, index) => (index === 0 ? { ...app, name: "nginx" } : app));
      const { recording } = await build({ pool: { apps } });
      assert.deepEqual(
        recording
          .ofType(types.image)
          .map(({ name }) => name)
          .sort(),
        ["img-app2", "img-entry", "img-nginx", "img-nginx.app"],
      );
    });

    it("keeps the environment secret", async () => {
      const apps = settings.apps.map((app) => ({ ...app, env: { B: "2", A: "1" } }));
      const { recording } = await build({ pool: { apps } });
      // The engine's mark of a secret value in a property, see "special properties" in Pulumi's protocol.
      assert.deepEqual(container(recording, "pool-app1-0")["envs"], {
        "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
        value: ["A=1", "B=2"],
      });
    });

    it("hashes environments with the stack's key: nobody can tell what is in one by its backend's name", async () => {
      const apps = (env: Record<string, string>) => settings.apps.map((app) => ({ ...app, env }));
      const names = async (env: Record<string, string>, key: string) =>
        (await build({ pool: { apps: apps(env), key } })).pool.servers.map(({ name }) => name);
      const pin = { PIN: "1234" };
      assert.notDeepEqual(await names(pin, "a"), await names(pin, "b"));
      assert.deepEqual(await names({ B: "2", A: "1" }, "a"), await names({ A: "1", B: "2" }, "a"));
      assert.deepEqual(await names({}, "a"), await names({}, "b"));
    });

    it("keeps the aliases for another weight, count or drain time", async () => {
      const before = (await build()).pool.servers.map(({ name }) => name);
      const change = { backendCount: 4, drainSeconds: 3, apps: settings.apps.map((app) => ({ ...app, weight: 5 })) };
      const after = (await build({ pool: change })).pool.servers.map(({ name }) => name);
      assert.deepEqual(after.slice(0, 3), before);
    });

    const third = { ...settings.apps[0], name: "third", path: "apps/app1" } as (typeof settings.apps)[number];
    const others: [what: string, change: Partial<BackendPoolArgs>][] = [
      ["a third app", { apps: [...settings.apps, third] }],
      ["a first app", { apps: [third, ...settings.apps] }],
      ["another order of the apps", { apps: [...settings.apps].reverse() }],
      ["50 apps and 100 backends", { apps: fiftyApps(third), backendCount: 100 }],
      ["more time to get healthy", { healthTimeoutSeconds: 180 }],
    ];
    for (const [what, change] of others)
      it(`leaves the backends that are there as they are for ${what}`, async () => {
        const before = await build({ pool: { backendCount: 20 } });
        const existing = before.recording.ofType(types.container).flatMap(({ inputs }) => existingOf(inputs));
        const after = await build({ pool: { backendCount: 20, ...change, existing } });
        const kept = after.recording
          .ofType(types.container)
          .filter(({ name }) => name.startsWith("pool-") && before.recording.options.has(name));
        assert.ok(kept.length >= 4, `${kept.length}`);
        for (const { name, inputs } of kept) {
          const ignored = (after.recording.options.get(name) as pulumi.CustomResourceOptions).ignoreChanges;
          assert.deepEqual(
            withoutTimes(inputs, ignored),
            withoutTimes(container(before.recording, name), ignored),
            name,
          );
        }
      });

    it("gives a new backend the time to start that the update gives it", async () => {
      const { recording } = await build({ pool: { healthTimeoutSeconds: 180 } });
      assert.equal((container(recording, "pool-app1-0")["healthcheck"] as { startPeriod: string }).startPeriod, "3m0s");
      assert.deepEqual((recording.options.get("pool-app1-0") as pulumi.CustomResourceOptions).ignoreChanges, []);
    });
  });

  describe("balancer", () => {
    it("starts at once, and publishes nothing: it takes the entry's socket when it is told to serve", async () => {
      const { recording, entry } = await build();
      const inputs = container(recording, "lb-nginx");
      for (const key of ["start", "ports", "uploads"]) assert.equal(key in inputs, false, key);
      assert.deepEqual(inputs["envs"], [`ENTRIES=${entry.sockets}`]);
      assert.deepEqual(inputs["volumes"], [
        { volumeName: "lb-config-made", containerPath: "/etc/nginx/live" },
        { volumeName: "front-door-made", containerPath: "/run/entry" },
        { volumeName: "log-volume-made", containerPath: "/var/log/balancer" },
      ]);
    });

    it("installs the very release that it shows, once the backends exist", async () => {
      const { recording, balancer } = await build();
      const { inputs } = recording.one(types.command, "lb-installed");
      const { id, topology, destination } = changeOf(recording);
      assert.equal(inputs["stdin"], await valueOf(balancer.upstreamConfig));
      assert.equal(inputs["stdin"], showFiles(releaseOf(topology).files));
      assert.equal(id, releaseOf(topology).id);
      assert.equal(destination.balancer, "lb-nginx-id");
      assert.deepEqual(destination.entries, [
        { id: "front-socket-id", url: "http://127.0.0.1:8080", network: "front-network-made" },
      ]);
      assert.deepEqual(Object.values(destination.containers).sort(), [
        "pool-app1-0-id",
        "pool-app1-1-id",
        "pool-app2-0-id",
      ]);
      // A replaced command would run its delete, which ends the balancer.
      assert.equal("triggers" in inputs, false);
    });
  });

  describe("entry", () => {
    it("is the one container that publishes the port, and is started by the step that installs", async () => {
      const { recording, entry } = await build({ entry: { doors: doorsOf({ port: 9000 }), bindAddress: "0.0.0.0" } });
      const { ports, start, mustRun, envs, volumes } = container(recording, "front-socket");
      assert.deepEqual(ports, [{ internal: 8080, external: 9000, ip: "0.0.0.0" }]);
      assert.deepEqual(recording.ofType(types.container).filter(({ inputs }) => "ports" in inputs).length, 1);
      assert.deepEqual(
        [start, mustRun, envs],
        [false, false, [`ENTRY_ID=${entry.sockets.split(":")[0]}`, "LISTEN_PORT=8080"]],
      );
      assert.deepEqual(volumes, [{ volumeName: "front-door-made", containerPath: "/run/entry" }]);
    });

    it("depends on its address and its image alone", async () => {
      const hashOf = async (args: Parameters<typeof build>[0]) => (await build(args)).entry.sockets;
      const hash = await hashOf({});
      const same = { ...settings, nginxImage: "another", balancerMemoryMb: 64, drainSeconds: 1, revision: "2" };
      assert.equal(await hashOf({ entry: same, balancer: same, pool: same }), hash);
      const others = [{ doors: doorsOf({ port: 9000 }) }, { bindAddress: "127.0.0.2" }, { entryImage: "another" }];
      const hashes = await Promise.all(others.map((entry) => hashOf({ entry })));
      assert.equal(new Set([hash, ...hashes]).size, 4);
    });

    it("of a state that was lost stays, with its volume and its network: nothing of it is made anew", async () => {
      const { hash } = await build().then(({ entry }) => ({ hash: entry.sockets.split(":")[0] ?? "" }));
      const lost = entryOf({ id: "lost-id", owner: "lost", hash, volumes: ["lost-door"], networks: ["lost-front"] });
      const { recording, entry } = await build({ entry: { existing: [lost] } });
      assert.deepEqual(
        recording.names().filter((name) => / (front-.*|img-entry)$/.test(name)),
        [],
      );
      assert.deepEqual(entry.gaps, []);
      assert.deepEqual(changeOf(recording).destination.entries, [
        { id: "lost-id", url: "http://127.0.0.1:8080", network: "lost-front" },
      ]);
      const { volumes, networksAdvanced } = container(recording, "lb-nginx");
      assert.deepEqual((volumes as unknown[])[1], { volumeName: "lost-door", containerPath: "/run/entry" });
      assert.deepEqual(networksAdvanced, [{ name: "lost-front" }]);
    });

    it("that is made beside one that was kept is on that one's volume and network", async () => {
      const doors = doorsOf({ port: 8080, tls: { port: 8443 } as Settings["tls"] });
      const [hash = ""] = (await build({ entry: { doors } })).entry.sockets.split(":");
      const lost = entryOf({ id: "lost-id", owner: "lost", hash, volumes: ["lost-door"], networks: ["lost-front"] });
      const { recording } = await build({ entry: { doors, existing: [lost] } });
      assert.ok(!recording.names().includes(`${types.container} front-socket`));
      const { volumes, networksAdvanced } = container(recording, "front-tls");
      assert.deepEqual(volumes, [{ volumeName: "lost-door", containerPath: "/run/entry" }]);
      assert.deepEqual(networksAdvanced, [{ name: "lost-front" }]);
    });

    it("says before the update when there will be a gap", async () => {
      const { entry } = await build({ entry: { existing: [entryOf({ hash: "another" })] } });
      assert.match(entry.gaps[0] ?? "", /the entry that has the port is replaced by another image/);
      assert.deepEqual((await build()).entry.gaps, []);
    });
  });

  it("hardens every container", async () => {
    const { recording } = await build();
    for (const { name, inputs } of recording.ofType(types.container)) {
      assert.equal(inputs["readOnly"], true, name);
      assert.deepEqual(inputs["capabilities"], { drops: ["ALL"] }, name);
      assert.equal((inputs["securityOpts"] as string[])[0], "no-new-privileges:true", name);
      assert.equal(inputs["restart"], "always", name);
      assert.equal(inputs["memory"], inputs["memorySwap"], name);
      assert.ok(Number(inputs["memory"]) > 0, name);
      assert.deepEqual(inputs["logOpts"], { "max-size": "10m", "max-file": "3" }, name);
      // The entry's process ends with what it is for.
      const { tests } = (inputs["healthcheck"] ?? { tests: [] }) as { tests: string[] };
      assert.equal(tests.length > 1, name !== "front-socket", name);
      assert.equal("privileged" in inputs, false, name);
      assert.doesNotMatch(JSON.stringify(inputs), /docker\.sock/, name);
    }
  });

  it("gives the balancer twice the share of the processors that any other has", async () => {
    const { recording } = await build();
    for (const { name, inputs } of recording.ofType(types.container))
      assert.equal(inputs["cpuShares"], name === "lb-nginx" ? 2048 : undefined, name);
  });

  it("gives entry and balancer one level of SELinux', and backends none", async () => {
    const { recording } = await build();
    const levelOf = (name: string) => (container(recording, name)["securityOpts"] as string[])[1];
    assert.match(levelOf("front-socket") ?? "", /^label=level:s0:c\d+,c\d+$/);
    assert.equal(levelOf("lb-nginx"), levelOf("front-socket"));
    assert.equal(levelOf("pool-app1-0"), undefined);
  });

  it("removes the images itself, after everything that uses them", async () => {
    const { recording } = await build();
    for (const { name, inputs } of recording.ofType(types.image)) {
      assert.equal(inputs["keepLocally"], true, name);
      const { dependsOn } = recording.options.get(name) as { dependsOn: pulumi.Resource[] };
      assert.match((await valueOf(dependsOn[0]?.urn)) ?? "", /img-removal$/);
    }
    assert.match(String(recording.one(types.command, "img-removal").inputs["delete"]), /rollout\/cli\.ts remove-rest$/);
  });

  it("leaves networks and volumes to the step that removes the images", async () => {
    const { recording } = await build();
    for (const { name } of [...recording.ofType(types.network), ...recording.ofType(types.volume)]) {
      const { deletedWith } = recording.options.get(name) as { deletedWith: pulumi.Resource };
      assert.match((await valueOf(deletedWith.urn)) ?? "", /img-removal$/, name);
    }
  });

  it("has every resource below its component", async () => {
    const { recording, images, pool, entry, log, balancer } = await build();
    const parents: Record<string, unknown> = {
      pool: await valueOf(pool.urn),
      front: await valueOf(entry.urn),
      lb: await valueOf(balancer.urn),
      img: await valueOf(images.urn),
      log: await valueOf(log.urn),
    };
    assert.ok(parents["pool"] !== undefined && parents["pool"] !== parents["lb"]);
    for (const [name, options] of recording.options) {
      if (["pool", "front", "lb", "img", "log"].includes(name)) continue;
      assert.equal(await valueOf((options.parent as pulumi.Resource).urn), parents[name.split("-")[0] ?? ""], name);
    }
  });

  it("can be used twice in one program", async () => {
    const recording = await mockEngine();
    for (const name of ["one", "two"]) {
      const own = { stackLabel: `${stackLabel}-${name}` };
      const images = new StackImages(`${name}-img`, own);
      const pool = new BackendPool(`${name}-pool`, poolArgs(images, own));
      const entry = new Entry(`${name}-front`, entryArgs(images, own));
      const log = new LogVolume(`${name}-log`, { images, ...own });
      await settle(pool, new Balancer(`${name}-lb`, balancerArgs(images, pool, entry, { log, ...own })));
    }
    assert.equal(new Set(recording.names()).size, recording.resources.length);
    assert.equal(recording.ofType(types.container).length, 10);
  });

  it("knows the whole configuration in a preview, and no container's id", async () => {
    const { recording, balancer } = await build({ preview: true });
    const text = await valueOf(balancer.upstreamConfig);
    assert.match(text ?? "", /^# release [0-9a-f]{16}$/m);
    assert.equal(recording.one(types.command, "lb-installed").inputs["stdin"], text);
    assert.equal(await valueOf(balancer.lastChange), undefined);
  });
});
