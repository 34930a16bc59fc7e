import assert from "node:assert/strict";
import type * as pulumi from "@pulumi/pulumi";
import { isOver, isSuccess, parseOutcome } from "../../rollout/before-switch";
import { build, changeOf, container, labelsOf, settings, types } from "../components";
import { valueOf } from "../mocks";

const never = "0001-01-01T00:00:00Z";

describe("a container that runs a command", () => {
  for (const [what, line, over, success] of [
    ["that nobody has started", `created\t0\t${never}\tfalse`, true, false],
    ["that could not be started", `created\t127\t${never}\tfalse`, true, false],
    ["that runs", "running\t0\t2026-11-29T06:00:01.5Z\tfalse", false, false],
    ["that is paused", "paused\t0\t2026-11-29T06:00:01.5Z\tfalse", false, false],
    ["that has ended well", "exited\t0\t2026-11-29T06:00:01.5Z\tfalse", true, true],
    ["that has failed", "exited\t3\t2026-11-29T06:00:01.5Z\tfalse", true, false],
    ["that a power cut ended", "exited\t255\t2026-11-29T06:00:01.5Z\tfalse", true, false],
  ] as const)
    it(`${what} is ${over ? "over" : "not over"}, ${success ? "and" : "and not"} done`, () => {
      const outcome = parseOutcome(`${line}\n`);
      assert.deepEqual([isOver(outcome), isSuccess(outcome)], [over, success]);
    });
});

describe("a command before the switch, on mocks", () => {
  const beforeSwitch = [{ app: "app1", command: ["migrate", "all"] }];
  const [app, ...others] = settings.apps;
  const hashOf = async (more: Parameters<typeof build>[0]) => {
    const { recording } = await build({ ...more, pool: { beforeSwitch, ...more?.pool } });
    const made = new Map(labelsOf(container(recording, "pool-app1-before-switch")));
    const { HASH } = recording.one(types.command, "pool-app1-before-switch-run").inputs["environment"] as {
      HASH: string;
    };
    assert.equal(made.get("nginx-load-balancer.hash"), HASH);
    return HASH;
  };

  it("has a container as the app's backends have, which nobody starts but its step", async () => {
    const env = { PLACE: "here" };
    const apps = [
      { ...app, networks: ["db"], volumes: ["media:/srv:rw"], user: "7", env },
      ...others,
    ] as typeof settings.apps;
    const { recording } = await build({ pool: { beforeSwitch, apps } });
    const [own, backend] = ["pool-app1-before-switch", "pool-app1-0"].map((name) => container(recording, name));
    assert.ok(own && backend);
    for (const key of ["image", "envs", "volumes", "user", "memory", "readOnly", "capabilities", "tmpfs"])
      assert.deepEqual(own[key], backend[key], key);
    assert.deepEqual(own["networksAdvanced"], [{ name: "pool-app1-network-made" }, { name: "db" }]);
    const { command, start, mustRun, restart } = own;
    assert.deepEqual(
      { command, start, mustRun, restart },
      { command: ["migrate", "all"], start: false, mustRun: false, restart: "no" },
    );
    assert.equal("healthcheck" in own, false);
  });

  it("comes before the backends of all apps, and stays when the change is over", async () => {
    const { recording } = await build({ pool: { beforeSwitch } });
    for (const name of ["pool-app1-0", "pool-app2-0"]) {
      const { dependsOn } = recording.options.get(name) as { dependsOn: pulumi.Resource[] };
      assert.match((await valueOf(dependsOn[0]?.urn)) ?? "", /BeforeSwitch::pool-app1-before-switch$/);
    }
    assert.deepEqual(changeOf(recording).destination.prepared, ["pool-app1-before-switch-id"]);
  });

  it("is for the same release whatever the number, weight and revision of the backends are", async () => {
    const apps = [{ ...app, weight: 3, memoryMb: 256 }, ...others] as typeof settings.apps;
    const first = await hashOf({});
    assert.equal(await hashOf({ pool: { backendCount: 5, revision: "again", apps } }), first);
  });

  it("is for another release with another command, environment or network", async () => {
    const changed = (change: object) => [{ ...app, ...change }, ...others] as typeof settings.apps;
    const hashes = [
      await hashOf({}),
      await hashOf({ pool: { beforeSwitch: [{ app: "app1", command: ["migrate"] }] } }),
      await hashOf({ pool: { apps: changed({ env: { A: "b" } }) } }),
      await hashOf({ pool: { apps: changed({ networks: ["db"] }) } }),
      await hashOf({ pool: { apps: changed({ path: "apps/app2" }) } }),
    ];
    assert.equal(new Set(hashes).size, hashes.length);
  });

  it("is not there for an app without a backend", async () => {
    const { recording } = await build({
      pool: { beforeSwitch: [{ app: "app2", command: ["migrate"] }], backendCount: 1 },
    });
    assert.deepEqual(
      recording.names().filter((name) => name.includes("before-switch")),
      [],
    );
    assert.equal("prepared" in changeOf(recording).destination, false);
  });
});
