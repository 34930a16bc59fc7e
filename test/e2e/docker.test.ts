import assert from "node:assert/strict";
import { docker, inspectContainers } from "../../rollout/docker";
import { baseImages } from "../../scripts/setup/index";

describe("containers as Docker tells of them", () => {
  it("are read whether or not they have a healthcheck or were ever started; one that is gone is left out", async () => {
    const { nginxImage } = await baseImages();
    const check = ["--health-cmd", 'test "$x" = {{y}}', "--health-interval", "3s"];
    const ids = [
      (await docker("create", nginxImage)).trim(),
      (await docker("create", ...check, nginxImage)).trim(),
      (await docker("run", "--detach", ...check, nginxImage)).trim(),
    ] as const;
    try {
      const states = await inspectContainers([...ids, "no-such-container"]);
      assert.deepEqual(
        [...states.values()].map(({ status, health, healthInterval, healthCommand }) => [
          status,
          health,
          healthInterval,
          healthCommand,
        ]),
        [
          ["created", "none", 0, []],
          ["created", "none", 3, ["sh", "-c", 'test "$x" = {{y}}']],
          ["running", "starting", 3, ["sh", "-c", 'test "$x" = {{y}}']],
        ],
      );
      assert.deepEqual([...states.keys()], [...ids]);
    } finally {
      await docker("rm", "--force", ...ids);
    }
  });
});
