import { TestStack } from "../../test/e2e/stack";
import { secondsOf, type Side } from "./side";
import type { Source } from "./source";

/** This project: a stack of its own, changed by the Pulumi engine. */
export class Ours implements Side {
  readonly name = "ours";

  private constructor(
    private readonly stack: TestStack,
    private readonly signal: AbortSignal,
  ) {}

  static async create(source: Source, signal: AbortSignal): Promise<Ours> {
    const apps = [{ name: "backend", path: source.path }];
    return new Ours(await TestStack.create("bench", { apps }), signal);
  }

  get url(): string {
    return this.stack.url;
  }

  async up(backends: number): Promise<number> {
    await this.stack.configure({ backendCount: backends });
    return secondsOf(() => this.engine("up"));
  }

  async preview(backends: number): Promise<number> {
    await this.stack.configure({ backendCount: backends });
    return secondsOf(() => this.engine("preview"));
  }

  async down(): Promise<number> {
    return secondsOf(() => this.engine("destroy"));
  }

  async remove(): Promise<void> {
    await this.stack.remove();
  }

  private async engine(command: string): Promise<void> {
    this.signal.throwIfAborted();
    const run = this.stack.start(command);
    const interrupt = () => run.kill("SIGINT");
    this.signal.addEventListener("abort", interrupt);
    const { code, output } = await run.ended;
    this.signal.removeEventListener("abort", interrupt);
    this.signal.throwIfAborted();
    if (code !== 0) throw new Error(`pulumi ${command} ended with exit code ${code}:\n${output}`);
  }
}
