import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readlink, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { projectRoot } from "../../scripts/setup/project";
import { FakePrograms } from "../fake-programs";
import { until } from "../e2e/until";

const text = "http {\n  listen 8080;\n}\n";

describe("the balancer's start", () => {
  let programs: FakePrograms;
  let root: string;
  let running: ChildProcess | undefined;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "nlb-start-"));
    programs = await FakePrograms.create();
    await programs.write("hostname", "#!/bin/sh\necho me\n");
    // nginx refuses what says so.
    await programs.write(
      "nginx",
      `#!/bin/sh\nfor file; do :; done\necho "$file" >>${root}/tried\n! grep -q refused "$file"\n`,
    );
    await programs.write("s6-fdholder-retrieve", "#!/bin/sh\n");
    await programs.write("s6-ipcclient", "#!/bin/sh\nexec sleep 60\n");
    // There before the shell looks for it: it keeps in mind where it has found a program.
    await programs.write("sleep", `#!/bin/sh\necho >>${root}/looks\nexec /bin/sleep "$@"\n`);
  });
  afterEach(async () => {
    if (running?.pid !== undefined && running.exitCode === null && running.signalCode === null) {
      const ended = once(running, "exit");
      process.kill(-running.pid, "SIGKILL");
      await ended;
    }
    running = undefined;
    await programs.remove();
    await rm(root, { recursive: true, force: true });
  });

  const on = (path: string) => join(root, "live", path);

  /** Starts with these files and links on the volume; where nginx would start, the socket's taker leaves a note. */
  async function start(files: Readonly<Record<string, string>>, links: Readonly<Record<string, string>> = {}) {
    await mkdir(on(""), { recursive: true });
    for (const [path, content] of Object.entries(files)) await write(path, content);
    for (const [path, target] of Object.entries(links)) await symlink(target, on(path));
    const script = readFileSync(join(projectRoot, "nginx/image/start.sh"), "utf8")
      .replaceAll("/etc/nginx/live", join(root, "live"))
      .replaceAll("/etc/nginx/take.sh", `touch ${root}/started`)
      .replaceAll("/var/spool/nginx", join(root, "spool"))
      .replaceAll("/var/log/balancer", join(root, "logs"))
      .replaceAll("/tmp/nginx", join(root, "run"))
      .replace("kill -TERM 1", "true");
    await writeFile(join(root, "start.sh"), script);
    running = spawn("sh", [join(root, "start.sh")], { env: { ...process.env, ENTRIES: "e:8080" }, detached: true });
  }

  async function write(path: string, content: string): Promise<void> {
    await mkdir(dirname(on(path)), { recursive: true });
    await writeFile(on(path), content);
  }

  const hasStarted = () => existsSync(join(root, "started"));
  const untilStarted = () => until("nginx starts", 10, hasStarted);

  /** Whether it still waits when it has looked some times more. */
  async function assertWaits(): Promise<void> {
    const looks = () => (existsSync(join(root, "looks")) ? readFileSync(join(root, "looks"), "utf8").length : 0);
    const before = looks();
    await until("it has looked three times more", 10, () => looks() >= before + 3);
    assert.ok(!hasStarted());
  }

  it("waits until a change names it", async () => {
    await start({ balancer: "another\n", "releases/1/nginx.conf": text }, { current: "releases/1" });
    await assertWaits();
    await write("balancer", "me\n");
    await untilStarted();
  });

  it("takes no socket before there is a release, also where it is named", async () => {
    await start({ balancer: "me\n" });
    await assertWaits();
    await write("releases/1/nginx.conf", text);
    await symlink("releases/1", on("current"));
    await untilStarted();
  });

  it("waits where another one is named before there is a release", async () => {
    await start({ balancer: "me\n" });
    await assertWaits();
    await write("balancer", "another\n");
    await write("releases/1/nginx.conf", text);
    await symlink("releases/1", on("current"));
    await assertWaits();
  });

  for (const [what, files] of [
    ["nginx refuses", { "releases/2/nginx.conf": "refused" }],
    ["is gone", {}],
  ] as const)
    it(`serves what was there before where the release of now ${what}`, async () => {
      const links = { current: "releases/2", previous: "releases/1" };
      await start({ balancer: "me\n", "releases/1/nginx.conf": text, ...files }, links);
      await untilStarted();
      assert.equal(await readlink(on("current")), "releases/1");
    });

  it("waits for a repair where nginx refuses all that is there", async () => {
    await start({ balancer: "me\n", "releases/1/nginx.conf": "refused" }, { current: "releases/1" });
    await assertWaits();
    await write("releases/1/nginx.conf", text);
    await untilStarted();
  });

  it("serves the one file that balancers of before there were releases have", async () => {
    await start({ balancer: "me\n", "nginx.conf": text });
    await untilStarted();
    assert.equal(await readlink(on("current")), "releases/legacy");
  });

  it("listens where it finds a socket that its release doesn't name", async () => {
    await start({ balancer: "me\n", "releases/1/nginx.conf": "http {\n}\n" }, { current: "releases/1" });
    await untilStarted();
    assert.match(readFileSync(on("current/nginx.conf"), "utf8"), /server \{ listen 8080; return 444; \}/);
  });
});
