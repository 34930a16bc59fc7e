import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { removeUnused } from "../../rollout/steps/retire";
import { FakePrograms } from "../fake-programs";

describe("what a state that was lost has left", () => {
  let programs: FakePrograms;
  beforeEach(async () => (programs = await FakePrograms.create()));
  afterEach(() => programs.remove());

  it("is removed, networks and volumes, but for what a container of the stack is on, be it stopped", async () => {
    const row = (name: string, state: string, networks: string) =>
      [`id-${name}`, name, "image", state, "", networks, ...Array(12).fill("")].join("\\t");
    await programs.write(
      "docker",
      `#!/bin/sh
echo "$*" >>${join(programs.folder, "calls")}
case "$1 $2" in
"ps --all") printf '${row("a", "running", "new-a,database")}\\n${row("b", "exited", "new-b")}\\n' ;;
"network ls") printf 'new-a\\nold\\nnew-b\\nolder\\n' ;;
"volume ls") echo old-volume ;;
"network rm") exit 1 ;;
esac
`,
    );
    await removeUnused("nginx-load-balancer/dev");
    const calls = (await readFile(join(programs.folder, "calls"), "utf8")).split("\n");
    assert.deepEqual(
      calls.filter((call) => call.includes(" rm ")),
      ["network rm old", "network rm older", "volume rm old-volume"],
    );
    for (const call of calls.filter((one) => one.includes(" ls ")))
      assert.match(call, /--filter label=nginx-load-balancer\.stack=nginx-load-balancer\/dev$/);
    assert.match(calls.find((call) => call.startsWith("volume ls")) ?? "", /--filter dangling=true/);
  });
});
