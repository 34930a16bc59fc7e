import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { docker, tryDocker } from "../../rollout/docker";
import { lostOf } from "../../scripts/load/books";
import type { Load } from "../../scripts/load/load";
import { readStatus } from "../../scripts/status";
import { hasEnded } from "../processes";
import { FixtureApp, fixtureLoad } from "./app";
import { assertNoneLost } from "./books";
import { TestStack, type Outputs } from "./stack";
import { until } from "./until";

describe("breakage and repair, under load", function () {
  this.timeout(1_200_000);
  let app: FixtureApp;
  let stack: TestStack;
  let outputs: Outputs;
  let load: Load;

  before(async () => {
    app = await FixtureApp.create();
    stack = await TestStack.create("broken", {
      backendCount: 4,
      drainSeconds: 8,
      apps: [{ name: "fixture", path: app.path }],
    });
    outputs = await stack.up();
    load = fixtureLoad(outputs.url, { maxSeconds: 1200 });
  });
  after(async () => {
    await load?.stop();
    await stack.remove();
    await app.remove();
  });
  beforeEach(() => void load.mark());

  const backends = async () => (await stack.containers()).backends.map(({ id }) => id);

  const noDrift = async (seconds: number) =>
    until("the stack is as the last update left it", seconds, async () => {
      const status = await readStatus(stack.stackLabel, outputs);
      return status.drift.length === 0 && status.backends.every(({ health }) => health === "healthy");
    });

  /**
   * Requests that are safe to repeat must all be answered; a POST may be lost if the dying backend had it already, and one
   * that is killed may leave an answer unfinished that it has begun.
   */
  function assertOnlyItsOwnLost(dying: number, killed: number): void {
    const account = load.mark();
    const { "kept POST": posts, ...others } = account.byProfile;
    const examples = JSON.stringify(account.losses);
    for (const [name, tally] of Object.entries(others))
      assert.equal(lostOf(tally) - tally.truncated, 0, `${name} lost requests: ${examples}`);
    const truncated = Object.values(others).reduce((sum, tally) => sum + tally.truncated, 0);
    assert.ok(truncated <= 6 * killed, `${truncated} answers not finished by ${killed} killed backends: ${examples}`);
    const lost = account.lost - truncated;
    assert.ok(
      lost <= 3 * dying,
      `${lost} POSTs lost, each of 3 clients can have had one at each of ${dying} dying backends: ${examples}`,
    );
    assert.ok((posts?.answered ?? 0) > 50);
  }

  // First of all: `docker restart` would hide what an update did to the containers' own restarts.
  const mayRestartDocker = process.env["CI"] === "true" || process.env["TEST_RESTARTS_DOCKER"] === "true";
  for (const [how, signal, live] of [
    ["stopped and started", "SIGTERM", false],
    ["killed and started", "SIGKILL", false],
    ["stopped and started, with live-restore", "SIGTERM", true],
    ["killed and started, with live-restore", "SIGKILL", true],
  ] as const)
    (mayRestartDocker ? it : it.skip)(
      `serves again, without an update, after Docker itself was ${how} (TEST_RESTARTS_DOCKER=true)`,
      async () => {
        if (live) await restartDocker("SIGTERM", live);
        await noDrift(90);
        load.mark();
        try {
          const start = performance.now();
          await restartDocker(signal, live);
          await until("requests are answered", 60, async () => (await fetch(outputs.url).catch(() => undefined))?.ok);
          const seconds = (performance.now() - start) / 1000;
          const { lost, sent, longestGap } = load.mark();
          process.stdout.write(
            `      ${lost} of ${sent} lost, at most ${Math.round(longestGap)} ms between answers; ${seconds.toFixed(1)} s in all\n`,
          );
          await noDrift(90);
        } finally {
          if (live) await restartDocker("SIGTERM", false);
        }
        await noDrift(90);
        load.mark();
        await until("requests are answered", 10, async () => load.account().sent > 150);
        assertNoneLost(load.mark());
      },
    );

  it("answers every idempotent request while a backend is killed", async () => {
    const [id = ""] = await backends();
    await docker("kill", "--signal", "KILL", id);
    await tryDocker("start", id);
    await noDrift(30);
    assertOnlyItsOwnLost(1, 1);
  });

  it("answers every idempotent request while all backends are restarted one after the other", async () => {
    const ids = await backends();
    for (const id of ids) {
      await docker("restart", id);
      await noDrift(30);
    }
    assertOnlyItsOwnLost(ids.length, 0);
  });

  it("shows and repairs a backend that was removed and a configuration that was edited by hand", async () => {
    const { balancer } = await stack.containers();
    const [id = ""] = await backends();
    await docker("rm", "--force", "--volumes", id);
    await docker(
      "exec",
      balancer?.id ?? "",
      "sh",
      "-c",
      "sed -i 's/client_max_body_size .*/client_max_body_size 1m;/' /etc/nginx/live/current/nginx.conf",
    );
    const { drift } = await readStatus(stack.stackLabel, outputs);
    assert.equal(drift.length, 2, drift.join("\n"));
    assert.match(drift.join("\n"), /The configuration on the volume was edited\./);
    assert.match(drift.join("\n"), /fixture-\d-[0-9a-f]+ is gone\./);
    load.mark();

    const preview = await stack.engineOk("preview", "--refresh", "--diff");
    assert.match(preview, /\battempt\b/);
    outputs = await stack.up("--refresh");
    await noDrift(30);
    await stack.engineOk("preview", "--expect-no-changes");
    assertNoneLost(load.mark());
  });

  it("gives containers of an older program their restart policy in place", async () => {
    const { balancer } = await stack.containers();
    const ids = [...(await backends()), balancer?.id ?? ""];
    await docker("update", "--restart", "unless-stopped", ...ids);
    outputs = await stack.up("--refresh");
    const format = "{{.Id}} {{.HostConfig.RestartPolicy.Name}}";
    const now = (await docker("inspect", "--format", format, ...ids)).trimEnd().split("\n");
    assert.deepEqual(
      now,
      ids.map((id) => `${id} always`),
    );
    await noDrift(30);
    assertNoneLost(load.mark());
  });

  it("repairs an edited configuration without a refresh, too", async () => {
    const { balancer } = await stack.containers();
    await docker("exec", balancer?.id ?? "", "sh", "-c", "echo '# by hand' >>/etc/nginx/live/current/nginx.conf");
    await stack.up();
    await noDrift(30);
    assertNoneLost(load.mark());
  });

  it("replaces the balancer for a new nginx image", async () => {
    const { nginxImage } = await stack.baseImages();
    const other = `nginx-load-balancer/e2e-nginx:${process.pid}`;
    await buildFrom(nginxImage, other);
    try {
      const before = outputs.balancer;
      load.mark();
      await stack.configure({ nginxImage: other });
      outputs = await stack.up();
      assert.notEqual(outputs.balancer, before);
      await noDrift(30);
      await stack.configure({ nginxImage });
      outputs = await stack.up();
      assertNoneLost(load.mark());
    } finally {
      await tryDocker("rmi", other);
    }
  });

  it("starts a balancer that was stopped by hand", async () => {
    await docker("stop", outputs.balancer);
    assert.match((await readStatus(stack.stackLabel, outputs)).drift.join(), /The balancer is exited\./);
    outputs = await stack.up();
    await noDrift(30);
  });

  it("keeps the old balancer when the new one's image can't run the configuration", async () => {
    const { nginxImage } = await stack.baseImages();
    const broken = `nginx-load-balancer/e2e-nginx-broken:${process.pid}`;
    await buildFrom(nginxImage, broken, "RUN printf '#!/bin/sh\\necho broken nginx >&2\\nexit 1\\n' >/usr/sbin/nginx");
    try {
      load.mark();
      await stack.configure({ nginxImage: broken });
      const { code, output } = await stack.engine("up");
      assert.notEqual(code, 0);
      assert.match(output, /The new balancer's image can't run the live configuration:/);
      assert.match(output, /broken nginx/);
      assertNoneLost(load.mark());
      // The old one is still the one that serves when it is started again.
      const { balancer } = await stack.containers();
      assert.equal(balancer?.health, "healthy");
      const named = await docker("exec", balancer.id, "cat", "/etc/nginx/live/balancer");
      assert.ok(balancer.id.startsWith(named.trim()));
      await stack.configure({ nginxImage });
      outputs = await stack.up();
      await noDrift(30);
    } finally {
      await tryDocker("rmi", "--force", broken);
    }
  });

  it("serves again, without an update, after everything was restarted at once", async () => {
    const { balancer, entry } = await stack.containers();
    const ids = [...(await backends()), balancer?.id ?? "", entry?.id ?? ""];
    await docker("restart", ...ids);
    await noDrift(60);
    load.mark();
    await until("requests are answered", 10, async () => load.account().sent > 150);
    assertNoneLost(load.mark());
  });

  it("refuses new connections and finishes requests in flight when it is destroyed", async () => {
    const slow = fixtureLoad(outputs.url, { maxSeconds: 60 });
    await until("a slow request is under way", 10, async () => (slow.account().byProfile["slow GET"]?.sent ?? 0) > 0);
    await load.stop();
    await stack.engineOk("destroy");
    const account = await slow.stop();
    assert.equal(account.wrong, 0, JSON.stringify(account.losses));
    assert.equal(account.timedOut, 0);
    // The slow request that was in flight was answered; whatever came later was refused or cut before it was answered.
    const { sent = 0, answered = 0 } = account.byProfile["slow GET"] ?? {};
    assert.ok(answered >= 1 && sent >= answered, JSON.stringify(account.byProfile));
    assert.deepEqual(await stack.leftovers(), []);
  });
});

/** Makes another image from one. */
async function buildFrom(image: string, tag: string, instruction = "LABEL e2e=another"): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "nlb-image-"));
  try {
    await writeFile(join(folder, "Dockerfile"), `FROM ${image}\n${instruction}\n`);
    await docker("build", "--quiet", "--tag", tag, folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/**
 * Ends dockerd, and starts it again with the arguments that it had.
 *
 * @param live whether containers then run on while it is ended
 */
async function restartDocker(signal: "SIGTERM" | "SIGKILL", live: boolean): Promise<void> {
  const pid = Number(readFileSync("/var/run/docker.pid", "utf8"));
  const [command = "", ...had] = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1);
  const args = [...had.filter((arg) => arg !== "--live-restore"), ...(live ? ["--live-restore"] : [])];
  process.kill(pid, signal);
  await until("dockerd has ended", 60, () => hasEnded(pid));
  // What was killed leaves these, and they name processes that are listed.
  for (const file of ["docker.pid", "docker/containerd/containerd.pid"]) await rm(`/var/run/${file}`, { force: true });
  spawn(command, args, { detached: true, stdio: "ignore" }).unref();
  await until("dockerd answers", 60, async () => (await tryDocker("info")).code === 0);
}
