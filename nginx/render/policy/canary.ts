import { canaryLog } from "../../../model/layout";
import type { Topology } from "../../../model/topology";

/** For the http block: what is told of each attempt to have a request answered whose backends are judged. */
export function renderCanary({ canary }: Pick<Topology, "canary">): string {
  if (canary === undefined) return "";
  return `  # Of ${canary.app}, new backends are judged against the old ones.
  log_format canary '$upstream_addr|$upstream_status|$upstream_response_time';
  map $upstream $is_judged {
    ${canary.upstream} 1;
    default "";
  }
`;
}

/**
 * In each site's server block.
 *
 * @param usual what is logged there otherwise: nginx forgets what is said above where something is said below
 */
export function renderCanaryLog({ canary }: Pick<Topology, "canary">, usual: string): string {
  return canary === undefined ? "" : `${usual}access_log ${canaryLog} canary if=$is_judged;\n`;
}
