import type { BalancerShell } from "../runtime/shell";

/** An nginx worker process as the balancer's container sees it. */
export interface Worker {
  readonly pid: number;
  /** Whether it takes no more connections and ends with the last one that it has. */
  readonly leaving: boolean;
}

/** Lists nginx's workers: the children of process 1. The image may have no `ps`. */
export async function listWorkers(shell: BalancerShell): Promise<Worker[]> {
  return parseWorkers(
    await shell.read(
      `for p in /proc/[0-9]*; do
  { read -r pid name state parent rest <$p/stat && [ "$parent" = 1 ] && echo "$pid $(tr '\\0' ' ' <$p/cmdline)"; } 2>/dev/null
done; true`,
    ),
  );
}

export function parseWorkers(output: string): Worker[] {
  return [...output.matchAll(/^(\d+) nginx: worker process( is shutting down)?\s*$/gm)].map((match) => ({
    pid: Number(match[1]),
    leaving: match[2] !== undefined,
  }));
}

/**
 * Counts the requests that leaving workers still have in flight: their connections to backends, since a leaving worker
 * has closed its idle ones.
 */
export async function countInFlight(
  shell: BalancerShell,
  workers: readonly Worker[],
  listenPort: number,
): Promise<number> {
  const leaving = workers.filter((worker) => worker.leaving);
  if (leaving.length === 0) return 0;
  const files = leaving.map(({ pid }) => `/proc/${pid}/fd`).join(" ");
  return parseInFlight(await shell.read(`ls -l ${files} 2>/dev/null; cat /proc/net/tcp`), listenPort);
}

/** Reads the listing of descriptors followed by `/proc/net/tcp` (Linux' proc_net_tcp.rst: addresses in hex, 01 is established). */
export function parseInFlight(output: string, listenPort: number): number {
  const sockets = new Set([...output.matchAll(/ -> '?socket:\[(\d+)\]/g)].map((match) => match[1]));
  const established = /^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} 01 \S+ \S+ \S+\s+\d+\s+\d+ (\d+)/gm;
  return [...output.matchAll(established)].filter(
    ([, port = "", inode]) => parseInt(port, 16) !== listenPort && sockets.has(inode),
  ).length;
}
