import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../../../lib/process";
import { docker, tryDocker } from "../../../rollout/docker";
import type { SoftwareSite } from "./site";

const password = "only-for-tests";
const authorization = `Basic ${Buffer.from(`reader:${password}`).toString("base64")}`;

/** @param get the site, once it is there */
export function describeRegistry(get: () => SoftwareSite): void {
  it("names its own address, with https and the port that is published", async () => {
    const headers = { Authorization: authorization };
    const { status, headers: got } = await get().ask("registry", "/v2/some/blobs/uploads/", {
      method: "POST",
      headers,
    });
    assert.equal(status, 202);
    assert.ok(got.location?.startsWith(get().address("registry", "/v2/some/blobs/uploads/")), got.location);
  });

  it("asks who its clients are", async () => {
    const { status, headers } = await get().ask("registry", "/v2/");
    assert.deepEqual([status, headers["www-authenticate"]], [401, 'Basic realm="tests"']);
  });

  it("has images pushed and pulled, while it is rolled", async () => {
    const site = get();
    const source = join(site.folder, "pushed");
    const address = `localhost:${site.port}`;
    const image = `${address}/some/image:1`;
    const { DOCKER_CONFIG } = process.env;
    process.env["DOCKER_CONFIG"] = join(site.folder, "logins");
    try {
      await mkdir(source);
      await writeFile(join(source, "layer"), randomBytes(40_000_000));
      await writeFile(join(source, "Dockerfile"), "FROM scratch\nCOPY layer /\n");
      await docker("build", "--quiet", "--tag", image, source);
      const login = await run("docker", ["login", "--username", "reader", "--password-stdin", address], {
        input: password,
      });
      assert.equal(login.outcome, "succeeded", login.stderr);
      const id = await idOf(image);
      let isOver = false;
      const roll = site.roll("registry").finally(() => (isOver = true));
      do {
        await docker("push", "--quiet", image);
        await docker("rmi", "--force", image);
        await docker("pull", "--quiet", image);
        assert.equal(await idOf(image), id);
      } while (!isOver);
      await roll;
    } finally {
      await tryDocker("rmi", "--force", image);
      if (DOCKER_CONFIG === undefined) delete process.env["DOCKER_CONFIG"];
      else process.env["DOCKER_CONFIG"] = DOCKER_CONFIG;
    }
  });
}

async function idOf(image: string): Promise<string> {
  return (await docker("image", "inspect", "--format", "{{.Id}}", image)).trim();
}
