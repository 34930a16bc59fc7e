import { setTimeout as pause } from "node:timers/promises";
import { labels } from "../model/labels";
import { BalancerShell } from "./balancer-shell";
import { docker, inspectContainers, lastLogLines, tryDocker } from "./docker";
import { acceptsConnections } from "./public-address";
import { live, liveFolder, nginxSeconds, pollMilliseconds, type Log, type Target } from "./target";

/**
 * Sees to it that the target's balancer is the one that serves. The engine makes it without starting it, and on a network
 * of its own on which Docker publishes no port. So it can start beside its predecessor, and all that lies between the
 * predecessor's last answer and its own first one is the one's leaving of the backends' network and the other's joining.
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
  if (!(await isConnected(target))) await takePlace(target, predecessors, log);
  else if (!(await acceptsConnections(target.url, target.balancer))) await publish(target, log);
  if (predecessors.length > 0) await docker("stop", "--time", "0", ...predecessors);
}

/**
 * Takes the predecessors off the network, and with it their port, and puts the balancer there. Nothing is done in between
 * that can be done before or after.
 */
async function takePlace(target: Target, predecessors: readonly string[], log: Log): Promise<void> {
  const shell = new BalancerShell(target.balancer);
  const networks = new Map(await Promise.all(predecessors.map(async (id) => [id, await networksOf(id)] as const)));
  try {
    await shell.read("true");
    // As long as a container has another network, Docker keeps its port.
    for (const [id, names] of networks)
      await disconnect(
        id,
        names.filter((name) => name !== target.network),
      );
    for (const id of predecessors) await disconnect(id, [target.network]);
    await docker("network", "connect", target.network, target.balancer);
    // The workers couldn't resolve a name so far: new ones do at once. Not by `docker kill`: any signal of it counts as
    // a stop by hand, after which Docker doesn't start the container when the daemon is restarted.
    await shell.read("kill -HUP 1");
  } catch (error) {
    log("putting the previous balancer back");
    await disconnect(target.balancer, [target.network]);
    for (const [id, names] of networks) {
      for (const name of names) await tryDocker("network", "connect", name, id);
      await tryDocker("exec", id, "sh", "-c", "kill -HUP 1");
    }
    throw error;
  } finally {
    shell.close();
  }
}

/**
 * Has Docker publish the port again. Its proxy gives up for good when it has no more files for connections, or is killed,
 * while the container goes on running.
 */
async function publish(target: Target, log: Log): Promise<void> {
  log(`nothing accepts connections at ${target.url}: publishing the port again`);
  await disconnect(target.balancer, [target.network]);
  await docker("network", "connect", target.network, target.balancer);
  await docker("exec", target.balancer, "sh", "-c", "kill -HUP 1");
}

/** One that is not on a network, say since an interrupted update, is none the worse for it. */
async function disconnect(container: string, networks: readonly string[]): Promise<void> {
  for (const network of networks) await tryDocker("network", "disconnect", network, container);
}

async function isConnected(target: Target): Promise<boolean> {
  return (await networksOf(target.balancer)).includes(target.network);
}

async function networksOf(container: string): Promise<string[]> {
  const format = "{{range $name, $_ := .NetworkSettings.Networks}}{{println $name}}{{end}}";
  return (await docker("container", "inspect", "--format", format, container)).split("\n").filter(Boolean);
}

async function runningBalancers(target: Target): Promise<string[]> {
  const filters = ["--filter", `label=${target.stackLabel}`, "--filter", `label=${labels.role}=balancer`];
  return (await docker("ps", "--quiet", "--no-trunc", ...filters)).split("\n").filter(Boolean);
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
