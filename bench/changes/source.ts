import { FixtureApp } from "../../test/e2e/app";

/** The app that both sides build and run, in versions that no image has been built from before. */
export class Source {
  private constructor(
    private readonly app: FixtureApp,
    private number: number,
  ) {}

  static async create(): Promise<Source> {
    const source = new Source(await FixtureApp.create(), Date.now());
    await source.change();
    return source;
  }

  get path(): string {
    return this.app.path;
  }

  /** What the app's answers carry as X-Version. */
  get version(): string {
    return `v${this.number.toString(36)}`;
  }

  /** Writes the next version. All that the Dockerfile does before it copies the source stays in the builder's cache. */
  async change(): Promise<void> {
    this.number++;
    await this.app.write(this.version);
  }

  async remove(): Promise<void> {
    await this.app.remove();
  }
}
