import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { offlineFolder, pinnedVersion } from "../../scripts/setup/project";
import { pluginSchema } from "./plugin-schema";

describe("the versions of what is built", function () {
  this.timeout(60_000);

  it("are those of the npm packages for the engine", async () => {
    const goMod = await readFile(join(offlineFolder, "engine", "go.mod"), "utf8");
    for (const module of ["pkg", "sdk"]) {
      const [, version] = new RegExp(`github.com/pulumi/pulumi/${module}/v3 v(\\S+)`).exec(goMod) ?? [];
      assert.equal(version, pinnedVersion("pulumi"), module);
    }
    assert.equal(pinnedVersion("@pulumi/pulumi"), pinnedVersion("pulumi"));
  });

  for (const name of ["docker", "command"]) {
    const version = pinnedVersion(`@pulumi/${name}`);

    it(`are those of the npm package for the ${name} plugin`, async () => {
      assert.equal((await pluginSchema(`${name}@${version}`)).version, version);
    });

    it(`are in the README's commands for the ${name} plugin`, async () => {
      const readme = await readFile(join(offlineFolder, "README.md"), "utf8");
      for (const text of [`main.version=${version}`, `resource-${name}-v${version}/`])
        assert.ok(readme.includes(text), text);
    });
  }
});
