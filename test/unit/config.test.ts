import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { loadSettings, prepare } from "../../config";
import { mockEngine } from "../mocks";

/** The settings that a stack's config gives; its keys with their namespaces. */
async function settingsOf(config: Record<string, string>) {
  await mockEngine();
  const before = pulumi.runtime.allConfig();
  pulumi.runtime.setAllConfig(config);
  try {
    return loadSettings();
  } finally {
    pulumi.runtime.setAllConfig(before);
  }
}

describe("stack config", () => {
  it("is what stands below the project's own name", async () => {
    const settings = await settingsOf({
      "nginx-load-balancer:port": "9000",
      "nginx-load-balancer:nginxImage": "nginx:1.31",
      "docker:host": "unix:///elsewhere",
      "other:port": "9001",
      "other:nginx-load-balancer:port": "9002",
    });
    assert.deepEqual([settings.port, settings.nginxImage, settings.backendCount], [9000, "nginx:1.31", 2]);
  });

  it("is refused for a key that isn't known, and for an app's folder without a Dockerfile", async () => {
    await assert.rejects(settingsOf({ "nginx-load-balancer:prot": "9000" }), /prot: unknown key/);
    const appAt = (path: string) => settingsOf({ "nginx-load-balancer:apps": JSON.stringify([{ name: "a", path }]) });
    assert.equal((await appAt("apps/app2")).apps[0]?.path, "apps/app2");
    for (const path of ["lib", "no-such-folder"])
      await assert.rejects(appAt(path), /apps\[0\]\.path: got ".*", expected a folder that holds a Dockerfile/);
  });

  it("that is bad ends the program with a message and no stack trace", async () => {
    assert.equal(await prepare(() => "done"), "done");
    const fails = (error: unknown) => prepare(() => Promise.reject(error as Error));
    await assert.rejects(fails(new TypeError("bad config")), (error: unknown) => {
      assert.ok(pulumi.RunError.isInstance(error));
      assert.equal(error.message, "bad config");
      return true;
    });
  });
});
