import { setTimeout as pause } from "node:timers/promises";
import { labels } from "../components/labels";
import { docker, inspectContainers, lastLogLines, tryDocker } from "./docker";
import { live, liveFolder, nginxSeconds, pollMilliseconds, type Log, type Target } from "./target";

/**
 * Sees to it that the target's balancer is the one that serves. The engine makes it without starting it, and on a network
 * of its own on which Docker publishes no port. So it can start beside its predecessor, and all that lies between the
 * predecessor's last answer and its own first one is the predecessor's end and its own joining of the backends' network.
 * A new image that can't run the live configuration never takes the old one's place.
 */
export async function startBalancer(target: Target, log: Log): Promise<void> {
  const running = await runningBalancers(target);
  const predecessors = running.filter((id) => id !== target.balancer);
  if (!running.includes(target.balancer)) {
    if (predecessors[0] !== undefined) await testImage(target, predecessors[0]);
    await docker("start", target.balancer);
  }
  await untilItAnswers(target);
  await end(predecessors);
  if (await isConnected(target)) return;
  try {
    await docker("network", "connect", target.network, target.balancer);
    // The workers couldn't resolve a name so far: new ones do at once. Not by `docker kill`: any signal of it counts as
    // a stop by hand, after which Docker doesn't start the container when the daemon is restarted.
    await docker("exec", target.balancer, "sh", "-c", "kill -HUP 1");
  } catch (error) {
    log("putting the previous balancer back");
    await tryDocker("network", "disconnect", target.network, target.balancer);
    if (predecessors.length > 0) await docker("start", ...predecessors);
    throw error;
  }
}

async function isConnected(target: Target): Promise<boolean> {
  const format = "{{range $name, $_ := .NetworkSettings.Networks}}{{println $name}}{{end}}";
  const networks = await docker("container", "inspect", "--format", format, target.balancer);
  return networks.split("\n").includes(target.network);
}

async function runningBalancers(target: Target): Promise<string[]> {
  const filters = ["--filter", `label=${target.stackLabel}`, "--filter", `label=${labels.role}=balancer`];
  return (await docker("ps", "--quiet", "--no-trunc", ...filters)).split("\n").filter(Boolean);
}

async function end(containers: readonly string[]): Promise<void> {
  if (containers.length > 0) await docker("stop", "--time", "0", ...containers);
}

/** Has the new image's nginx judge the configuration that the old one runs, in the old one's network and volume. */
async function testImage(target: Target, predecessor: string): Promise<void> {
  const image = (await docker("container", "inspect", "--format", "{{.Image}}", target.balancer)).trim();
  const check = `mkdir -p ${liveFolder} && exec nginx -t -q -c ${live}/nginx.conf`;
  const surroundings = ["--network", `container:${predecessor}`, "--volumes-from", `${predecessor}:ro`];
  const limits = ["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges:true"];
  const { code, stdout, stderr } = await tryDocker("run", "--rm", ...surroundings, ...limits, image, "sh", "-c", check);
  if (code !== 0) {
    throw new Error(
      `The new balancer's image can't run the live configuration:\n${stdout}${stderr}\nThe old balancer goes on serving.`,
    );
  }
}

async function untilItAnswers(target: Target): Promise<void> {
  const deadline = Date.now() + nginxSeconds * 1000;
  const ask = [
    "curl",
    "--silent",
    "--output",
    "/dev/null",
    "--unix-socket",
    `${liveFolder}/control.sock`,
    "http://balancer/configuration",
  ];
  for (;;) {
    if ((await tryDocker("exec", target.balancer, ...ask)).code === 0) return;
    const state = (await inspectContainers([target.balancer])).get(target.balancer);
    if (Date.now() > deadline || state?.status !== "running") {
      const lines = await lastLogLines(target.balancer, 10);
      throw new Error(
        `The balancer does not start (${state?.status ?? "gone"}). Its last log lines:\n${lines.join("\n")}`,
      );
    }
    await pause(pollMilliseconds);
  }
}
