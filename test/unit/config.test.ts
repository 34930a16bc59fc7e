import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { loadSettings, ownContainers, prepare } from "../../config";
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
    const { settings, raw } = await settingsOf({
      "nginx-load-balancer:port": "9000",
      "nginx-load-balancer:nginxImage": "nginx:1.31",
      "docker:host": "unix:///elsewhere",
      "other:port": "9001",
      "other:nginx-load-balancer:port": "9002",
    });
    assert.deepEqual([settings.port, settings.nginxImage, settings.backendCount], [9000, "nginx:1.31", 2]);
    assert.deepEqual(raw, { port: "9000", nginxImage: "nginx:1.31" });
  });

  it("is refused for a key that isn't known, and for an app's folder without a Dockerfile", async () => {
    await assert.rejects(settingsOf({ "nginx-load-balancer:prot": "9000" }), /prot: unknown key/);
    const appAt = (path: string) => settingsOf({ "nginx-load-balancer:apps": JSON.stringify([{ name: "a", path }]) });
    assert.equal((await appAt("apps/app2")).settings.apps[0]?.path, "apps/app2");
    for (const path of ["lib", "no-such-folder"])
      await assert.rejects(appAt(path), /apps\[0\]\.path: got ".*", expected a folder that holds a Dockerfile/);
  });

  it("may name a file with proxies, relative to the program's folder", async () => {
    const folder = mkdtempSync(".unit-config-");
    const proxiesIn = (name: string) => settingsOf({ "nginx-load-balancer:trustedProxies": `${folder}/${name}` });
    try {
      writeFileSync(join(folder, "proxies.txt"), "192.0.2.7\n");
      assert.deepEqual((await proxiesIn("proxies.txt")).settings.trustedProxies, ["192.0.2.7"]);
      for (const name of ["missing.txt", "."])
        await assert.rejects(proxiesIn(name), /trustedProxies: got ".*", expected .* a file that can be read/);
    } finally {
      rmSync(folder, { recursive: true });
    }
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

describe("a stack's own containers", () => {
  /** What the engine answers with, tried on version 3.250.0. */
  const state = {
    "urn:pulumi:dev::p::pulumi:pulumi:Stack::p-dev": { type: "pulumi:pulumi:Stack", outputs: { url: "http://a" } },
    "urn:pulumi:dev::p::a:Component::pool": { type: "a:Component", outputs: {} },
    "urn:pulumi:dev::p::docker:index/container:Container::a-0": {
      type: "docker:index/container:Container",
      outputs: { id: "a0", name: "a-0-made" },
    },
  };

  it("are those of the engine's state, which is asked where one carries no identity", async () => {
    const asked: unknown[] = [];
    await pulumi.runtime.setMocks({
      newResource: ({ name, inputs }) => ({ id: name, state: inputs as object }),
      call: ({ token, inputs }) => {
        asked.push([token, inputs]);
        return { name: "dev", outputs: state };
      },
    });
    assert.deepEqual(await ownContainers([{ owner: "one" }, { owner: "another" }]), new Set());
    assert.deepEqual(asked, []);
    assert.deepEqual(await ownContainers([{ owner: "one" }, { owner: "" }]), new Set(["a0"]));
    assert.deepEqual(asked, [["pulumi:pulumi:readStackResourceOutputs", { stackName: pulumi.getStack() }]]);
  });
});
