import { until } from "../../lib/until";
import {
  configurationPath,
  controlCommand,
  currentRelease,
  livePlace,
  mainFile,
  volumeFolder,
} from "../../model/layout";
import { docker, inspectContainers, lastLogLines, tryDocker } from "../docker";
import type { Log } from "../runtime/runtime";
import { BalancerShell } from "../runtime/shell";
import { nginxSeconds } from "./context";

/**
 * Starts a balancer. The engine makes it without starting it, and on a network of its own on which Docker publishes no port:
 * so it can start beside its predecessor. A new image that can't run the live configuration is not started.
 */
export async function startBalancer(balancer: string, predecessor: string | undefined): Promise<void> {
  if (predecessor !== undefined) await testImage(balancer, predecessor);
  await docker("start", balancer);
  await untilItAnswers(balancer);
}

/**
 * Takes the predecessors off the network, and with it their port, puts the balancer there, and ends them. All that lies
 * between the last answer of one and the first of the other is their leaving and joining: nothing is done in between that
 * can be done before or after.
 */
export async function takePlace(
  { balancer, network }: { readonly balancer: string; readonly network: string },
  predecessors: readonly string[],
  log: Log,
): Promise<void> {
  const shell = new BalancerShell(balancer);
  const networks = new Map(await Promise.all(predecessors.map(async (id) => [id, await networksOf(id)] as const)));
  try {
    await shell.read("true");
    // As long as a container has another network, Docker keeps its port.
    for (const [id, names] of networks)
      await disconnect(
        id,
        names.filter((name) => name !== network),
      );
    for (const id of predecessors) await disconnect(id, [network]);
    await connect(shell, network, balancer);
  } catch (error) {
    log("putting the previous balancer back");
    await disconnect(balancer, [network]);
    for (const [id, names] of networks) {
      for (const name of names) await tryDocker("network", "connect", name, id);
      await tryDocker("exec", id, "sh", "-c", "kill -HUP 1");
    }
    throw error;
  } finally {
    shell.close();
  }
  if (predecessors.length > 0) await docker("stop", "--time", "0", ...predecessors);
}

/**
 * Has Docker publish the balancer's port again. Its proxy gives up for good when it has no more files for connections, while
 * the container goes on running.
 */
export async function publish(shell: BalancerShell, network: string, balancer: string): Promise<void> {
  await disconnect(balancer, [network]);
  await connect(shell, network, balancer);
}

/**
 * The workers couldn't resolve a name so far: new ones do at once. Not by `docker kill`: any signal of it counts as a stop by
 * hand, after which Docker doesn't start the container when the daemon is restarted.
 */
async function connect(shell: BalancerShell, network: string, balancer: string): Promise<void> {
  await docker("network", "connect", network, balancer);
  await shell.read("kill -HUP 1");
}

/** One that is not on a network, say since an interrupted update, is none the worse for it. */
async function disconnect(container: string, networks: readonly string[]): Promise<void> {
  for (const network of networks) await tryDocker("network", "disconnect", network, container);
}

async function networksOf(container: string): Promise<string[]> {
  const format = "{{range $name, $_ := .NetworkSettings.Networks}}{{println $name}}{{end}}";
  return (await docker("container", "inspect", "--format", format, container)).split("\n").filter(Boolean);
}

/** Has the new image's nginx judge the configuration that the old one runs, in the old one's network and volume. */
async function testImage(balancer: string, predecessor: string): Promise<void> {
  const image = (await docker("container", "inspect", "--format", "{{.Image}}", balancer)).trim();
  const candidates = `${currentRelease}/${mainFile} ${volumeFolder}/${mainFile}`;
  const check = `mkdir -p ${livePlace.folder}; for file in ${candidates}; do [ -f $file ] && exec nginx -t -q -c $file; done`;
  const surroundings = ["--network", `container:${predecessor}`, "--volumes-from", `${predecessor}:ro`];
  const limits = ["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges:true"];
  const { code, stdout, stderr } = await tryDocker("run", "--rm", ...surroundings, ...limits, image, "sh", "-c", check);
  if (code !== 0) {
    throw new Error(
      `The new balancer's image can't run the live configuration:\n${stdout}${stderr}\nThe old balancer goes on serving.`,
    );
  }
}

async function untilItAnswers(balancer: string): Promise<void> {
  const doesNotStart = async () => {
    const state = (await inspectContainers([balancer])).get(balancer);
    const lines = await lastLogLines(balancer, 10);
    return new Error(
      `The balancer does not start (${state?.status ?? "gone"}). Its last log lines:\n${lines.join("\n")}`,
    );
  };
  await until(doesNotStart, nginxSeconds, async () => {
    if ((await tryDocker("exec", balancer, ...controlCommand(livePlace.folder, configurationPath))).code === 0)
      return true;
    if ((await inspectContainers([balancer])).get(balancer)?.status !== "running") throw await doesNotStart();
    return false;
  });
}
