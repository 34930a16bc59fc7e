import { request, type IncomingMessage } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { hostOf } from "./load";

const bodyBytes = 300_000;
const answerBytes = 16_000_000;

/** How often each has come out in a way, in words: 3 × 200, 2 × 500. */
class Counts {
  private readonly counts = new Map<string, number>();

  add(end: string): void {
    this.counts.set(end, (this.counts.get(end) ?? 0) + 1);
  }

  toString(): string {
    return [...this.counts].map(([end, count]) => `${count} ${end}`).join(", ");
  }
}

/** Requests that the balancer keeps on its disk: bodies beyond its buffer, and answers that are taken slowly. */
export class Heavy {
  private isStopped = false;
  private readonly bodies = new Counts();
  private readonly answers = new Counts();
  private readonly clients: Promise<void>[];

  constructor(url: string) {
    const again = async (once: () => Promise<void>) => {
      while (!this.isStopped) await once();
    };
    this.clients = [1, 2, 3, 4].flatMap(() => [again(() => this.post(url)), again(() => this.download(url))]);
  }

  /** Ends when each has its answer. */
  async stop(): Promise<{ readonly bodies: string; readonly answers: string }> {
    this.isStopped = true;
    await Promise.all(this.clients);
    return { bodies: String(this.bodies), answers: String(this.answers) };
  }

  private async post(url: string): Promise<void> {
    const answer = await ask(url, "POST", "/echo", "x".repeat(bodyBytes));
    if (answer === undefined) return this.bodies.add("cut");
    let bytes = 0;
    for await (const part of answer as AsyncIterable<Buffer>) bytes += part.length;
    const isWhole = answer.statusCode !== 200 || bytes === bodyBytes;
    this.bodies.add(isWhole ? `with ${answer.statusCode}` : "cut");
    await pause(50);
  }

  /** About 2 MB a second. */
  private async download(url: string): Promise<void> {
    const answer = await ask(url, "GET", `/bytes?count=${answerBytes}`);
    let bytes = 0;
    try {
      for await (const part of (answer ?? []) as AsyncIterable<Buffer>) {
        bytes += part.length;
        await pause(part.length / 2000);
      }
    } catch {
      // it ended before it was whole
    }
    this.answers.add(bytes === answerBytes ? "whole" : "cut");
  }
}

/** Undefined when no answer began. */
async function ask(url: string, method: string, path: string, body?: string): Promise<IncomingMessage | undefined> {
  return new Promise((resolve) => {
    const headers = { Host: hostOf("alpha"), ...(body !== undefined && { "Content-Length": body.length }) };
    const asked = request(url, { method, path, agent: false, headers }, resolve);
    asked.setTimeout(30_000, () => asked.destroy());
    asked.on("error", () => resolve(undefined)).end(body);
  });
}
