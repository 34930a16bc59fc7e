import type { RoutePolicy } from "../../../model/policies";
import type { Topology } from "../../../model/topology";
import { clientFor } from "../headers";
import type { RouteLines } from "./index";

/** For the http block: whether a client is one of those that are served all the same. */
export function renderMaintenance({ maintenance, proxy }: Pick<Topology, "maintenance" | "proxy">): string {
  if (maintenance === undefined) return "";
  const allowed = maintenance.allow.map((network) => `    ${network} "";\n`).join("");
  return `  # Who is served all the same where a site is in maintenance: nobody but those with an empty value.
  geo ${clientFor(proxy)} $in_maintenance {
    default 1;
${allowed}  }
`;
}

export function maintenanceLines({ isInMaintenance }: RoutePolicy): RouteLines {
  return isInMaintenance === true
    ? { asked: "if ($in_maintenance) {\n  rewrite ^ /.balancer/maintenance last;\n}\n" }
    : {};
}
