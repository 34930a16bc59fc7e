import type { Load } from "../load/load";

/** Says what is going on: one line that is rewritten on a terminal, a line at each step's begin elsewhere. */
export class Progress {
  private name = "";
  private begun = 0;
  private load: Load | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly stream: NodeJS.WriteStream) {}

  begin(name: string, load?: Load): void {
    this.end();
    this.name = name;
    this.begun = performance.now();
    this.load = load;
    if (!this.stream.isTTY) {
      this.stream.write(`${name}\n`);
      return;
    }
    this.draw();
    this.timer = setInterval(() => this.draw(), 250);
  }

  /** Writes a line that stays. */
  note(text: string): void {
    this.clear();
    this.stream.write(`${text}\n`);
  }

  end(): void {
    if (this.timer === undefined) return;
    clearInterval(this.timer);
    this.timer = undefined;
    this.clear();
  }

  private clear(): void {
    if (this.stream.isTTY) this.stream.write("\r\x1b[K");
  }

  private draw(): void {
    const line = formatProgress(this.name, (performance.now() - this.begun) / 1000, this.load?.account());
    this.clear();
    // A line that wraps could not be rewritten.
    this.stream.write(line.slice(0, this.stream.columns - 1));
  }
}

/** The live line. */
export function formatProgress(name: string, seconds: number, account?: { sent: number; lost: number }): string {
  const count = (value: number) => value.toLocaleString("en-US");
  const books = account === undefined ? "" : `, ${count(account.sent)} sent, ${count(account.lost)} lost`;
  return `${name}: ${Math.floor(seconds)} s${books}`;
}
