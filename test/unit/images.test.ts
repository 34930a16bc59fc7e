import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { leftImages } from "../../rollout/images";
import { removeUnusedImages } from "../../rollout/steps/retire";
import { FakePrograms } from "../fake-programs";

const stack = "nginx-load-balancer/dev";
const [shop, other, twin] = ["shop:1", "shop:2", "blog:1"].map((name) => `${stack}/${name}`) as [
  string,
  string,
  string,
];

describe("images of a stack", () => {
  let programs: FakePrograms;
  const calls = async () =>
    (await readFile(join(programs.folder, "calls"), "utf8"))
      .split("\n")
      .map((call) => call.split(" ").slice(0, 2).join(" "));

  beforeEach(async () => {
    programs = await FakePrograms.create();
    await programs.write(
      "docker",
      `#!/bin/sh
echo "$*" >>${join(programs.folder, "calls")}
case "$1 $2" in
"images --no-trunc") printf '${shop}\\tsha256:a\\n${other}\\tsha256:b\\n${twin}\\tsha256:a\\n' ;;
"container inspect") echo sha256:a ;;
esac
`,
    );
  });
  afterEach(() => programs.remove());

  it("are left where no container was made of them, by whatever tag", async () => {
    assert.deepEqual(await leftImages(stack, [{ id: "one", image: shop }]), [other]);
  });

  it("are not left where containers have all of their names: Docker is asked for no more", async () => {
    const containers = [shop, other, twin].map((image, at) => ({ id: `${at}`, image }));
    assert.deepEqual(await leftImages(stack, containers), []);
    assert.deepEqual(await calls(), ["images --no-trunc", ""]);
  });

  it("are removed where no container was made of them", async () => {
    await removeUnusedImages(stack, ["one"]);
    const all = await readFile(join(programs.folder, "calls"), "utf8");
    assert.match(all, new RegExp(`^rmi ${other}$`, "m"));
  });
});
