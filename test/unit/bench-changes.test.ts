import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { composeVersion } from "../../bench/changes/compose-command";
import { composeFiles } from "../../bench/changes/compose-project";
import { offlineFolder } from "../../scripts/setup/project";

describe("the Compose project of the bench", () => {
  const files = composeFiles({
    baseImages: {
      pythonImage: "python:unit",
      nginxImage: "nginx:unit",
      entryImage: "debian:unit",
      legoImage: "lego:unit",
      mtailImage: "mtail:unit",
      exporterImage: "exporter:unit",
    },
    appPath: "/apps/unit",
    port: 8123,
    healthIntervalSeconds: 3,
  });
  const { services } = JSON.parse(files["compose.yaml"] ?? "") as {
    services: Record<"backend" | "balancer", Record<string, unknown>>;
  };

  it("builds the backend from the app, and publishes nothing but the balancer, on the loopback", () => {
    assert.deepEqual(services.backend["build"], { context: "/apps/unit", args: { PYTHON_IMAGE: "python:unit" } });
    assert.equal("ports" in services.backend, false);
    assert.deepEqual(services.balancer["ports"], ["127.0.0.1:8123:8080"]);
  });

  it("has the product's restrictions", () => {
    for (const [name, memory] of [
      ["backend", "128m"],
      ["balancer", "2048m"],
    ] as const) {
      const service = services[name];
      assert.deepEqual(
        [service["read_only"], service["cap_drop"], service["security_opt"], service["restart"]],
        [true, ["ALL"], ["no-new-privileges:true"], "always"],
      );
      assert.deepEqual([service["mem_limit"], service["memswap_limit"]], [memory, memory]);
    }
  });

  it("checks the backends as the product does, with the shell's variables left to the shell", () => {
    const { test, interval } = services.backend["healthcheck"] as { test: string[]; interval: string };
    assert.equal(interval, "3s");
    assert.match(test[1] ?? "", /"\$\$status" = 200/);
  });

  it("balances over all addresses of the service's name", () =>
    assert.match(files["nginx.conf"] ?? "", /server backend:5000 resolve;/));

  it("is run by the version whose sources are pinned, where Compose is built", async () => {
    const goMod = await readFile(join(offlineFolder, "compose", "go.mod"), "utf8");
    assert.ok(goMod.includes(`github.com/docker/compose/v2 ${composeVersion} `), composeVersion);
  });
});
