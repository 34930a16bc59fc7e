import assert from "node:assert/strict";
import { docker, inspectContainers } from "../../rollout/docker";
import { baseImages } from "../machine";
import { NamelessVolumes, ofStack } from "./nameless-volumes";

describe("containers as Docker tells of them", function () {
  this.timeout(120_000);

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

describe("volumes without a name", function () {
  this.timeout(120_000);

  it("are a stack's own only if its containers had them: others on the host come and go", async () => {
    const { nginxImage } = await baseImages();
    const stackLabel = `nginx-load-balancer/e2e-volumes-${process.pid}`;
    const comeAndGo = async (label: string, ...options: string[]) => {
      const id = await docker("run", "--detach", "--label", label, "--volume", "/data", nginxImage, "sleep", "60");
      const volume = await docker("inspect", "--format", "{{range .Mounts}}{{.Name}}{{end}}", id.trim());
      await docker("rm", "--force", ...options, id.trim());
      return volume.trim();
    };
    const own = `nginx-load-balancer.stack=${stackLabel}`;
    const foreign = `nginx-load-balancer.e2e-foreign=${process.pid}`;
    const volumes = await NamelessVolumes.watch(ofStack(stackLabel));
    try {
      const foreignOne = await comeAndGo(foreign);
      await comeAndGo(own, "--volumes");
      assert.deepEqual(await volumes.abandoned(), []);
      const abandoned = await comeAndGo(own);
      assert.deepEqual(await volumes.abandoned(), [abandoned]);
      await docker("volume", "rm", abandoned, foreignOne);
      assert.deepEqual(await volumes.abandoned(), []);
    } finally {
      await volumes.close();
    }
  });
});
