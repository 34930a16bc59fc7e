import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";

/** What a command in the balancer's container printed (both streams) and its exit code. */
export interface ShellResult {
  readonly code: number;
  readonly output: string;
}

/**
 * One shell inside the balancer's container for all steps of a change: a `docker exec` costs a tenth of a second, a
 * line to an open shell nothing. It ends, and lets go of its locks, when this process does.
 */
export class BalancerShell {
  /** Fulfilled when the shell has ended, for whatever reason: it ends with the container. */
  readonly ended: Promise<void>;
  private readonly process: ChildProcessWithoutNullStreams;
  private received = Buffer.alloc(0);
  private diagnostics = "";
  private reason: string | undefined;
  private wake: () => void = () => undefined;

  get hasEnded(): boolean {
    return this.reason !== undefined;
  }

  constructor(readonly container: string) {
    this.process = spawn("docker", ["exec", "--interactive", container, "sh"]);
    this.process.stdout.on("data", (bytes: Buffer) => {
      this.received = Buffer.concat([this.received, bytes]);
      this.wake();
    });
    this.process.stderr.setEncoding("utf8").on("data", (text: string) => (this.diagnostics += text));
    this.process.stdin.on("error", () => undefined); // the end of the process is reported by its exit
    const end = (reason: string) => {
      this.reason ??= reason;
      this.wake();
    };
    this.ended = new Promise((resolve) => {
      this.process.on("error", (error) => end(error.message));
      this.process.on("close", (code) => {
        end(this.diagnostics.trim() || `docker exec ended with exit code ${code}`);
        resolve();
      });
    });
    // What it writes may be secret, and so may what a command prints.
    this.process.stdin.write("umask 077\n");
  }

  /**
   * Runs shell commands. One call at a time. Their output comes behind its own length, so it may hold anything.
   *
   * @param timeoutSeconds how long they may take; default 30
   * @throws Error when the container's shell is gone or the time is over
   */
  async run(script: string, timeoutSeconds = 30): Promise<ShellResult> {
    const deadline = Date.now() + timeoutSeconds * 1000;
    this.process.stdin.write(`{ ${script}
} >/tmp/shell.$$ 2>&1 </dev/null
echo $? $(wc -c </tmp/shell.$$); cat /tmp/shell.$$; : >/tmp/shell.$$
`);
    const [code = NaN, length = NaN] = (await this.take(deadline, timeoutSeconds, () => this.received.indexOf("\n")))
      .toString()
      .split(" ")
      .map(Number);
    this.received = this.received.subarray(1);
    const output = await this.take(deadline, timeoutSeconds, () => (this.received.length < length ? -1 : length));
    return { code, output: output.toString() };
  }

  /** Runs shell commands and gives what they printed; a failing one is an error. */
  async read(script: string, timeoutSeconds?: number): Promise<string> {
    const { code, output } = await this.run(script, timeoutSeconds);
    if (code !== 0)
      throw new Error(`In the balancer's container, '${script}' ended with exit code ${code}: ${output.trim()}`);
    return output;
  }

  /**
   * Writes a file, with whatever bytes it has.
   *
   * @param mode who may read it, from its first byte on; default: as the container has it
   */
  async write(path: string, content: string, mode?: number): Promise<void> {
    const made = mode === undefined ? "" : `rm -f ${path} && install -m ${mode.toString(8)} /dev/null ${path} && `;
    const script = `${made}base64 -d >${path} <<'end'\n${Buffer.from(content).toString("base64")}\nend`;
    const { code, output } = await this.run(script);
    // What can't be written may be a key: nothing of the command is told.
    if (code !== 0) throw new Error(`In the balancer's container, ${path} can't be written: ${output.trim()}`);
  }

  close(): void {
    this.process.stdin.end();
    this.process.kill();
  }

  /** Takes what has come up to a place, as soon as there is one. */
  private async take(deadline: number, timeoutSeconds: number, place: () => number): Promise<Buffer> {
    for (;;) {
      const end = place();
      if (end >= 0) {
        const taken = this.received.subarray(0, end);
        this.received = this.received.subarray(end);
        return taken;
      }
      if (this.reason !== undefined)
        throw new Error(`The balancer's container ${this.container} takes no commands: ${this.reason}`);
      await this.nextOutput(deadline, timeoutSeconds);
    }
  }

  private async nextOutput(deadline: number, timeoutSeconds: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () =>
          reject(new Error(`The balancer's container ${this.container} did not answer within ${timeoutSeconds} s.`)),
        deadline - Date.now(),
      );
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
