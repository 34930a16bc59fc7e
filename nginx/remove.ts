import { labels } from "../components/labels";
import { BalancerShell } from "./balancer-shell";
import { docker, tryDocker } from "./docker";
import { imagesOf } from "./images";

/**
 * A destroy, all of it: nginx refuses new connections, finishes what it has and ends; then the backends end, all at once; then
 * everything goes that carries the stack's label, whoever made it. What is gone already is none the worse for it.
 */
async function main(): Promise<void> {
  const { STACK_LABEL: stackLabel, IMAGE_PREFIX: imagePrefix, DRAIN_SECONDS: drainSeconds } = process.env;
  if (stackLabel === undefined || imagePrefix === undefined || drainSeconds === undefined) {
    throw new Error(
      "STACK_LABEL, IMAGE_PREFIX and DRAIN_SECONDS are not set: this script is run by the program, not by hand.",
    );
  }
  const ofStack = ["--filter", `label=${stackLabel}`];
  const ofRole = (role: string, ...options: string[]) =>
    listed("ps", "--quiet", ...options, ...ofStack, "--filter", `label=${labels.role}=${role}`);
  const [running, balancers, backends, networks, volumes, images] = await Promise.all([
    ofRole("balancer"),
    ofRole("balancer", "--all"),
    ofRole("backend", "--all"),
    listed("network", "ls", ...ofStack, "--format", "{{.ID}} {{.Internal}}"),
    listed("volume", "ls", "--quiet", ...ofStack),
    imagesOf(imagePrefix),
  ]);

  const endContainers = async (containers: readonly string[]) => {
    if (containers.length > 0) await tryDocker("stop", "--time", drainSeconds, ...containers);
    await remove("containers", ["rm", "--force", "--volumes"], containers);
  };
  /** Each by a command of its own: the client takes one after the other. */
  const removeNetworks = (internal: boolean) =>
    Promise.all(
      networks
        .map((row) => row.split(" "))
        .filter(([, isInternal]) => isInternal === String(internal))
        .map(([id = ""]) => remove("networks", ["network", "rm"], [id])),
    );

  const shells = await Promise.all(running.map(openShell));
  // Internal are the networks that balancers start on.
  const withoutBalancers = endContainers(balancers).then(() => removeNetworks(true));
  // Docker takes apart what nginx leaves behind for longer than nginx takes to end, which the shell knows at once.
  await Promise.race([withoutBalancers, Promise.all(shells.flatMap((shell) => shell?.ended ?? []))]);
  await Promise.all([withoutBalancers, endContainers(backends)]);
  await Promise.all([
    removeNetworks(false),
    remove("volumes", ["volume", "rm"], volumes),
    remove(
      "images",
      ["rmi"],
      images.map(({ tag }) => tag),
    ),
  ]);
}

async function listed(...command: string[]): Promise<string[]> {
  return (await docker(...command)).split("\n").filter(Boolean);
}

async function remove(what: string, command: readonly string[], names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  const { code, stderr } = await tryDocker(...command, ...names);
  if (code !== 0) throw new Error(`${what} of the stack are left: ${stderr.trim()}`);
}

/** A shell in the container, which ends when the container's first process does; none where it takes none. */
async function openShell(container: string): Promise<BalancerShell | undefined> {
  const shell = new BalancerShell(container);
  return shell.run("true").then(
    () => shell,
    () => undefined,
  );
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
