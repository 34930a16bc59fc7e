import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { limitProcesses, withoutLimit } from "../../rollout/steps/processes";
import { FakePrograms } from "../fake-programs";

describe("the limit of processes", () => {
  let programs: FakePrograms;
  beforeEach(async () => (programs = await FakePrograms.create()));
  afterEach(() => programs.remove());

  /** Has docker note its commands, and say and end as it is told. */
  const fakeDocker = (answer: string) =>
    programs.write("docker", `#!/bin/sh\necho "$*" >>${join(programs.folder, "log")}\n${answer}\n`);
  const commands = async () => (await readFile(join(programs.folder, "log"), "utf8")).trim().split("\n");

  it("is missing where there is none, or another one; not where a container has gone meanwhile", async () => {
    await fakeDocker("printf 'a null\\nb 0\\nc -1\\nd 4096\\ne 100\\n'; echo 'No such container: f' >&2; exit 1");
    assert.deepEqual(await withoutLimit(["a", "b", "c", "d", "e", "f"]), ["a", "b", "c", "e"]);
    assert.deepEqual(await withoutLimit([]), []);
    assert.equal((await commands()).length, 1);
  });

  it("is set for all of them at once", async () => {
    const said: string[] = [];
    await fakeDocker("echo a; echo b");
    await limitProcesses(["a", "b"], (line) => said.push(line));
    assert.deepEqual([await commands(), said], [["update --pids-limit 4096 a b"], []]);
  });

  it("that an engine can't set is said, and no update fails for it", async () => {
    const said: string[] = [];
    await fakeDocker("echo 'no cgroups' >&2; exit 1");
    await limitProcesses(["a"], (line) => said.push(line));
    assert.deepEqual(said, ["Processes are not limited: no cgroups"]);
  });
});
