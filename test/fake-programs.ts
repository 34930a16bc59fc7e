import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

/** Programs that are found before the machine's own ones, until they are removed. */
export class FakePrograms {
  private constructor(
    /** Where they lie, with room for what they note. */
    readonly folder: string,
    private readonly before: string | undefined,
  ) {}

  static async create(): Promise<FakePrograms> {
    const { PATH } = process.env;
    const folder = await mkdtemp(join(tmpdir(), "nlb-programs-"));
    process.env["PATH"] = `${folder}${delimiter}${PATH}`;
    return new FakePrograms(folder, PATH);
  }

  async write(name: string, text: string): Promise<void> {
    const file = join(this.folder, name);
    await writeFile(file, text);
    await chmod(file, 0o755);
  }

  async remove(): Promise<void> {
    process.env["PATH"] = this.before;
    await rm(this.folder, { recursive: true });
  }
}
