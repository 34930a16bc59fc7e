import { doorFolder } from "../../model/layout";
import { docker, tryDocker } from "../docker";
import type { Log } from "../runtime/runtime";
import { join, leave, networksOf } from "./networks";
import { untilItServes } from "./start";

/** How long an entry may take to listen, in seconds: it takes it a tenth of one. */
const entrySeconds = 10;

const door = `${doorFolder}/$ENTRY_ID.sock`;

/**
 * Starts an entry and publishes its port. It starts on no network: Docker publishes a port before the container is there, and who
 * connects in between waits for a second. When it listens, what has its port goes off its networks, and with that off the port;
 * it comes back where the port then can't be published.
 *
 * @param network name of the network on which the entry's port is published
 * @param predecessors ids of containers that publish the port, or one that Docker can't publish beside it
 */
export async function openEntry(
  { entry, network, predecessors }: Readonly<{ entry: string; network: string; predecessors: readonly string[] }>,
  log: Log,
): Promise<void> {
  const networks = new Map(await Promise.all(predecessors.map(async (id) => [id, await networksOf(id)] as const)));
  const released: [string, readonly string[]][] = [];
  try {
    await leave(entry, await networksOf(entry));
    await docker("start", entry);
    await untilItServes("entry", entry, entrySeconds, ["sh", "-c", `s6-fdholder-retrieve ${door} listen true`]);
    for (const [id, names] of networks) {
      released.push([id, names]);
      await leave(id, names);
    }
    await join(entry, [network]);
  } catch (error) {
    if (released.length > 0) log("giving the port back to what had it");
    await tryDocker("stop", "--time", "0", entry);
    for (const [id, names] of released) for (const name of names) await tryDocker("network", "connect", name, id);
    throw error;
  }
}

/**
 * Has Docker publish the entry's port again. Its proxy gives up for good when it has no more files for connections, while
 * the container goes on running. The socket stays what it is.
 */
export async function publish(entry: string): Promise<void> {
  const names = await networksOf(entry);
  await leave(entry, names);
  await join(entry, names);
}

/** Lets go of an entry's socket: when the last nginx that has it ends, connections are refused, instead of waiting. */
export async function closeEntry(entry: string): Promise<void> {
  await tryDocker("exec", entry, "sh", "-c", `s6-fdholder-delete ${door} listen`);
}
