import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseContainers } from "../../rollout/containers";
import { openEntry, publish } from "../../rollout/steps/entry";
import { FakePrograms } from "../fake-programs";

describe("an entry that is opened in another one's place", () => {
  let programs: FakePrograms;
  const networks: Record<string, string> = { new: "front", old: "front back" };
  const operation = { entry: "new", network: "front", predecessors: ["old"] };

  /** Has docker note its commands, and fail at those that a pattern of the shell stands for. */
  async function fakeDocker(failing: string): Promise<void> {
    const found = Object.entries(networks).map(([name, list]) => `*inspect*" ${name}") printf '%s\\n' ${list} ;;`);
    const program = `#!/bin/sh\ncase "$*" in *inspect*|logs*) ;; *) echo "$*" >>${join(programs.folder, "log")} ;; esac
case "$*" in ${failing}) echo no >&2; exit 1 ;; *State*) ;; ${found.join(" ")} esac\n`;
    await programs.write("docker", program);
  }

  beforeEach(async () => (programs = await FakePrograms.create()));
  afterEach(() => programs.remove());

  const commands = async () =>
    (await readFile(join(programs.folder, "log"), "utf8"))
      .trim()
      .replaceAll(/^exec .*/gm, "exec")
      .split("\n");

  for (const [what, failing, error, expected, said] of [
    [
      "listens before it has the port, and is published when the other one is not any more",
      "none",
      undefined,
      [
        "network disconnect front new",
        "start new",
        "exec",
        "network disconnect front old",
        "network disconnect back old",
        "network connect front new",
      ],
      [],
    ],
    [
      "takes no port away when it doesn't start",
      "start*",
      /docker start failed: no/,
      ["network disconnect front new", "start new", "stop --time 0 new"],
      [],
    ],
    [
      "takes no port away when it doesn't listen",
      "exec*",
      /The entry does not start/,
      ["network disconnect front new", "start new", "exec", "stop --time 0 new"],
      [],
    ],
    [
      "gives the port back when its own can't be published",
      '"network connect front new"',
      /docker network failed: no/,
      [
        "network disconnect front new",
        "start new",
        "exec",
        "network disconnect front old",
        "network disconnect back old",
        "network connect front new",
        "stop --time 0 new",
        "network connect front old",
        "network connect back old",
      ],
      ["giving the port back to what had it"],
    ],
  ] as const)
    it(what, async () => {
      await fakeDocker(failing);
      const log: string[] = [];
      const opened = openEntry(operation, (line) => void log.push(line));
      await (error === undefined ? opened : assert.rejects(opened, error));
      assert.deepEqual(await commands(), expected);
      assert.deepEqual(log, said);
    });

  it("is published anew by leaving its network and coming back", async () => {
    await fakeDocker("none");
    await publish("new");
    assert.deepEqual(await commands(), ["network disconnect front new", "network connect front new"]);
  });
});

describe("Docker's listing", () => {
  it("tells of a container that is on no network", () => {
    const listed = (names: string) =>
      parseContainers(`id\tname\timage\trunning\tUp 2 minutes\t${names}\n`).map((one) => one.networks);
    assert.deepEqual([listed(""), listed("front"), listed("front,back")], [[[]], [["front"]], [["front", "back"]]]);
  });
});
