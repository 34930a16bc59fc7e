import { labels } from "../model/labels";
import { signatureFile } from "../model/layout";
import type { Destination } from "../model/release";
import { imagePrefix } from "../model/names";
import { docker, tryDocker } from "./docker";
import { imagesOf } from "./images";
import { listContainers } from "./containers";
import { isAdopted, ownOf } from "./ownership";
import { closeEntry } from "./steps/entry";
import { stopContainers } from "./steps/retire";
import { BalancerShell } from "./runtime/shell";

/**
 * The first step of a destroy: nginx refuses new connections, finishes what it has and ends; then the backends end, all
 * at once. The engine removes the containers afterwards, but for those that it doesn't know.
 *
 * @param isLater whether a signature is that of a later change than the one that is undone: then it serves, and nothing ends
 * @throws Error where another state has taken the stack over, and serves from an entry that the engine would remove
 */
export async function removeServing(
  destination: Pick<Destination, "balancer" | "stack" | "owners" | "entries">,
  drainSeconds: number,
  isLater: (signature: string) => boolean = () => false,
): Promise<void> {
  const { balancer, stack } = destination;
  const seconds = String(drainSeconds);
  const [shell, containers] = await Promise.all([openShell(balancer), listContainers(stack)]);
  const signature = await shell?.run(`cat ${signatureFile}`);
  if (signature?.code === 0 && signature.output !== "" && isLater(signature.output)) return shell?.close();
  const own = ownOf(containers, destination);
  const withRole = (role: string) => own.filter((one) => one.role === role).map(({ id }) => id);
  const entries = withRole("entry");
  const isShared = own.some(({ role, owner }) => role === "entry" && owner !== "");
  const successor = containers.find((one) => one.role === "balancer" && one.state === "running" && !own.includes(one));
  if (successor !== undefined && isShared) {
    shell?.close();
    throw new Error(
      `Stack ${stack} was taken over by another state (identity ${successor.owner}), which serves by what this one has made. ` +
        "Nothing has been changed. What is left to do is to forget this state: npx pulumi stack rm --force --preserve-config.",
    );
  }
  // Connections of before nginx ends would wait in them otherwise.
  await Promise.all(entries.map(closeEntry));
  // One that was removed by hand has nothing left to finish.
  const stopped = tryDocker("stop", "--time", seconds, balancer);
  // Docker takes apart what nginx leaves behind for longer than nginx takes to end, which the shell knows at once.
  await (shell?.ended ?? stopped);
  const rest = [...entries, ...withRole("backend")];
  await Promise.all([stopped, rest.length > 0 && docker("stop", "--time", seconds, ...rest)]);
  const unknown = own.flatMap((one) => (isAdopted(one, destination) ? one.id : []));
  if (unknown.length > 0) await stopContainers(unknown, 0);
}

/** A shell in the container, which ends when the container's first process does; none where the container doesn't run. */
async function openShell(container: string): Promise<BalancerShell | undefined> {
  const shell = new BalancerShell(container);
  return shell.run("true").then(
    () => shell,
    () => undefined,
  );
}

/**
 * The last step of a destroy: the containers are gone, and with them whatever used networks, volumes and images.
 *
 * @param stack value of the stack's label; the names of its images begin with it, too
 */
export async function removeRest(stack: string): Promise<void> {
  // All of this state's are gone by now: another state has taken the stack over, and uses what is left.
  if ((await listContainers(stack)).some(({ role, state }) => role === "balancer" && state === "running")) return;
  const label = `label=${labels.stack}=${stack}`;
  const [networks, volumes, images] = await Promise.all([
    listed("network", "ls", "--quiet", "--filter", label),
    listed("volume", "ls", "--quiet", "--filter", label),
    imagesOf(imagePrefix(stack)),
  ]);
  await Promise.all([
    remove("networks", ["network", "rm"], networks),
    remove("volumes", ["volume", "rm"], volumes),
    remove(
      "images",
      ["rmi"],
      images.map(({ tag }) => tag),
    ),
  ]);
}

/** Removes what stays when a stack goes: the accounts and certificates of its authority. */
export async function removeKept(stack: string): Promise<void> {
  const volumes = await listed("volume", "ls", "--quiet", "--filter", `label=${labels.kept}=${stack}`);
  await remove("volumes", ["volume", "rm"], volumes);
}

async function listed(...command: string[]): Promise<string[]> {
  return (await docker(...command)).split("\n").filter(Boolean);
}

async function remove(what: string, command: readonly string[], names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  const { code, stderr } = await tryDocker(...command, ...names);
  if (code !== 0) throw new Error(`${what} of the stack are left: ${stderr.trim()}`);
}
