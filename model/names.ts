import { hashValue } from "../lib/tree-hash";

/** A part of an image's name, as Docker takes it. */
const component = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/;

/**
 * First part of the names of a stack's images. Stacks are named more freely than images: where the name isn't one for an
 * image, the part is made of what it has of one, and a hash that keeps it different from all others.
 *
 * @param stackLabel `<project>/<stack>`
 * @returns the same where Docker takes it
 */
export function imagePrefix(stackLabel: string): string {
  const parts = stackLabel.split("/").map((part) => {
    if (component.test(part)) return part;
    const usable = part.toLowerCase().match(/[a-z0-9]+/g) ?? [];
    return [...usable, hashValue(part)].join("-");
  });
  return parts.join("/");
}

/** Most letters that nginx takes for a server's route. */
const routeLength = 32;

/** By which nginx is told which server of an upstream is meant: its name, or a hash where that is too long for a route. */
export function routeOf(server: string): string {
  return server.length <= routeLength ? server : `${hashValue(server)}${hashValue([server])}`;
}

/** Last part of the name of an app's image: the app's name, unless one of ours has that one. No app's name has a dot. */
export function appImageName(app: string): string {
  return ownImageNames.includes(app) ? `${app}.app` : app;
}

/** Last parts of the names of the images of balancer, entry, what gets certificates, and what counts requests and connections. */
export const balancerImageName = "nginx";
export const entryImageName = "entry";
export const acmeImageName = "acme";
export const metricsImageName = "metrics";
export const connectionsImageName = "connections";
const ownImageNames: readonly string[] = [
  balancerImageName,
  entryImageName,
  acmeImageName,
  metricsImageName,
  connectionsImageName,
];

/** Name of the volume with a stack's accounts and certificates of authorities: the same for the next stack of that name. */
export function acmeVolumeName(stackLabel: string): string {
  return `${imagePrefix(stackLabel).replaceAll("/", "-")}-acme`;
}
