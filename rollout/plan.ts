import { serverLines, withServersOf } from "../nginx/render/config";

/** One reload on the way from the live configuration to the wanted one. */
export interface Step {
  /** What the reload is for, as it appears in the report. */
  readonly name: "together" | "switch" | "reload";
  /** The configuration to install. */
  readonly text: string;
  /** Hosts that must have answered through the balancer before the next step. */
  readonly probe: readonly string[];
  /** Whether to wait until the workers of older configurations are gone: they still use servers that are about to stop. */
  readonly drain: boolean;
}

/** How a configuration is brought in without losing a request. */
export interface ChangePlan {
  /** Hosts in the wanted configuration that are not in the live one. */
  readonly added: readonly string[];
  /** Hosts in the live configuration that are not in the wanted one. */
  readonly removed: readonly string[];
  readonly steps: readonly Step[];
}

/**
 * Plans the reloads between two rendered configurations.
 *
 * Workers know no address of a new server for some milliseconds after a reload. So a set that changes on both sides goes
 * through a configuration with old and new servers together; the new ones are alone only once they have answered.
 */
export function planChange(live: string, wanted: string): ChangePlan {
  const old = serverLines(live);
  const own = serverLines(wanted);
  const added = [...own.keys()].filter((host) => !old.has(host));
  const removed = [...old.keys()].filter((host) => !own.has(host));
  if (live === wanted) return { added, removed, steps: [] };
  const together: Step = { name: "together", text: withServersOf(wanted, live), probe: added, drain: false };
  const final: Step = {
    name: added.length + removed.length > 0 ? "switch" : "reload",
    text: wanted,
    probe: removed.length > 0 ? [] : added,
    drain: removed.length > 0,
  };
  return { added, removed, steps: added.length > 0 && removed.length > 0 ? [together, final] : [final] };
}
