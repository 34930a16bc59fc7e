import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { docker } from "../../rollout/docker";
import { baseImages } from "../../test/machine";
import { goTool, type GoTool } from "../go-tool";
import type { PartContext } from "../part";

/** The images of the traffic parts. */
export interface TrafficImages {
  /** The product's balancer. */
  readonly balancer: string;
  /** What has the product's published port. */
  readonly entry: string;
  /** HAProxy, Caddy, and the load generators wrk and vegeta. */
  readonly peers: string;
  /** The first of the example's apps. */
  readonly flask: string;
}

const prefix = "nginx-load-balancer/bench";
/** The image that has HAProxy, once the bench has run. */
export const peersImage = `${prefix}-peers`;

const vegeta: GoTool = {
  name: "vegeta",
  module: "load-generator",
  package: "github.com/tsenart/vegeta/v12",
  version: ["main.Version", "12.13.0"],
};

/** Builds the images, as far as Docker's cache doesn't hold them. They stay for the next run. */
export async function buildImages(context: PartContext): Promise<TrafficImages> {
  const { nginxImage, pythonImage, entryImage } = await baseImages();
  const build = async (name: string, folder: string, argument: string) => {
    context.signal.throwIfAborted();
    context.status(`building the image of ${name}`);
    const tag = `${prefix}-${name}`;
    await docker("build", "--quiet", "--tag", tag, "--build-arg", argument, folder);
    return tag;
  };
  const folder = await mkdtemp(join(tmpdir(), "nlb-bench-"));
  try {
    await cp(join(__dirname, "peers"), folder, { recursive: true });
    await cp(await goTool(vegeta, context), join(folder, "vegeta"));
    return {
      balancer: await build("nginx", "nginx/image", `NGINX_IMAGE=${nginxImage}`),
      entry: await build("entry", "nginx/entry", `ENTRY_IMAGE=${entryImage}`),
      peers: await build("peers", folder, `NGINX_IMAGE=${nginxImage}`),
      flask: await build("flask", "apps/app1", `PYTHON_IMAGE=${pythonImage}`),
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}
