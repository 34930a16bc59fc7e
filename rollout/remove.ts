import { labels } from "../model/labels";
import { BalancerShell } from "./balancer-shell";
import { docker, tryDocker } from "./docker";

/**
 * The first step of a destroy: nginx refuses new connections, finishes what it has and ends; then the backends end, all
 * at once. The engine removes the containers afterwards.
 */
async function main(): Promise<void> {
  const { BALANCER: balancer, STACK_LABEL: stackLabel, DRAIN_SECONDS: drainSeconds } = process.env;
  if (balancer === undefined || stackLabel === undefined || drainSeconds === undefined) {
    throw new Error(
      "BALANCER, STACK_LABEL and DRAIN_SECONDS are not set: this script is run by the program, not by hand.",
    );
  }
  const ofStack = ["--filter", `label=${stackLabel}`];
  const [shell, backends, networks] = await Promise.all([
    openShell(balancer),
    listed("ps", "--quiet", ...ofStack, "--filter", `label=${labels.role}=backend`),
    listed("network", "ls", ...ofStack, "--format", "{{.ID}} {{.Internal}}"),
  ]);
  // One that was removed by hand has nothing left to finish.
  const stopped = tryDocker("stop", "--time", drainSeconds, balancer);
  // Docker takes apart what nginx leaves behind for longer than nginx takes to end, which the shell knows at once.
  await (shell?.ended ?? stopped);
  const startingPlaces = networks.filter((row) => row.endsWith(" true")).map((row) => row.replace(" true", ""));
  await Promise.all([
    stopped,
    backends.length > 0 && docker("stop", "--time", drainSeconds, ...backends),
    // Balancers have left it. Where one is still there, the last step of the destroy removes it.
    startingPlaces.length > 0 && tryDocker("network", "rm", ...startingPlaces),
  ]);
}

async function listed(...command: string[]): Promise<string[]> {
  return (await docker(...command)).split("\n").filter(Boolean);
}

/** A shell in the container, which ends when the container's first process does; none where the container doesn't run. */
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
