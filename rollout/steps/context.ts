import type { Wanted } from "../plan";
import type { Log } from "../runtime/runtime";
import type { BalancerShell } from "../runtime/shell";

/** What the steps inside the balancer work with. */
export interface Context {
  readonly shell: BalancerShell;
  readonly wanted: Wanted;
  readonly log: Log;
}

/** How long nginx may take for things that take it milliseconds, in seconds. */
export const nginxSeconds = 20;

/** How often a container may end and be restarted before it counts as broken. */
export const restartsAllowed = 2;

export function indent(text: string): string {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => `  | ${line}`)
    .join("\n");
}
