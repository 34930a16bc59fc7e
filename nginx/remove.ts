import { labels } from "../components/labels";
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
  // One that was removed by hand has nothing left to finish.
  await tryDocker("stop", "--time", drainSeconds, balancer);
  const filters = ["--filter", `label=${stackLabel}`, "--filter", `label=${labels.role}=backend`];
  const backends = (await docker("ps", "--quiet", ...filters)).split("\n").filter(Boolean);
  if (backends.length > 0) await docker("stop", "--time", drainSeconds, ...backends);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
