import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { docker, tryDocker } from "../../rollout/docker";
import { projectRoot } from "../../scripts/setup/project";
import { baseImages } from "../machine";
import { FixtureApp, fixtureLoad } from "./app";
import { assertNoneLost } from "./books";
import { TestStack, takePort, type Outputs } from "./stack";
import { until } from "./until";
import type { Load } from "../../scripts/load/load";

const password = "only-for-tests";

describe("images of a registry, under load", function () {
  this.timeout(1_200_000);
  const registry = `e2e-registry-${process.pid}`;
  const address = `127.0.0.1:${takePort()}`;
  const image = `${address}/shop:1`;
  const { DOCKER_CONFIG } = process.env;
  let logins: string;
  let app: FixtureApp;
  let stack: TestStack;
  let outputs: Outputs;
  let load: Load;

  /** Builds a version, has the registry alone have it, and tells its digest. */
  async function publish(version: string): Promise<string> {
    const { pythonImage } = await baseImages();
    await app.write(version);
    await docker("build", "--quiet", "--tag", image, "--build-arg", `PYTHON_IMAGE=${pythonImage}`, app.path);
    await docker("push", "--quiet", image);
    const digest = (await docker("image", "inspect", "--format", "{{index .RepoDigests 0}}", image)).trim();
    await docker("rmi", "--force", image);
    return digest;
  }
  const registryAnswers = () =>
    until("the registry answers", 20, async () => (await fetch(`http://${address}/v2/`).catch(() => undefined))?.status === 401); // prettier-ignore
  const answer = async () => (await fetch(outputs.url)).text();
  const pinned = async () =>
    (await docker("ps", "--filter", `label=nginx-load-balancer.stack=${stack.stackLabel}`, "--format", `{{.Label "nginx-load-balancer.pinned"}}`)) // prettier-ignore
      .split("\n")
      .filter(Boolean);

  before(async () => {
    logins = await mkdtemp(join(tmpdir(), "nlb-logins-"));
    process.env["DOCKER_CONFIG"] = logins;
    app = await FixtureApp.create();
    const { entryImage } = await baseImages();
    const source = join(projectRoot, "test", "fixtures", "registry");
    await docker("build", "--quiet", "--tag", registry, "--build-arg", `BASE=${entryImage}`, source);
    await docker("run", "--detach", "--name", registry, "--publish", `${address}:5000`, registry);
    await registryAnswers();
    const login = spawnSync("docker", ["login", "--username", "reader", "--password-stdin", address], {
      input: password,
    });
    assert.equal(login.status, 0, String(login.stderr));
    stack = await TestStack.create("images", { drainSeconds: 4, apps: [{ name: "shop", image, count: 2 }] });
  });
  after(async () => {
    await load?.stop();
    await stack?.remove();
    await app?.remove();
    await tryDocker("rm", "--force", "--volumes", registry);
    const pulled = (await tryDocker("images", "--quiet", `${address}/*`)).stdout.split("\n").filter(Boolean);
    await tryDocker("rmi", "--force", registry, ...pulled);
    if (DOCKER_CONFIG === undefined) delete process.env["DOCKER_CONFIG"];
    else process.env["DOCKER_CONFIG"] = DOCKER_CONFIG;
    await rm(logins, { recursive: true, force: true });
  });

  let first: string;
  it("are pulled with the credentials of docker login, and pinned by digest", async () => {
    first = await publish("one");
    outputs = await stack.up();
    load = fixtureLoad(outputs.url, { slow: false, maxSeconds: 1200 });
    assert.equal(await answer(), "one");
    assert.deepEqual(await pinned(), [first, first]);
    await stack.engineOk("preview", "--expect-no-changes");
    for (const file of stack.stateFiles().filter((name) => name.endsWith(".json")))
      assert.ok(!readFileSync(join(stack.folder, file), "utf8").includes(password), file);
  });

  it("roll when an update has shown that a tag has moved, and not before", async () => {
    const second = await publish("two");
    assert.match(
      await stack.engineOk("preview"),
      new RegExp(`${image} has moved: it is ${second}, and was ${first}\\.`),
    );
    assert.equal(await answer(), "one");
    outputs = await stack.up();
    assert.equal(await answer(), "two");
    assertNoneLost(load.mark());
  });

  it("go back to a digest that is named", async () => {
    await stack.configure({ apps: [{ name: "shop", image: first, count: 2 }] });
    outputs = await stack.up();
    assert.equal(await answer(), "one");
    assertNoneLost(load.mark());
  });

  it("are those of last time where the registry can't be asked, if that is allowed", async () => {
    await stack.configure({ apps: [{ name: "shop", image, count: 2 }] });
    outputs = await stack.up();
    await docker("stop", "--time", "0", registry);
    const { code, output } = await stack.engine("preview");
    assert.notEqual(code, 0);
    assert.match(output, new RegExp(`Images that can't be told:\\s+${image}: .*connection refused\\. With keepImages: true, ${address}/shop@sha256:`)); // prettier-ignore
    await stack.configure({ keepImages: true });
    await stack.engineOk("preview", "--expect-no-changes");
    await stack.configure({ apps: [{ name: "shop", image, count: 3 }] });
    outputs = await stack.up();
    assert.deepEqual(new Set(await pinned()).size, 1);
    await docker("start", registry);
    await stack.configure({ keepImages: undefined });
    assertNoneLost(load.mark());
  });

  it("are told by what the registry says where it has none", async () => {
    await registryAnswers();
    await stack.configure({ apps: [{ name: "shop", image: `${address}/shop:none`, count: 2 }] });
    const { code, output } = await stack.engine("preview");
    assert.notEqual(code, 0);
    assert.match(output, new RegExp(`${address}/shop:none: no such manifest`));
    assert.equal(await answer(), "two");
  });

  it("are those that were built on Docker's host, by their ids", async () => {
    const local = `e2e-local-${process.pid}:1`;
    const { pythonImage } = await baseImages();
    await app.write("built here");
    await docker("build", "--quiet", "--tag", local, "--build-arg", `PYTHON_IMAGE=${pythonImage}`, app.path);
    try {
      await stack.configure({ apps: [{ name: "shop", image: local, count: 1 }] });
      outputs = await stack.up();
      assert.equal(await answer(), "built here");
      assert.match((await pinned())[0] ?? "", /^sha256:/);
      assertNoneLost(load.mark());
    } finally {
      await tryDocker("rmi", "--force", local);
    }
  });
});
