import { get } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { probesOf } from "../nginx/render/config";
import { pollMilliseconds, type Target } from "./target";

/** How long the public address may fail after a reload before the previous configuration is put back. */
const publicSeconds = 1;

/** The last word has the address that clients use. */
export async function askPublicAddress(target: Target): Promise<void> {
  const url = `${target.url}${publicPath(target)}`;
  const deadline = Date.now() + publicSeconds * 1000;
  for (;;) {
    const result = await statusOf(url);
    if (typeof result === "number" && serves(result)) return;
    if (Date.now() > deadline) {
      const what = typeof result === "number" ? `answers ${result}` : `gives no answer: ${result}`;
      throw new Error(`After the reload ${url} ${what}. The previous configuration is back.`);
    }
    await pause(pollMilliseconds);
  }
}

/** Whether an answer shows that the balancer works. Any but a server error does: an app may well refuse. */
export function serves(status: number): boolean {
  return status >= 100 && status < 500;
}

export function publicPath(target: Target): string {
  return probesOf(target.text)[0]?.path ?? "/";
}

async function statusOf(url: string): Promise<number | string> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, timeout: 5000 }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.on("timeout", () => request.destroy(new Error("timed out after 5 s")));
    request.on("error", (error) => resolve(error.message));
  });
}
