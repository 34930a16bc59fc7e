import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { ContainerState } from "../../rollout/docker";
import { DockerRuntime } from "../../rollout/runtime/docker";
import { BalancerShell } from "../../rollout/runtime/shell";
import { isBroken } from "../../rollout/steps/candidate";
import { removeServing } from "../../rollout/destroy";
import { isUndecided } from "../../rollout/steps/healthcheck";
import { drain, reload } from "../../rollout/steps/reload";
import { releaseOf } from "../../nginx/render/config";
import { until } from "../../lib/until";
import { two, wantedOf } from "../changes";
import { FakePrograms } from "../fake-programs";

const worker = (pid: number, isLeaving = false) =>
  `${pid} nginx: worker process${isLeaving ? " is shutting down" : ""} \n`;

/** A shell in a balancer that shows the next of these states at each look at its workers. */
class FakeShell {
  private looks = 0;

  constructor(private readonly states: readonly { readonly workers: string; readonly served?: string }[]) {}

  get hasShownAll(): boolean {
    return this.looks >= this.states.length;
  }

  get shell(): BalancerShell {
    return this as unknown as BalancerShell;
  }

  async read(script: string): Promise<string> {
    if (!script.startsWith("for p in /proc")) return Promise.resolve("");
    const state = this.states[Math.min(this.looks++, this.states.length - 1)];
    return Promise.resolve(state?.workers ?? "");
  }

  async run(): Promise<{ code: number; output: string }> {
    const state = this.states[Math.min(this.looks, this.states.length) - 1];
    return Promise.resolve({ code: 0, output: state?.served ?? "" });
  }
}

describe("a reload", () => {
  it("is over when all workers that take connections are new, and serve the new release", async () => {
    const shell = new FakeShell([
      { workers: worker(7) },
      { workers: worker(7), served: "old" },
      { workers: worker(7) + worker(9), served: "new" },
      { workers: worker(7, true) + worker(9), served: "old" },
      { workers: worker(7, true) + worker(9), served: "new" },
    ]);
    await reload(shell.shell, "new");
    assert.ok(shell.hasShownAll);
  });

  it("of unknown text is over when all workers are new", async () => {
    const shell = new FakeShell([{ workers: worker(7) }, { workers: worker(7) }, { workers: worker(9) }]);
    await reload(shell.shell, undefined);
    assert.ok(shell.hasShownAll);
  });
});

describe("a drain", () => {
  it("is over when no worker is left that takes no more connections", async () => {
    const shell = new FakeShell([
      { workers: worker(7, true) + worker(9) },
      { workers: worker(7, true) + worker(9) },
      { workers: worker(9) },
    ]);
    await drain({ shell: shell.shell, wanted: wantedOf(two), log: () => undefined }, 5);
    assert.ok(shell.hasShownAll);
  });
});

describe("a backend", () => {
  const state = (change: Partial<ContainerState> = {}): ContainerState => ({
    id: "id",
    name: "one",
    status: "running",
    exitCode: 0,
    restarts: 0,
    isOutOfMemory: false,
    addresses: [],
    health: "starting",
    healthInterval: 3,
    healthCommand: [],
    ...change,
  });

  for (const [what, change, expected] of [
    ["that starts", {}, false],
    ["that has been restarted twice", { restarts: 2 }, false],
    ["that has been restarted thrice", { restarts: 3 }, true],
    ["that has ended", { status: "exited" }, true],
    ["that is dead", { status: "dead" }, true],
    ["that is unhealthy", { health: "unhealthy" }, true],
  ] as const)
    it(`${what} ${expected ? "never will" : "may still"} serve`, () => assert.equal(isBroken(state(change)), expected));

  for (const [what, change, expected] of [
    ["Docker is about to look at", {}, true],
    ["Docker looks at every 5 s", { healthInterval: 5 }, true],
    ["Docker looks at once a minute", { healthInterval: 60 }, false],
    ["Docker has found healthy", { health: "healthy" }, false],
  ] as const)
    it(`that ${what} is ${expected ? "" : "not "}waited for`, () => assert.equal(isUndecided(state(change)), expected));
});

describe("in a balancer that runs", () => {
  let programs: FakePrograms;

  /** A line of Docker's listing. */
  const listed = (id: string, role: string, owner = "") =>
    [id, id, "image", "running", "Up 2 minutes", "net", "", "", "", role, "", "", "", "", "", owner].join("\t");

  before(async () => {
    programs = await FakePrograms.create();
    const { folder } = programs;
    process.env["LISTING"] = listed("lb-id", "balancer");
    // A shell in the balancer finds no volume here, hence no lock to take.
    const program = `#!/bin/sh
echo "$*" >>${join(folder, "log")}
case $1 in
  ps) echo "$LISTING" ;;
  exec) [ "$2" = --interactive ] || exit 0; echo $$ >${join(folder, "pid")}; exec sh ;;
  stop) [ "$4" != lb-id ] || kill $(/bin/cat ${join(folder, "pid")}) ;;
esac
`;
    // The file that tells when the last change has worked, with what a test puts there.
    const cat = '#!/bin/sh\ncase $1 in */signature) printf %s "$SIGNATURE" ;; *) exec /bin/cat "$@" ;; esac\n';
    for (const [name, text] of Object.entries({ docker: program, cat })) await programs.write(name, text);
  });
  beforeEach(() => rm(join(programs.folder, "log"), { force: true }));
  after(async () => {
    delete process.env["SIGNATURE"];
    delete process.env["LISTING"];
    await programs.remove();
  });

  const log = async () => (await readFile(join(programs.folder, "log"), "utf8")).trim().split("\n");
  const commands = async () => (await log()).map((command) => command.split(" ")[0]);

  it("the lock of its volume is had before anything else is looked at: no change goes on without it", async () => {
    const runtime = new DockerRuntime(wantedOf(two), releaseOf, { log: () => undefined, isLeft: () => false });
    await assert.rejects(runtime.observe(), /^Error: Another change of this balancer has been going on for 120 s/);
    await runtime.close();
    assert.deepEqual(await commands(), ["ps", "exec"]);
  });

  it("what can't be written is named, and not shown: it may be a key", async () => {
    const shell = new BalancerShell("lb-id");
    const text = "-----BEGIN PRIVATE KEY----- and so on";
    const path = join(programs.folder, "none", "shop.key");
    for (const mode of [undefined, 0o600])
      await assert.rejects(shell.write(path, text, mode), ({ message }: Error) => {
        assert.ok(message.startsWith(`In the balancer's container, ${path} can't be written: `), message);
        return ![text, Buffer.from(text).toString("base64").slice(0, 20)].some((part) => message.includes(part));
      });
    shell.close();
    await shell.ended;
  });

  it("what is written can be read by nobody else, and nothing of what was printed stays", async () => {
    const shell = new BalancerShell("lb-id");
    const path = join(programs.folder, "server.conf");
    await shell.write(path, "secret");
    const printed = (await shell.read("echo /tmp/shell.$$")).trim();
    assert.deepEqual([statSync(path).mode & 0o777, statSync(printed).mode & 0o777], [0o600, 0o600]);
    await until("what was printed has gone", { within: 5 }, () => statSync(printed).size === 0);
    shell.close();
    await shell.ended;
  });

  for (const [what, signature, ends] of [
    ["its own signature", "now", true],
    ["a later change's signature", "later", false],
    ["an empty signature, as a full disk leaves it", "", true],
  ] as const)
    it(`a destroy ${ends ? "ends what serves" : "leaves what serves"} with ${what}`, async () => {
      process.env["SIGNATURE"] = signature;
      await removeServing(
        { balancer: "lb-id", stack: "stack", owners: [], entries: [] },
        1,
        (found) => found !== "now",
      );
      assert.equal((await commands()).includes("stop"), ends);
    });

  describe("a destroy of what was taken over", () => {
    const destination = { balancer: "lb-id", stack: "stack", owners: ["own", "lost"], entries: [] };
    const list = (...lines: string[]) => void (process.env["LISTING"] = lines.join("\n"));

    it("removes what no state knows, as the entry that was kept", async () => {
      list(
        listed("lb-id", "balancer", "own"),
        listed("entry-id", "entry", "lost"),
        listed("other-id", "entry", "other"),
      );
      await removeServing(destination, 1);
      assert.ok((await log()).includes("rm --force --volumes entry-id"));
    });

    it("is refused to the state of before, whose engine would remove the entry", async () => {
      list(listed("lb-id", "balancer", "later"), listed("entry-id", "entry", "own"));
      await assert.rejects(removeServing(destination, 1), {
        message:
          "Stack stack was taken over by another state (identity later), which serves by what this one has made. Nothing has " +
          "been changed. What is left to do is to forget this state: npx pulumi stack rm --force --preserve-config.",
      });
      assert.ok(!(await commands()).includes("stop"));
    });

    it("ends nothing of another state's where it has made nothing that serves", async () => {
      list(listed("later-id", "balancer", "later"));
      await removeServing(destination, 1);
      assert.ok(!(await log()).some((line) => /later-id/.test(line)));
    });
  });
});
