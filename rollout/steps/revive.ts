import { until } from "../../lib/until";
import { livePlace } from "../../model/layout";
import { serversOf } from "../../model/topology";
import { docker } from "../docker";
import type { Operation, Wanted } from "../plan";
import type { Log } from "../runtime/runtime";
import type { BalancerShell } from "../runtime/shell";
import { ask } from "./probe";

/** How long a backend that Docker finds unhealthy may take to answer, before it is restarted, in seconds. */
const answerSeconds = 2;

/**
 * Has a container run again, unless it is a backend that does.
 *
 * @param shell in the balancer, which may be the one that doesn't run
 */
export async function revive(
  { container, how, cause }: Operation & { op: "revive" },
  { destination, release }: Wanted,
  shell: () => Promise<BalancerShell>,
  log: Log,
): Promise<void> {
  // Docker looks at a backend every few seconds: it may serve again without anybody's knowing.
  const servers = serversOf(release.topology).filter(({ name }) => destination.containers[name] === container);
  const answers = async () => (await ask(await shell(), livePlace.folder, servers)).size === 0;
  const serves = async () => until("", answerSeconds, answers).catch(() => false);
  if (how === "restart" && (await serves())) {
    log(`${cause} to Docker, and answers: left alone`);
    return;
  }
  log(`${cause}: ${how}`);
  await docker(how, container);
}
