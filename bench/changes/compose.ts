import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lastWords, run } from "../../lib/process";
import { docker, tryDocker } from "../../rollout/docker";
import { baseImages } from "../../test/machine";
import { takePort } from "../../test/e2e/stack";
import type { PartContext } from "../part";
import { composeCommand } from "./compose-command";
import { composeFiles } from "./compose-project";
import { secondsOf, type Side } from "./side";
import type { Source } from "./source";

/** Docker Compose, which neither drains nor tests what it starts. */
export class Compose implements Side {
  readonly name = "compose";
  private built: string | undefined;
  /** Of its containers so far: it leaves those without a name behind when it scales down. */
  private readonly volumes = new Set<string>();

  private constructor(
    private readonly command: readonly [file: string, ...args: string[]],
    private readonly source: Source,
    private readonly port: number,
    private readonly folder: string,
    private readonly project: string,
    private readonly signal: AbortSignal,
  ) {}

  /** @param healthIntervalSeconds seconds between two of Docker's checks of a backend */
  static async create(source: Source, healthIntervalSeconds: number, context: PartContext): Promise<Compose> {
    const command = await composeCommand(context);
    const port = takePort();
    const files = composeFiles({
      baseImages: await baseImages(),
      appPath: source.path,
      port,
      healthIntervalSeconds,
    });
    const folder = await mkdtemp(join(tmpdir(), "nlb-bench-"));
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    return new Compose(command, source, port, folder, `nlb-bench-${process.pid}-${port}`, context.signal);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async up(backends: number): Promise<number> {
    const { version } = this.source;
    const build = this.built === version ? [] : ["--build"];
    const seconds = await secondsOf(() => this.run("up", ...build, ...this.upOptions(backends)));
    this.built = version;
    await this.noteVolumes();
    return seconds;
  }

  async preview(backends: number): Promise<number> {
    return secondsOf(() => this.run("--dry-run", "up", ...this.upOptions(backends)));
  }

  async down(): Promise<number> {
    this.built = undefined;
    return secondsOf(() => this.run("down", "--volumes", "--rmi", "local"));
  }

  async remove(): Promise<void> {
    const label = `label=com.docker.compose.project=${this.project}`;
    const containers = await idsOf("ps", "--all", "--filter", label);
    if (containers.length > 0) await tryDocker("rm", "--force", "--volumes", ...containers);
    if (this.volumes.size > 0) await tryDocker("volume", "rm", ...this.volumes);
    const networks = await idsOf("network", "ls", "--filter", label);
    if (networks.length > 0) await tryDocker("network", "rm", ...networks);
    // Compose leaves the image of an earlier source without a name.
    const images = await idsOf("images", "--filter", label);
    if (images.length > 0) await docker("rmi", "--force", ...images);
    await rm(this.folder, { recursive: true, force: true });
  }

  private async noteVolumes(): Promise<void> {
    const containers = await idsOf("ps", "--all", "--filter", `label=com.docker.compose.project=${this.project}`);
    const format = '{{range .Mounts}}{{if eq .Type "volume"}}{{println .Name}}{{end}}{{end}}';
    const names = await docker("container", "inspect", "--format", format, ...containers);
    for (const name of names.split("\n").filter(Boolean)) this.volumes.add(name);
  }

  private upOptions(backends: number): string[] {
    return ["--detach", "--wait", "--scale", `backend=${backends}`];
  }

  private async run(...args: string[]): Promise<void> {
    const [file, ...first] = this.command;
    const where = ["--project-name", this.project, "--file", join(this.folder, "compose.yaml")];
    const result = await run(file, [...first, ...where, ...args], { signal: this.signal });
    if (result.outcome !== "succeeded")
      throw new Error(`docker compose ${args.join(" ")} ${result.outcome}:\n${lastWords(result)}`);
  }
}

async function idsOf(...listing: string[]): Promise<string[]> {
  return [...new Set((await docker(...listing, "--quiet")).split("\n").filter(Boolean))];
}
