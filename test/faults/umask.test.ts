import assert from "node:assert/strict";
import { chmodSync, cpSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { docker, tryDocker } from "../../rollout/docker";
import { baseImages } from "../machine";
import { projectRoot } from "../../scripts/setup/project";

describe("a clone that was made under umask 077", function () {
  this.timeout(120_000);

  for (const [folder, owned] of [
    ["apps/app1", "/app"],
    ["apps/app2", "/app"],
    ["test/fixture", "/app"],
    ["nginx/image", "/etc/nginx/nginx.conf /etc/nginx/start.sh"],
    ["nginx/entry", "/etc/entry"],
  ] as const) {
    it(`gives an image of ${folder} whose user can read all of it`, async () => {
      const context = mkdtempSync(join(tmpdir(), "nlb-umask-"));
      const image = `nginx-load-balancer/e2e-umask:${process.pid}`;
      const { pythonImage, nginxImage, entryImage } = await baseImages();
      try {
        cpSync(join(projectRoot, folder), context, { recursive: true });
        for (const name of [".", ...readdirSync(context, { recursive: true, encoding: "utf8" })])
          chmodSync(join(context, name), statSync(join(context, name)).mode & 0o700);
        const args = [`PYTHON_IMAGE=${pythonImage}`, `NGINX_IMAGE=${nginxImage}`, `ENTRY_IMAGE=${entryImage}`];
        await docker("build", "--quiet", ...args.flatMap((arg) => ["--build-arg", arg]), "--tag", image, context);
        const unreadable = `find ${owned} ! -readable; find ${owned} -name '*.sh' ! -executable`;
        assert.equal(await docker("run", "--rm", image, "sh", "-c", unreadable), "");
      } finally {
        await tryDocker("rmi", "--force", image);
        rmSync(context, { recursive: true });
      }
    });
  }
});
