import { readlink, rename, rm, symlink } from "node:fs/promises";
import { join, relative } from "node:path";
import { projectRoot } from "../project";
import type { Step } from "../step";

/** `npx pulumi` with the environment that the engine needs: see pulumi.cjs. */
export function npxStep(root = projectRoot): Step {
  const folder = join(root, "node_modules", ".bin");
  const link = join(folder, "pulumi");
  const target = relative(folder, join(root, "scripts", "setup", "pulumi.cjs"));

  return {
    name: "npx pulumi",
    isDone: () =>
      readlink(link).then(
        (current) => current === target,
        () => false,
      ),
    async run() {
      const temporary = `${link}.partial-${process.pid}`;
      await rm(temporary, { force: true });
      await symlink(target, temporary);
      await rename(temporary, link);
    },
  };
}
