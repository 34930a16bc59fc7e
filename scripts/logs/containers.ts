import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { isForRequests, type LogFilter, type TextLine } from "../../model/log";
import type { ObservedContainer } from "../../rollout/observed";

/** Whether a container's lines may be wanted. */
export function isSource({ role, app, alias }: ObservedContainer, filter: LogFilter): boolean {
  if (role !== "balancer" && role !== "backend") return false;
  if (isForRequests(filter)) return false;
  if (filter.only !== undefined && filter.only !== (role === "backend" ? "backends" : "nginx")) return false;
  return [
    [filter.app, app],
    [filter.backend, alias],
  ].every(([wanted, own]) => wanted === undefined || wanted === own);
}

export interface PrintedOptions {
  readonly follow: boolean;
  /** In ISO 8601. Default: from the begin. */
  readonly since?: string | undefined;
  /** Lines that are there already. Default: all. */
  readonly tail?: number | undefined;
  /** Docker's time of the last line that was read, by container; it goes on after it. */
  readonly last: Map<string, string>;
  readonly signal: AbortSignal;
}

/** Reads what a container prints; ends with it, or with what there is. */
export async function readPrinted(
  { id, role, app, alias }: ObservedContainer,
  { follow, since, tail, last, signal }: PrintedOptions,
  take: (line: TextLine) => void,
): Promise<void> {
  const before = last.get(id) ?? "";
  const from = before === "" ? since : before;
  const args = [
    ...["logs", "--timestamps", ...(follow ? ["--follow"] : [])],
    ...(from === undefined ? [] : ["--since", from]),
    ...(tail === undefined ? [] : ["--tail", String(tail)]),
  ];
  const child = spawn("docker", [...args, id], { stdio: ["ignore", "pipe", "pipe"], detached: true, signal });
  const kind = role === "balancer" ? ("nginx" as const) : ("backend" as const);
  for (const input of [child.stdout, child.stderr])
    createInterface({ input }).on("line", (line) => {
      // Docker's own words have no time.
      const { time = "", text = "" } = /^(?<time>\d{4}-\S+) (?<text>.*)$/s.exec(line)?.groups ?? {};
      if (time === "" || time <= before) return;
      if (time > (last.get(id) ?? "")) last.set(id, time);
      take({ kind, time: new Date(time).toISOString(), app, backend: alias, text });
    });
  await new Promise((resolve) => child.on("close", resolve).on("error", resolve));
}
