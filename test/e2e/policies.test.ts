import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { docker } from "../../rollout/docker";
import type { Load } from "../../scripts/load/load";
import { readStatus } from "../../scripts/status";
import { Canaries, filesIn } from "../faults/canaries";
import { FixtureApp, fixtureLoad } from "./app";
import { assertNoneLost } from "./books";
import { TestStack, type Outputs } from "./stack";

const hashOf = (password: string) => execFileSync("openssl", ["passwd", "-6", password], { encoding: "utf8" }).trim();

describe("policies, under load", function () {
  this.timeout(300_000);
  const hashes = { before: hashOf("correct horse"), after: hashOf("battery staple") };
  const secrets = new Canaries(hashes);
  let app: FixtureApp;
  let stack: TestStack;
  let folder: string;
  let plain: Outputs;
  let load: Load;

  const ids = async () => {
    const { balancer, entry, backends } = await stack.containers();
    return [balancer, entry, ...backends].map((container) => container?.id);
  };
  /** What the app answers itself of a page that it does not have. */
  const own = 404;
  const ask = async (path: string, password?: string) => {
    const Authorization = `Basic ${Buffer.from(`clerk:${password}`).toString("base64")}`;
    const answer = await fetch(plain.url + path, password === undefined ? {} : { headers: { Authorization } });
    await answer.text();
    return answer;
  };
  /** Previews and makes a change that is a reload alone; gives what both said. */
  const change = async (values: Record<string, unknown> = {}) => {
    const before = await ids();
    await stack.configure(values);
    const preview = await stack.engineOk("preview", "--diff");
    const output = await stack.engineOk("up");
    assert.deepEqual(await ids(), before);
    assertNoneLost(load.mark());
    assert.deepEqual(secrets.in(preview + output), []);
    assert.deepEqual(secrets.where(filesIn(stack.folder)), {});
    return preview;
  };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "nlb-users-"));
    app = await FixtureApp.create();
    await app.write("v1");
    stack = await TestStack.create("policies", {
      backendCount: 2,
      drainSeconds: 4,
      apps: [{ name: "fixture", path: app.path }],
    });
    plain = await stack.up();
    load = fixtureLoad(plain.url, { slow: false });
  });
  after(async () => {
    await load?.stop();
    await stack?.remove();
    await app?.remove();
    await rm(folder, { recursive: true });
  });

  it("come as the preview shows them, by a reload, for the paths that they are for", async () => {
    const users = join(folder, "users");
    await writeFile(users, `clerk:${hashes.before}\n`);
    const preview = await change({
      access: [{ paths: ["/private"], users }],
      limits: { rules: [{ name: "few", paths: ["/few"], requestsPerSecond: "1/60" }] },
      headers: [{ paths: ["/private"], answers: { "X-Frame-Options": "DENY" } }],
    });
    for (const line of ["auth_basic_user_file", "limit_req zone=requests_few", "X-Frame-Options"])
      assert.ok(preview.includes(line), preview);
    const answers = await Promise.all([
      ask("/private"),
      ask("/private", "battery staple"),
      ask("/private", "correct horse"),
    ]);
    assert.deepEqual(
      answers.map(({ status, headers }) => [status, headers.get("x-frame-options")]),
      [
        [401, "DENY"],
        [401, "DENY"],
        [own, "DENY"],
      ],
    );
    const [first, second] = [await ask("/few"), await ask("/few")];
    assert.deepEqual([first.status, second.status, Number(second.headers.get("retry-after")) > 0], [own, 429, true]);
    assert.deepEqual((await readStatus(stack.stackLabel, await stack.outputs())).drift, []);
  });

  it("have files of users that nginx alone can read, and that another one takes the place of", async () => {
    await writeFile(join(folder, "users"), `clerk:${hashes.after}\n`);
    await change();
    const statuses = [await ask("/private", "correct horse"), await ask("/private", "battery staple")];
    assert.deepEqual(
      statuses.map(({ status }) => status),
      [401, own],
    );
    const { balancer } = await stack.containers();
    const modes = await docker("exec", balancer?.id ?? "", "sh", "-c", "stat -c %a /etc/nginx/live/current/users-*");
    assert.match(modes, /^[46]?[40]0\n$/);
  });

  it("go without a trace", async () => {
    await change({ access: undefined, limits: undefined, headers: undefined });
    assert.equal((await stack.outputs()).upstreamConfig, plain.upstreamConfig);
    assert.equal((await ask("/private")).status, own);
    await stack.engineOk("preview", "--expect-no-changes");
  });
});
