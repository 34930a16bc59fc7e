import { tryDocker } from "../docker";
import type { Log } from "../runtime/runtime";

/**
 * Most processes and threads that a container may have: one that starts them without end takes none from the others. The
 * provider can't ask for it. Docker keeps it when it starts the container again.
 */
export const processLimit = 4096;

/** Those of the containers that have no such limit, or another one. */
export async function withoutLimit(ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return [];
  // One that is gone is left out.
  const { stdout } = await tryDocker(
    "container",
    "inspect",
    "--format",
    "{{.Id}} {{json .HostConfig.PidsLimit}}",
    ...ids,
  );
  const rows = stdout.split("\n").map((row) => row.split(" "));
  return rows.flatMap(([id = "", limit]) => (id === "" || limit === String(processLimit) ? [] : id));
}

/** Sets the limit, on containers that run or don't. An engine that can't, as a rootless one without cgroups, is none the worse for it. */
export async function limitProcesses(ids: readonly string[], log: Log): Promise<void> {
  const { code, stderr } = await tryDocker("update", "--pids-limit", String(processLimit), ...ids);
  if (code !== 0) log(`Processes are not limited: ${stderr.trim()}`);
}
