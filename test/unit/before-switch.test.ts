import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type * as pulumi from "@pulumi/pulumi";
import { messageOf } from "../../lib/errors";
import { isOver, isSuccess, parseOutcome, runBeforeSwitch } from "../../rollout/before-switch";
import { FakePrograms } from "../fake-programs";
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

describe("a command before the switch", function () {
  this.timeout(20_000);
  let docker: FakePrograms;
  const file = (name: string) => join(docker.folder, name);
  const states = {
    created: `created\t0\t${never}\tfalse`,
    running: "running\t0\t2026-11-29T06:00:01Z\tfalse",
    well: "exited\t0\t2026-11-29T06:00:01Z\tfalse",
    failed: "exited\t3\t2026-11-29T06:00:01Z\tfalse",
  };

  beforeEach(async () => {
    docker = await FakePrograms.create();
    // A container that runs has ended by the second look; one that is started does what the file `end` says.
    await docker.write(
      "docker",
      `#!/bin/sh
cd ${docker.folder}
for last; do :; done
case $1 in
  ps) cat listed ;;
  container) cat "$last" && if grep -q running "$last"; then cat well >"$last"; fi ;;
  start) echo "$last" >>started && cat end >"$last" ;;
  logs) echo "said by $last" ;;
esac
`,
    );
    await writeFile(file("well"), `${states.well}\n`);
    await writeFile(file("end"), `${states.well}\n`);
  });
  afterEach(() => docker.remove());

  /** Runs it in container `new` for release `h2`, beside others: what was started, and what was said. */
  async function run(
    others: Readonly<Record<string, readonly [hash: string, state: keyof typeof states]>>,
    { ran = ["h1"], isLeft = false } = {},
  ) {
    const all = { new: ["h2", "created"] as const, ...others };
    const row = (id: string, hash: string) =>
      [
        id,
        `${id}-name`,
        "image",
        "state",
        "status",
        "",
        "",
        "",
        "",
        "before-switch",
        "shop",
        "",
        hash,
        ...Array<string>(7).fill(""),
      ].join("\t");
    await writeFile(
      file("listed"),
      Object.entries(all)
        .map(([id, [hash]]) => `${row(id, hash)}\n`)
        .join(""),
    );
    for (const [id, [, state]] of Object.entries(all)) await writeFile(file(id), `${states[state]}\n`);
    const lines: string[] = [];
    const asker = { log: (line: string) => void lines.push(line), isLeft: () => isLeft };
    const preparation = { app: "shop", hash: "h2", container: "new", stack: "stack" };
    const result = await runBeforeSwitch(preparation, ran, asker).catch((error: unknown) => messageOf(error));
    const started = existsSync(file("started")) ? (await readFile(file("started"), "utf8")).trim().split("\n") : [];
    return { result, started, lines };
  }

  it("is started where it has not run, and remembered", async () => {
    const { result, started, lines } = await run({ old: ["h1", "well"] });
    assert.deepEqual([result, started], [["h2", "h1"], ["new"]]);
    assert.deepEqual(lines, ["shop | said by new", "beforeSwitch of shop: done in 0 s"]);
  });

  it("is started again where it has failed, and then fails with what it said", async () => {
    await writeFile(file("end"), `${states.failed}\n`);
    const { result, started } = await run({ new: ["h2", "failed"] });
    assert.deepEqual(started, ["new"]);
    assert.equal(
      result,
      "beforeSwitch of shop: the command ended with 3, after 0 s. Nothing has moved; the next update runs it again. Its last log lines:\n  | said by new",
    );
  });

  for (const [what, others, ran] of [
    ["the engine knows that it has run", {}, ["h2", "h1"]],
    ["a container tells that it has run", { killed: ["h2", "well"] }, ["h1"]],
    ["a container that runs it ends well", { killed: ["h2", "running"] }, ["h1"]],
  ] as const)
    it(`is not started where ${what}`, async () => {
      const { result, started } = await run(others, { ran: [...ran] });
      assert.deepEqual([result, started], [["h2", "h1"], []]);
    });

  it("waits for one of another release, and is not started when nobody waits for it any more by then", async () => {
    const { started, lines } = await run({ old: ["h3", "running"] });
    assert.deepEqual(started, ["new"]);
    assert.equal(lines[0], "beforeSwitch of shop: old-name still runs, of an update that was killed; waiting for it");
    await rm(file("started"));
    const left = await run({ old: ["h3", "running"] }, { isLeft: true });
    assert.deepEqual(
      [left.result, left.started],
      ["beforeSwitch of shop: the update was interrupted; the next one runs it.", []],
    );
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
