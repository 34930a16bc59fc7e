import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { docker, tryDocker } from "../../rollout/docker";

/** Images of a test's own, each made of another one. */
export class DerivedImages {
  private readonly names: string[] = [];

  /** @param label part of their names */
  constructor(private readonly label: string) {}

  /**
   * One that is another image, and yet does what its base does.
   *
   * @param instructions of a Dockerfile, for what it is to do otherwise
   */
  async make(base: string, instructions: readonly string[] = []): Promise<string> {
    const image = `nginx-load-balancer/e2e-${this.label}-${this.names.length}:${process.pid}`;
    const folder = await mkdtemp(join(tmpdir(), "nlb-image-"));
    try {
      const lines = [`FROM ${base}`, `LABEL e2e=${image}`, ...instructions];
      await writeFile(join(folder, "Dockerfile"), `${lines.join("\n")}\n`);
      await docker("build", "--quiet", "--tag", image, folder);
    } finally {
      await rm(folder, { recursive: true });
    }
    this.names.push(image);
    return image;
  }

  async remove(): Promise<void> {
    if (this.names.length > 0) await tryDocker("rmi", ...this.names);
  }
}
