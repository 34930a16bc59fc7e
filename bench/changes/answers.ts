import { get } from "node:http";
import { until } from "../../lib/until";
import type { Side } from "./side";

/**
 * Waits until a side serves a version, from all of its backends: what was measured has to have worked.
 *
 * @throws Error when it doesn't within 20 s
 */
export async function untilItServes(
  { name, url }: Side,
  version: string,
  backends: number,
  signal: AbortSignal,
): Promise<void> {
  await until(`${name} serves version ${version} from ${backends} backends`, { within: 20, signal }, async () => {
    const serving = new Set<string>();
    for (let asked = 0; asked < 4 * backends; asked++) {
      const answer = await ask(url);
      if (answer.version !== version) return false;
      serving.add(answer.backend);
    }
    return serving.size === backends;
  });
}

interface Answer {
  /** Empty when it came from no backend. */
  readonly version: string;
  readonly backend: string;
}

/** Asks over a connection of its own, so that all of the balancer's workers get their turn. */
async function ask(url: string): Promise<Answer> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, timeout: 5000 }, (response) => {
      response.resume();
      const { "x-version": version, "x-backend": backend } = response.headers;
      resolve({ version: textOf(version), backend: textOf(backend) });
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve({ version: "", backend: "" }));
  });
}

function textOf(header: string | string[] | undefined): string {
  return header === undefined ? "" : String(header);
}
