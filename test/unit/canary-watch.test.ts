import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { open, appendFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { canaryFile, canaryLog, canaryOrder, volumeFolder } from "../../model/layout";
import type { BalancerShell } from "../../rollout/runtime/shell";
import { CanaryAborted, type CanaryStep } from "../../rollout/steps/canary";
import { endHistory, judgeCanary, readHistory } from "../../rollout/steps/canary-history";
import { FakePrograms } from "../fake-programs";

const watched = { app: "a", share: 10, fresh: { "a-0-b": "new" }, older: { "a-0-a": "old" } };
const policy = { app: "a", steps: [10, 50], holdSeconds: 1, minRequests: 2, maxErrorPoints: 1, maxP99Ratio: 2 };

describe("a step of a canary", () => {
  let programs: FakePrograms;
  let isLeft: boolean;

  /** Where this host has what the balancer's container has elsewhere. */
  const here = (text: string) =>
    text
      .replaceAll(volumeFolder, join(programs.folder, "live"))
      .replaceAll("/var/spool/nginx", join(programs.folder, "spool"));
  const run = (script: string, input = "") => {
    const { status, stdout, stderr } = spawnSync("sh", ["-c", here(script)], { encoding: "utf8", input });
    return { code: status ?? NaN, output: stdout + stderr };
  };
  const read = (script: string, input?: string) => {
    const { code, output } = run(script, input);
    return code === 0 ? Promise.resolve(output) : Promise.reject(new Error(output));
  };
  const shell = {
    run: (script: string) => Promise.resolve(run(script)),
    read: (script: string) => read(script),
    write: (path: string, text: string) => read(`cat >${path}`, text),
  } as unknown as BalancerShell;

  /** Has Docker tell of the new backend that it ends in its own way after the first look. */
  const docker = async (status = "running", restarts = 0) => {
    const state = (id: string, address: string, how: string, count: number) =>
      [id, `/${id}`, how, how === "running" ? 0 : 3, count, "healthy", 0, "[]", false, address].join("\\t");
    const older = state("old", "192.0.2.1", "running", 0);
    await programs.write(
      "docker",
      `#!/bin/sh
case $1 in
logs) echo "its last word" ;;
container)
  if [ -f ${join(programs.folder, "looked")} ]; then printf '${state("new", "192.0.2.2", status, restarts)}\\n'
  else printf '${state("new", "192.0.2.2", "running", 0)}\\n'; fi
  touch ${join(programs.folder, "looked")}
  printf '${older}\\n' ;;
esac
`,
    );
  };

  const give = async (order: string) => writeFile(here(canaryOrder), `${order}\n`);
  const history = async () => readHistory(await readFile(here(canaryFile), "utf8"));
  const attempts = (address: string, status: number, count: number) =>
    appendFile(here(canaryLog), `${address}:5000|${status}|0.012\n`.repeat(count));
  const judge = (change: Partial<typeof watched>, judged: CanaryStep[], giveShare: () => Promise<void>) =>
    judgeCanary(
      shell,
      { ...watched, ...change, policy },
      judged,
      { log: () => undefined, isLeft: () => isLeft },
      giveShare,
    );

  beforeEach(async () => {
    programs = await FakePrograms.create();
    isLeft = false;
    for (const folder of ["live", "spool"]) mkdirSync(join(programs.folder, folder));
    await docker();
  });
  afterEach(() => programs.remove());

  it("counts what both sides are asked from when it begins, and keeps its figures", async () => {
    await attempts("192.0.2.2", 500, 50);
    const judged: CanaryStep[] = [];
    const step = judge({}, judged, async () => Promise.resolve());
    // What it looks for is there after its first look, which is to begin behind what was logged before it.
    const timer = setInterval(() => {
      if (judged.length === 0) void attempts("192.0.2.2", 200, 1).then(() => attempts("192.0.2.1", 404, 2));
    }, 300);
    const { fresh, older, isPromoted } = await step.finally(() => clearInterval(timer));
    assert.equal(isPromoted, false);
    assert.ok(fresh.requests >= 2 && fresh.requests < 50 && fresh.failed === 0, JSON.stringify(fresh));
    assert.ok(older.requests > fresh.requests && older.failed === 0, JSON.stringify(older));
    assert.equal((await history())?.outcome, "running");
    assert.deepEqual((await history())?.steps, judged);
  });

  for (const [order, outcome] of [
    ["promote", /^promoted$/],
    ["abort", /^The canary of a is aborted at 50 %: somebody asked for it\. /],
  ] as const)
    it(`obeys ${order}, also where it came between two steps, or before it was looked for`, async () => {
      for (const [share, judged, before, during] of [
        [50, [{} as CanaryStep], order, ""],
        [50, [], "", order],
      ] as const) {
        if (before) await give(before);
        const ended = await judge({ share }, [...judged], async () => (during ? give(during) : undefined)).catch(
          (error: unknown) => error,
        );
        assert.ok(order === "abort" ? ended instanceof CanaryAborted : (ended as { isPromoted: boolean }).isPromoted);
        assert.match((await history())?.outcome ?? "", outcome);
      }
    });

  for (const [what, status, restarts, how] of [
    ["has ended", "exited", 0, "exited, exit code 3"],
    ["was started again by Docker", "running", 1, "Docker has started it again"],
  ] as const)
    it(`is aborted where a new backend ${what}`, async () => {
      await docker(status, restarts);
      await assert.rejects(
        judge({}, [], async () => Promise.resolve()),
        {
          name: "CanaryAborted",
          message: `The canary of a is aborted at 10 %: a-0-b has ended (${how}). The old backends have all requests. Its last log lines:\n  | its last word`,
        },
      );
    });

  it("is aborted where nobody waits for it any more", async () => {
    isLeft = true;
    await assert.rejects(
      judge({}, [], async () => Promise.resolve()),
      {
        name: "CanaryAborted",
        message: "The canary of a is aborted at 10 %: the update was interrupted. The old backends have all requests.",
      },
    );
  });

  it("obeys no order that was given to the canary before", async () => {
    await give("promote");
    await assert.rejects(
      judge({}, [], async () => {
        await assert.rejects(readFile(here(canaryOrder)), { code: "ENOENT" });
        throw new Error("nginx is gone");
      }),
      /^Error: nginx is gone$/,
    );
  });

  it("that was not brought to its end is no more said to run; one that was stays as it is told", async () => {
    await give("promote");
    await judge({}, [{} as CanaryStep], async () => Promise.resolve());
    await endHistory(shell, "taken back");
    assert.equal((await history())?.outcome, "promoted");
    await writeFile(here(canaryFile), `${JSON.stringify({ ...(await history()), outcome: "running" })}\n`);
    await endHistory(shell, "taken back");
    assert.equal((await history())?.outcome, "taken back");
    await writeFile(here(canaryFile), '{"app":"a","at":"20');
    await endHistory(shell, "taken back");
    assert.equal(await history(), undefined);
  });

  it("is kept whole or not at all, as status may read it at any time", async () => {
    await give("promote");
    const inode = async () => (await read(`touch ${canaryFile}; stat -c %i ${canaryFile}`)).trim();
    const before = await inode();
    // As long as somebody has it open, its number is no other file's.
    const held = await open(here(canaryFile));
    try {
      await judge({}, [{} as CanaryStep], async () => Promise.resolve());
      assert.notEqual(await inode(), before);
    } finally {
      await held.close();
    }
    assert.equal((await read(`ls ${volumeFolder}`)).trim().split("\n").sort().join(), "canary-order,canary.json");
  });
});
