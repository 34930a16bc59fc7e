import { get } from "node:http";
import { connect } from "node:net";
import { messageOf } from "../lib/errors";
import { until } from "../lib/until";
import { probesOf } from "../nginx/render/config";
import { tryDocker } from "./docker";
import type { Target } from "./target";

/** How long the public address may fail after a reload before the previous configuration is put back. */
const publicSeconds = 1;

/** The last word has the address that clients use. */
export async function askPublicAddress(target: Target): Promise<void> {
  const url = `${target.url}${publicPath(target)}`;
  let result: number | string = "";
  const works = async () => {
    result = await statusOf(url);
    return typeof result === "number" && serves(result);
  };
  await until("", publicSeconds, works).catch(async () => {
    const status = Number((await curlFromDockersHost(target.balancer, url)).stdout);
    if (status > 0) result = status;
    if (serves(status)) return;
    const what = typeof result === "number" ? `answers ${result}` : `gives no answer: ${result}`;
    throw new Error(`After the reload ${url} ${what}. The previous configuration is back.`);
  });
}

/**
 * Whether something accepts connections at the public address.
 *
 * @param balancer id of a container, from whose image Docker's own host is asked where nothing does here: it may be another
 */
export async function acceptsConnections(url: string, balancer: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  const here = await new Promise<boolean>((resolve) => {
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || 80), timeout: 2000 });
    const end = (accepted: boolean) => {
      socket.destroy();
      resolve(accepted);
    };
    socket.on("connect", () => end(true));
    socket.on("timeout", () => end(false));
    socket.on("error", () => end(false));
  });
  if (here) return true;
  const { code } = await curlFromDockersHost(balancer, url);
  // It could not connect, or not in time. Anything else that goes wrong goes wrong on a connection.
  return code !== 7 && code !== 28;
}

/** Asks for a page from Docker's host: prints the status, 000 for none. */
async function curlFromDockersHost(balancer: string, url: string): Promise<{ code: number; stdout: string }> {
  const image = (await tryDocker("container", "inspect", "--format", "{{.Image}}", balancer)).stdout.trim();
  const limits = ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges:true"];
  const curl = ["curl", "--silent", "--output", "/dev/null", "--max-time", "5", "--write-out", "%{http_code}", url];
  return tryDocker("run", "--rm", "--network", "host", ...limits, image, ...curl);
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
    request.on("error", (error) => resolve(messageOf(error)));
  });
}
