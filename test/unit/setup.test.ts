import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readdir, readlink, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { Interrupted } from "../../lib/errors";
import { run, type Ended, type Run } from "../../lib/process";
import { SetupError } from "../../scripts/setup/error";
import { hashFolders, isPrivate, replaceFolder } from "../../scripts/setup/files";
import { goBuild } from "../../offline/build/go";
import { baseImages } from "../machine";
import { imageSettings, isOwnChoice, knownBaseImages, neededStandIns } from "../../scripts/setup/images";
import { engineVersion, pinnedVersion } from "../../scripts/setup/project";
import { isUpToDate, stampName } from "../../offline/build/stamp";
import { assertDone, runSteps } from "../../scripts/setup/step";
import type { Reporter, Step, StepContext } from "../../scripts/setup/step";
import { baseImagesStep } from "../../scripts/setup/steps/base-images";
import { planDocker } from "../../scripts/setup/steps/docker";
import type { DockerFacts } from "../../scripts/setup/steps/docker";
import { npxStep } from "../../scripts/setup/steps/npx";
import { engineStep, pluginStep } from "../../scripts/setup/steps/program";
import { formatSeconds } from "../../scripts/setup/terminal";

const silent: Reporter = { begin() {}, note() {}, status() {}, end() {} };
const never = new AbortController().signal;

function context(notes: string[] = []): StepContext {
  return { signal: never, note: (text) => notes.push(text), status() {} };
}

function result(outcome: Ended["outcome"], stderr = "", stdout = ""): Ended {
  return { outcome, code: undefined, stdout, stderr };
}

/** A program that does nothing, as `go build` or a download would leave it. */
async function writeProgram(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, "#!/bin/sh\n");
  await chmod(path, 0o755);
}

/** Stands for `go`: writes what `-o` names. */
const goRun: Run = async (file, args) => {
  assert.equal(file, "go");
  await writeProgram(args[args.indexOf("-o") + 1] ?? assert.fail("go build without -o"));
  return result("succeeded");
};

describe("set-up", () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "setup-test-"));
  });

  afterEach(() => rm(folder, { recursive: true, force: true }));

  describe("runSteps", () => {
    function step(name: string, log: string[], state: { done: boolean; works?: boolean }): Step {
      return {
        name,
        isDone: async () => state.done,
        run: async () => {
          log.push(name);
          state.done = state.works ?? true;
        },
      };
    }

    it("runs nothing when all is done", async () => {
      const log: string[] = [];
      assert.equal(await runSteps([step("a", log, { done: true })], silent, never), 0);
      assert.deepEqual(log, []);
    });

    it("runs what is missing, in order", async () => {
      const log: string[] = [];
      const steps = [step("a", log, { done: false }), step("b", log, { done: true }), step("c", log, { done: false })];
      assert.equal(await runSteps(steps, silent, never), 2);
      assert.deepEqual(log, ["a", "c"]);
    });

    it("checks a step again once one before it has run", async () => {
      const log: string[] = [];
      const shared = { done: false };
      await runSteps([step("a", log, shared), step("b", log, shared)], silent, never);
      assert.deepEqual(log, ["a"]);
    });

    it("stops at the first failure", async () => {
      const log: string[] = [];
      const failing: Step = {
        name: "a",
        isDone: async () => false,
        run: async () => {
          throw new SetupError("no", "do");
        },
      };
      await assert.rejects(runSteps([failing, step("b", log, { done: false })], silent, never), /no\n {2}Remedy: do/);
      assert.deepEqual(log, []);
    });

    it("does not take a step's word for it", async () => {
      const steps = [step("a", [], { done: false, works: false })];
      await assert.rejects(runSteps(steps, silent, never), /a: nothing failed, but it is still not there/);
    });

    it("only checks, without leave to install, and names what is missing", async () => {
      const log: string[] = [];
      const steps = ["a", "b", "c"].map((name) => step(name, log, { done: name === "b" }));
      await assert.rejects(assertDone(steps), { message: "missing: a, c\n  Remedy: npm run setup" });
      assert.deepEqual(log, []);
      await assertDone(steps.slice(1, 2));
    });

    it("runs nothing more after Ctrl-C", async () => {
      const log: string[] = [];
      const steps = [step("a", log, { done: false })];
      await assert.rejects(runSteps(steps, silent, AbortSignal.abort(new Interrupted())), Interrupted);
      assert.deepEqual(log, []);
    });
  });

  describe("replaceFolder", () => {
    it("replaces the folder and leaves nothing beside it", async () => {
      const target = join(folder, "target");
      await writeProgram(join(target, "old"));
      await replaceFolder(target, async (temporary) => {
        await writeFile(join(temporary, "new"), "");
        return temporary;
      });
      assert.deepEqual(await readdir(target), ["new"]);
      assert.deepEqual(await readdir(folder), ["target"]);
    });

    it("keeps the folder as it was when making the new one fails", async () => {
      const target = join(folder, "target");
      await writeProgram(join(target, "old"));
      const failing = replaceFolder(target, () => Promise.reject(new Error("no")));
      await assert.rejects(failing, /no/);
      assert.deepEqual(await readdir(target), ["old"]);
      assert.deepEqual(await readdir(folder), ["target"]);
    });

    it("removes what a run that was killed left", async () => {
      const ended = (await run("sh", ["-c", "printf $$"])).stdout;
      await mkdir(join(folder, `.target.partial-${ended}`));
      await mkdir(join(folder, ".target.partial-1"));
      await replaceFolder(join(folder, "target"), async (temporary) => temporary);
      assert.deepEqual((await readdir(folder)).sort(), [".target.partial-1", "target"]);
    });
  });

  it("takes a folder for private that no other user gets into", async () => {
    for (const [mode, expected] of [
      [0o700, true],
      [0o750, false],
      [0o701, false],
      [0o755, false],
    ] as const) {
      await chmod(folder, mode);
      assert.equal(await isPrivate(folder), expected, mode.toString(8));
    }
    assert.equal(await isPrivate(join(folder, "none")), true);
  });

  describe("stamp", () => {
    it("tells content and names apart, but not where the folder lies", async () => {
      const hashes = [];
      for (const [name, content] of [
        ["a", "x"],
        ["a", "y"],
        ["b", "x"],
        ["a", "x"],
      ] as const) {
        const source = join(await mkdtemp(join(folder, "copy-")), "source");
        await mkdir(source);
        await writeFile(join(source, name), content);
        hashes.push(await hashFolders([source]));
      }
      assert.equal(new Set(hashes).size, 3);
      assert.equal(hashes[0], hashes[3]);
    });

    it("leaves official programs alone, which have none", async () => {
      assert.equal(await isUpToDate(folder, [folder]), true);
      await writeFile(join(folder, stampName), "other");
      assert.equal(await isUpToDate(folder, [join(__dirname, "..", "..", "offline", "engine")]), false);
    });
  });

  describe("Docker engine", () => {
    const facts: DockerFacts = {
      client: "failed",
      words: "Cannot connect to the Docker daemon",
      endpoint: { tls: false },
      platform: "linux",
      isRoot: true,
      hasDaemon: true,
      hasSystemd: false,
      canInstall: true,
    };
    const start = (install: boolean, by: "dockerd" | "systemd") => ({ action: "start", install, by });
    const rows: [what: string, changes: Partial<DockerFacts>, plan: object | RegExp][] = [
      ["answers", { client: "answered" }, { action: "none" }],
      ["doesn't run", {}, start(false, "dockerd")],
      ["doesn't run, with systemd", { hasSystemd: true }, start(false, "systemd")],
      ["has no daemon", { hasDaemon: false }, start(true, "dockerd")],
      ["is not installed", { client: "not found", hasDaemon: false }, start(true, "dockerd")],
      ["can't be installed", { client: "not found", hasDaemon: false, canInstall: false }, /^Docker is not installed/],
      ["can't be started by this user", { isRoot: false }, /doesn't run \/ sudo systemctl start docker$/],
      ["is forbidden", { words: "Permission denied at /var/run/docker.sock", isRoot: false }, /usermod -aG docker/],
      [
        "is somewhere else",
        { endpoint: { host: "tcp://10.0.0.1:2375", tls: false } },
        /^nothing answers at DOCKER_HOST=tcp:\/\/10.0.0.1:2375/,
      ],
      [
        "a context names",
        { endpoint: { host: "unix:///run/user/7/docker.sock", context: "rootless", tls: false } },
        /^nothing answers at unix:\/\/\/run\/user\/7\/docker.sock, which Docker's context rootless names/,
      ],
      [
        "takes certificates",
        { client: "answered", endpoint: { host: "tcp://10.0.0.1:2376", tls: true } },
        /^tcp:\/\/10.0.0.1:2376, which DOCKER_HOST names, takes TLS certificates/,
      ],
      ["is a desktop's", { platform: "darwin" }, /start Docker Desktop/],
    ];
    for (const [what, changes, expected] of rows) {
      it(`plans for one that ${what}`, () => {
        const plan = planDocker({ ...facts, ...changes });
        if (!(expected instanceof RegExp)) return assert.deepEqual(plan, expected);
        assert.equal(plan.action, "give up");
        assert.match(`${plan.cause} / ${plan.remedy}`, expected);
      });
    }
  });

  describe("goBuild", () => {
    const build = { what: "the thing", module: ".", package: ".", output: "thing", version: ["v", "1"] } as const;

    it("says what to do without Go", async () => {
      await assert.rejects(
        goBuild(build, async () => result("not found"), context()),
        /the thing can't be downloaded here, and building it needs Go, which is not installed\n {2}Remedy: install Go/,
      );
    });

    it("repeats Go's words", async () => {
      await assert.rejects(
        goBuild(build, async () => result("failed", "no space left"), context()),
        /go build of the thing failed:\nno space left\n {2}Remedy/,
      );
    });
  });

  describe("Pulumi engine", () => {
    it("is built where downloads can't be reached, and then done", async () => {
      const step = engineStep(goRun, join(folder, "engine"), async () => false);
      assert.equal(await step.isDone(), false);
      await step.run(context());
      assert.equal(await step.isDone(), true);
      assert.deepEqual((await readdir(join(folder, "engine"))).sort(), [stampName, "bin"]);
    });

    it("is downloaded where that works, without a stamp", async () => {
      const target = join(folder, "engine");
      const download: Run = async (_file, [, , version, temporary]) => {
        assert.equal(version, engineVersion);
        for (const program of ["pulumi", "pulumi-language-nodejs"])
          await writeProgram(join(String(temporary), "bin", program));
        return result("succeeded");
      };
      const step = engineStep(download, target, async () => true);
      await step.run(context());
      assert.equal(await step.isDone(), true);
      assert.deepEqual(await readdir(target), ["bin"]);
    });

    it("is built after a download that failed, which it says", async () => {
      const notes: string[] = [];
      const either: Run = (file, ...rest) =>
        file === "go" ? goRun(file, ...rest) : Promise.resolve(result("timed out"));
      const step = engineStep(either, join(folder, "engine"), async () => true);
      await step.run(context(notes));
      assert.equal(await step.isDone(), true);
      assert.ok(notes.some((note) => note.startsWith("the download timed out")));
    });

    it("leaves nothing when the build fails", async () => {
      const step = engineStep(
        async () => result("failed"),
        join(folder, "engine"),
        async () => false,
      );
      await assert.rejects(step.run(context()), SetupError);
      assert.deepEqual(await readdir(folder), []);
    });
  });

  describe("plugin", () => {
    const version = pinnedVersion("@pulumi/command");
    const name = `resource-command-v${version}`;

    it("is built where downloads can't be reached", async () => {
      const step = pluginStep("command", goRun, folder, async () => false);
      await step.run(context());
      assert.equal(await step.isDone(), true);
      assert.deepEqual((await readdir(join(folder, "plugins", name))).sort(), [stampName, "pulumi-resource-command"]);
    });

    it("is downloaded into a home of its own where that works", async () => {
      const download: Run = async (_file, args, options) => {
        assert.deepEqual(args, ["plugin", "install", "resource", "command", `v${version}`]);
        const home = options?.env?.PULUMI_HOME ?? assert.fail("no PULUMI_HOME");
        await writeProgram(join(home, "plugins", name, "pulumi-resource-command"));
        return result("succeeded");
      };
      const step = pluginStep("command", download, folder, async () => true);
      await step.run(context());
      assert.equal(await step.isDone(), true);
      assert.deepEqual(await readdir(join(folder, "plugins")), [name]);
      assert.deepEqual(await readdir(join(folder, "plugins", name)), ["pulumi-resource-command"]);
    });

    it("is not done while the engine's mark for half a plugin is there", async () => {
      const step = pluginStep("command", goRun, folder, async () => false);
      await step.run(context());
      await writeFile(join(folder, "plugins", `${name}.partial`), "");
      assert.equal(await step.isDone(), false);
      await step.run(context());
      assert.equal(await step.isDone(), true);
    });

    it("is built again when its sources have changed", async () => {
      const step = pluginStep("command", goRun, folder, async () => false);
      await step.run(context());
      await writeFile(join(folder, "plugins", name, stampName), "other sources");
      assert.equal(await step.isDone(), false);
    });
  });

  describe("npx pulumi", () => {
    it("takes the place of the official launcher", async () => {
      const bin = join(folder, "node_modules", ".bin");
      await mkdir(bin, { recursive: true });
      await symlink("../pulumi/run.js", join(bin, "pulumi"));
      const step = npxStep(folder);
      assert.equal(await step.isDone(), false);
      await step.run(context());
      assert.equal(await step.isDone(), true);
      assert.equal(await readlink(join(bin, "pulumi")), "../../scripts/setup/pulumi.cjs");
      assert.deepEqual(await readdir(bin), ["pulumi"]);
    });
  });

  describe("base images", () => {
    type Known = (typeof knownBaseImages)[0];
    const [python, nginx, debian, lego, mtail, exporter] = knownBaseImages as [
      Known,
      Known,
      Known,
      Known,
      Known,
      Known,
    ];
    const has =
      (...names: string[]): Run =>
      async () =>
        result("failed", "", names.map((name) => JSON.stringify([name])).join("\n"));

    it("are the official ones where they are, each for itself", async () => {
      const present = [python.official, python.standIn, nginx.standIn, debian.official, lego.standIn, exporter.standIn];
      assert.deepEqual(await baseImages(has(...present), folder), {
        pythonImage: python.official,
        nginxImage: nginx.standIn,
        entryImage: debian.official,
        legoImage: lego.standIn,
        mtailImage: mtail.official,
        exporterImage: exporter.standIn,
      });
    });

    it("are those that the user has named", async () => {
      await writeFile(join(folder, "Pulumi.dev.yaml"), "config:\n  nginx-load-balancer:nginxImage: mirror/nginx:1\n");
      const present = [python.official, nginx.official, debian.standIn, lego.official, lego.standIn, mtail.standIn];
      assert.deepEqual(await baseImages(has(...present), folder), {
        pythonImage: python.official,
        nginxImage: "mirror/nginx:1",
        entryImage: debian.standIn,
        legoImage: lego.official,
        mtailImage: mtail.standIn,
        exporterImage: exporter.standIn,
      });
    });

    it("are asked for when there are none", async () => {
      await assert.rejects(baseImages(has(python.official), folder), {
        message: `neither ${nginx.official} nor ${nginx.standIn} is on this machine\n  Remedy: npm run setup`,
      });
    });

    it("are read from the stack's file, quoted or not", async () => {
      await writeFile(
        join(folder, "Pulumi.dev.yaml"),
        "config:\n  nginx-load-balancer:pythonImage: a/b:1\n  nginx-load-balancer:nginxImage: 'c:2'\n",
      );
      assert.deepEqual(await imageSettings(folder), { pythonImage: "a/b:1", nginxImage: "c:2" });
      assert.deepEqual(await imageSettings(join(folder, "none")), {});
    });

    it("are built once where one takes the place of two", async () => {
      const calls: string[][] = [];
      const others = knownBaseImages.filter(({ kind }) => kind !== "metrics").map(({ standIn }) => standIn);
      const step = baseImagesStep(async (command, args) => {
        calls.push([basename(command), ...args]);
        return args[0] === "image"
          ? has(...others)(command, args)
          : result(args[0] === "pull" ? "failed" : "succeeded");
      });
      assert.equal(await step.isDone(), false);
      const { getuid } = process;
      // Only root can build one.
      process.getuid = () => 0;
      try {
        await step.run(context());
      } finally {
        if (getuid !== undefined) process.getuid = getuid;
      }
      const builds = calls.filter(([command]) => command === "build.sh");
      assert.deepEqual(builds, [["build.sh", "metrics", mtail.standIn]]);
    });

    const { official, standIn } = python;
    it("have stand-ins named where an official one is missing, and nowhere else", () => {
      const needed = (...present: string[]) => neededStandIns(new Set(present)).pythonImage;
      assert.deepEqual(
        [needed(official), needed(official, standIn), needed(), needed(standIn)],
        [undefined, undefined, undefined, standIn],
      );
    });

    it("know a user's own choice", () => {
      assert.deepEqual(
        [undefined, official, standIn, "mirror/python:3"].map((name) => isOwnChoice(python, name)),
        [false, false, false, true],
      );
    });
  });

  it("formats seconds", () => {
    assert.deepEqual([0.314, 4.56, 5, 59.6, 200.2].map(formatSeconds), [
      "0.31 s",
      "4.6 s",
      "5 s",
      "1 min 0 s",
      "3 min 20 s",
    ]);
  });

  it("wants exact versions", () => {
    assert.match(pinnedVersion("pulumi"), /^\d+\.\d+\.\d+$/);
    assert.throws(() => pinnedVersion("no-such-package"), /package.json: no-such-package is undefined/);
  });
});
