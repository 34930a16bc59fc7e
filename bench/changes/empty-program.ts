import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lastWords, run } from "../../lib/process";
import { projectRoot, pulumiBinary, pulumiEnv } from "../../scripts/setup/project";
import { stateUrl } from "../../test/machine";
import { secondsOf } from "./side";

/** A Pulumi program that declares nothing: what the engine itself takes. */
export class EmptyProgram {
  private constructor(private readonly folder: string) {}

  static async create(): Promise<EmptyProgram> {
    const folder = await mkdtemp(join(tmpdir(), "nlb-bench-"));
    await writeFile(join(folder, "Pulumi.yaml"), "name: empty\nruntime: nodejs\n");
    await writeFile(join(folder, "package.json"), '{ "main": "index.js" }\n');
    await writeFile(join(folder, "index.js"), "");
    await symlink(join(projectRoot, "node_modules"), join(folder, "node_modules"));
    const program = new EmptyProgram(folder);
    await program.engine("stack", "init", "empty");
    await program.up();
    return program;
  }

  /** The seconds of an update without a change. */
  async up(): Promise<number> {
    return secondsOf(() => this.engine("up", "--yes", "--skip-preview", "--stack", "empty"));
  }

  /** The seconds of a destroy, after which the program is brought up again. */
  async destroy(): Promise<number> {
    const seconds = await secondsOf(() => this.engine("destroy", "--yes", "--skip-preview", "--stack", "empty"));
    await this.up();
    return seconds;
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  private async engine(...args: string[]): Promise<void> {
    const env = { ...pulumiEnv(), PULUMI_BACKEND_URL: stateUrl(this.folder) };
    const result = await run(pulumiBinary(), [...args, "--non-interactive"], { cwd: this.folder, env });
    if (result.outcome !== "succeeded")
      throw new Error(`pulumi ${args.join(" ")} ${result.outcome}:\n${lastWords(result)}`);
  }
}
