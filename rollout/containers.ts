import { labels } from "../model/labels";
import { docker } from "./docker";
import type { ObservedContainer } from "./observed";

const columns = {
  id: "{{.ID}}",
  name: "{{.Names}}",
  image: "{{.Image}}",
  state: "{{.State}}",
  status: "{{.Status}}",
  networks: "{{.Networks}}",
  volumes: "{{.Mounts}}",
  ports: "{{.Ports}}",
  age: "{{.RunningFor}}",
  ...Object.fromEntries(
    (["role", "app", "slot", "hash", "alias", "listen", "owner", "by", "pinned", "network"] as const).map((key) => [
      key,
      `{{.Label "${labels[key]}"}}`,
    ]),
  ),
  reference: `{{.Label "${labels.image}"}}`,
};

/**
 * Lists a stack's containers, ended ones included, newest first.
 *
 * @param stack value of the stack's label
 * @throws Error when Docker doesn't answer
 */
export async function listContainers(stack: string): Promise<ObservedContainer[]> {
  const filter = `label=${labels.stack}=${stack}`;
  const format = Object.values(columns).join("\t");
  return parseContainers(await docker("ps", "--all", "--no-trunc", "--filter", filter, "--format", format));
}

export function parseContainers(listing: string): ObservedContainer[] {
  return listing
    .split("\n")
    .filter(Boolean)
    .map((line) => {
      const cells = line.split("\t");
      const row = Object.fromEntries(Object.keys(columns).map((key, index) => [key, cells[index] ?? ""]));
      const { status, networks, volumes, ...rest } = row as Record<keyof ObservedContainer | "status", string>;
      return { ...rest, networks: listOf(networks), volumes: listOf(volumes), health: healthOf(status) };
    });
}

function listOf(text: string): string[] {
  return text.split(",").filter(Boolean);
}

/** Docker's listing tells the health in words: `Up 2 minutes (healthy)`, `Up 1 second (health: starting)`. */
function healthOf(status: string): string {
  return /\((?:health: )?(healthy|unhealthy|starting)\)/.exec(status)?.[1] ?? "none";
}

/** Docker's word for how a container is; `gone` where there is none. */
export function wordOf(container: Pick<ObservedContainer, "state" | "health"> | undefined): string {
  if (container === undefined) return "gone";
  const { state, health } = container;
  return state !== "running" ? state : health === "none" ? "running" : health;
}

/**
 * The balancer that serves, if one of the stack's containers does; else the newest. A newer one may run and wait: then it isn't
 * healthy.
 *
 * @param preferred id of the one to choose where it runs, too
 */
export function balancerOf(
  containers: readonly ObservedContainer[],
  preferred?: string,
): ObservedContainer | undefined {
  const balancers = containers.filter(({ role }) => role === "balancer");
  const running = balancers.filter(({ state }) => state === "running");
  const serving = running.find(({ health }) => health === "healthy");
  return running.find(({ id }) => id === preferred) ?? serving ?? running[0] ?? balancers[0];
}
