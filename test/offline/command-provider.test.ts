import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Commands, CommandProject, type ResourceReport, type Run } from "./command-project";

const minuteMs = 60_000;
// Stands in previews for an output that isn't known yet.
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

function resource(run: Run, name: string): ResourceReport {
  const found = run.resources[name];
  assert.ok(found, `nothing about ${name} in:\n${run.output}`);
  return found;
}

/** The operations of a run by resource, without what is in every stack. */
const operations = (run: Run, names: string[]) =>
  Object.fromEntries(names.map((name) => [name, resource(run, name).operations]));

async function eventually<T>(what: string, probe: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const result = await probe();
    if (result !== undefined) return result;
    if (Date.now() > deadline) throw new Error(`${what}: not within 20 s`);
    await sleep(50);
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe("the Command plugin", function () {
  this.timeout(2 * minuteMs);

  let project: CommandProject;
  const inProject = (name: string) => join(project.folder, name);

  before(async () => {
    project = await CommandProject.create();
  });

  after(() => project.remove());

  describe("when resources are created", () => {
    let preview: Run;
    let run: Run;
    const output = (name: string) => resource(run, name).outputs;

    before(async () => {
      await mkdir(inProject("sub/deep"), { recursive: true });
      await Promise.all(
        ["sub/one.txt", "sub/two.txt", "sub/deep/three.txt"].map((name) => writeFile(inProject(name), name)),
      );
      const streams = "echo out; echo err >&2";
      const commands: Commands = {
        plain: { create: "printf 'one\\n\\n'; printf 'err\\n' >&2" },
        reader: { create: 'echo "got $READ"', reads: "plain" },
        stdin: { create: "cat", stdin: "line 1\nline 2" },
        noStdin: { create: "cat" },
        environment: { create: 'echo "$GREETING, ${PULUMI_COMMAND_STDOUT-none}"', environment: { GREETING: "a=b c" } },
        dir: { create: "pwd", dir: "sub" },
        interpreter: { create: "console.log(6 * 7, process.argv.length)", interpreter: ["node", "-e"] },
        nothing: { delete: "true" },
        files: {
          create: "true",
          dir: "sub",
          assetPaths: ["**.txt", "!two.*"],
          archivePaths: ["*.txt"],
        },
        logBoth: { create: streams },
        logStdout: { create: streams, logging: "stdout" },
        logStderr: { create: streams, logging: "stderr" },
        logNone: { create: streams, logging: "none" },
        logLast: { create: "printf 'no newline'" },
      };
      preview = await project.preview(commands);
      run = await project.up(commands);
      assert.equal(run.exitCode, 0, run.output);
    });

    it("runs nothing in a preview, where the results are unknown", () => {
      assert.equal(preview.exitCode, 0, preview.output);
      const { outputs, status } = resource(preview, "reader");
      assert.deepEqual([outputs.stdout, outputs.stderr], [unknown, unknown]);
      assert.deepEqual(outputs.environment, { READ: unknown });
      assert.deepEqual(status, []);
    });

    it("captures both streams and takes one trailing newline off each", () => {
      assert.equal(output("plain").stdout, "one\n");
      assert.equal(output("plain").stderr, "err");
      assert.equal(output("reader").stdout, "got one\n");
    });

    it("passes stdin on, which is empty by default", () => {
      assert.equal(output("stdin").stdout, "line 1\nline 2");
      assert.equal(output("noStdin").stdout, "");
    });

    it("adds to the environment, in which there is no previous output yet", () => {
      assert.equal(output("environment").stdout, "a=b c, none");
    });

    it("runs in the directory and with the interpreter that are given", () => {
      assert.equal(output("dir").stdout, inProject("sub"));
      assert.equal(output("interpreter").stdout, "42 1");
    });

    it("runs nothing without a create command", () => {
      assert.equal(output("nothing").stdout, "");
    });

    it("returns the files that the globs choose, as assets and as an archive", () => {
      const { assets, archive } = output("files") as { assets: object; archive: { assets: object } };
      assert.deepEqual(Object.keys(assets).sort(), ["deep/three.txt", "one.txt"]);
      assert.deepEqual(Object.keys(archive.assets).sort(), ["one.txt", "two.txt"]);
    });

    it("shows the streams that logging names, line by line, and leaves nothing of them behind", () => {
      const shown = (name: string) => [...resource(run, name).status].sort();
      assert.deepEqual(shown("logBoth"), ["err", "out"]);
      assert.deepEqual(shown("logStdout"), ["out"]);
      assert.deepEqual(shown("logStderr"), ["err"]);
      assert.deepEqual(shown("logNone"), []);
      assert.deepEqual(shown("plain"), ["", "err", "one"]);
      assert.deepEqual(shown("logLast"), ["no newline"]);
      assert.deepEqual(resource(run, "logBoth").diagnostics, []);
      assert.equal(output("logNone").stdout, "out");
      assert.equal(output("logNone").stderr, "err");
    });
  });

  describe("when inputs change", () => {
    const previous = 'echo "$STEP [$PULUMI_COMMAND_STDOUT|$PULUMI_COMMAND_STDERR]"; echo "warn $STEP" >&2';
    const journal = (step: string) => `echo ${step} >> journal`;
    const commands = (version: string): Commands => ({
      same: { create: "echo same", update: "exit 1", triggers: ["same"] },
      create: { create: previous, environment: { STEP: version } },
      update: { create: previous, update: `${previous}; echo update`, environment: { STEP: version } },
      forgets: { create: previous, environment: { STEP: version }, addPreviousOutputInEnv: false },
      triggered: {
        create: journal(`create ${version}`),
        update: journal(`update ${version}`),
        delete: journal(`delete ${version}`),
        triggers: ["fixed", { version }],
      },
      keeps: version === "v1" ? { create: "echo kept" } : { delete: "true" },
    });
    const withGone: Commands = {
      ...commands("v1"),
      gone: { create: "echo last words", delete: 'echo "$PULUMI_COMMAND_STDOUT" > gone' },
    };
    let preview: Run;
    let run: Run;

    before(async () => {
      const first = await project.up(withGone);
      assert.equal(first.exitCode, 0, first.output);
      preview = await project.preview(commands("v2"));
      run = await project.up(commands("v2"));
      assert.equal(run.exitCode, 0, run.output);
    });

    it("replaces when a trigger has changed and updates when another input has, as previewed", () => {
      const expected = {
        same: ["same"],
        create: ["update"],
        update: ["update"],
        triggered: ["create-replacement", "replace", "delete-replaced"],
        gone: ["delete"],
      };
      const names = Object.keys(expected);
      assert.deepEqual(operations(run, names), expected);
      assert.deepEqual(operations(preview, names), expected);
    });

    it("replaces with the new create and the old delete command, even if there is an update command", async () => {
      assert.equal(await readFile(inProject("journal"), "utf8"), "create v1\ncreate v2\ndelete v1\n");
    });

    it("runs the update command, or the create command if there is none", () => {
      assert.match(String(resource(run, "update").outputs.stdout), /^v2 .*\nupdate$/s);
      assert.match(String(resource(run, "create").outputs.stdout), /^v2 /);
    });

    it("gives the previous output to the command, unless told not to", () => {
      assert.equal(resource(run, "create").outputs.stdout, "v2 [v1 [|]|warn v1]");
      assert.equal(resource(run, "forgets").outputs.stdout, "v2 [|]");
    });

    it("keeps the results when there is no command left to run", () => {
      assert.equal(resource(run, "keeps").outputs.stdout, "kept");
    });

    it("runs the delete command with the previous output", async () => {
      assert.equal(await readFile(inProject("gone"), "utf8"), "last words\n");
    });
  });

  describe("when a command fails", () => {
    let run: Run;

    before(async () => {
      await project.up({ update: { create: "echo good", environment: { VERSION: "1" } } });
      run = await project.up({
        update: { create: "echo good", update: "echo bad; exit 4", environment: { VERSION: "2" } },
        create: { create: "echo to stdout; echo to stderr >&2; exit 3" },
        dependent: { create: "echo ran", reads: "create" },
        dir: { create: "true", dir: "missing" },
        interpreter: { create: "true", interpreter: ["missing-interpreter"] },
      });
    });

    it("fails the update", () => {
      assert.notEqual(run.exitCode, 0);
      assert.equal(run.resources.dependent, undefined);
    });

    it("reports the status, the command and both streams", () => {
      const message = resource(run, "create").diagnostics.join("\n");
      assert.ok(message.startsWith('exit status 3: running "echo to stdout; echo to stderr >&2; exit 3":\n'), message);
      assert.match(message, /^to stdout$/m);
      assert.match(message, /^to stderr$/m);
    });

    it("names a directory and an interpreter that are not there", () => {
      assert.match(resource(run, "dir").diagnostics.join("\n"), /chdir missing: no such file or directory/);
      assert.match(
        resource(run, "interpreter").diagnostics.join("\n"),
        /"missing-interpreter": executable file not found/,
      );
    });

    it("leaves the state of a failed update as it was, so that the next run tries again", async () => {
      assert.match(resource(run, "update").diagnostics.join("\n"), /^exit status 4: /);
      const retry = await project.up({
        update: { create: "echo good", update: 'echo "after $PULUMI_COMMAND_STDOUT"', environment: { VERSION: "2" } },
      });
      assert.deepEqual(resource(retry, "update").operations, ["update"]);
      assert.equal(resource(retry, "update").outputs.stdout, "after good");
    });
  });

  describe("when the engine is interrupted", () => {
    let pid: number | undefined;

    after(() => {
      if (pid !== undefined && isRunning(pid)) process.kill(pid, "SIGKILL");
    });

    it("kills the command and fails its resource", async () => {
      const { finished, interrupt } = await project.startUp({ endless: { create: "echo $$ > pid; exec sleep 600" } });
      pid = await eventually("the command's start", async () => {
        const written = await readFile(inProject("pid"), "utf8").catch(() => "");
        return written.endsWith("\n") ? Number(written) : undefined;
      });
      interrupt();
      const run = await finished;
      assert.notEqual(run.exitCode, 0);
      assert.match(resource(run, "endless").diagnostics.join("\n"), /^signal: killed: running "echo \$\$/);
      assert.equal(isRunning(pid), false);
    });
  });

  describe("when the stack is destroyed", () => {
    it("runs the delete commands, and a failing one keeps its resource", async () => {
      await project.up({ good: { delete: "echo deleted > destroyed" }, bad: { delete: "test -e allowed" } });
      const failed = await project.destroy();
      assert.notEqual(failed.exitCode, 0);
      assert.match(resource(failed, "bad").diagnostics.join("\n"), /^exit status 1: running "test -e allowed":/);

      await writeFile(inProject("allowed"), "");
      const destroyed = await project.destroy();
      assert.equal(destroyed.exitCode, 0, destroyed.output);
      assert.deepEqual(resource(destroyed, "bad").operations, ["delete"]);
      assert.equal(await readFile(inProject("destroyed"), "utf8"), "deleted\n");
    });
  });
});
