import { parseDirectives } from "../../../model/directives";
import type { RoutePolicy } from "../../../model/policies";
import { routesOf, type Topology } from "../../../model/topology";
import { isDecidedByUser, renderUnspooled } from "../spool";
import { accessLines, renderAccess } from "./access";
import { cacheLines } from "./cache";
import { compressionLines } from "./compression";
import { headerLines } from "./headers";
import { limitLines, renderLimits } from "./limits";
import { locationLines } from "./locations";
import { maintenanceLines } from "./maintenance";
import { pauseLines } from "./pause";

/** What policies' lines depend on. */
export type Policed = Pick<Topology, "sites" | "directives" | "proxy" | "pages" | "maintenance" | "pause">;

/** The lines that a policy contributes for the requests of one route. */
export interface RouteLines {
  /** In the location that clients ask for. */
  readonly asked?: string;
  /** There, and where requests are handed on. */
  readonly both?: string;
  /** Where requests are handed on. */
  readonly handOn?: string;
  /** The same where answers come piece by piece. Default: the same lines. */
  readonly live?: string;
  /** Whether requests are handed on in the location that clients ask for: nothing of their answers is spooled. */
  readonly isDirect?: boolean;
  /** Whether nothing of answers is spooled, for nginx counts shares of the spool as it counts connections, once a request. */
  readonly isUnspooled?: boolean;
  /** Whether requests wait before they are handed on. */
  readonly isHeld?: boolean;
}

/** A way in which requests are handed on. */
export interface Handing {
  /** End of the names of its locations; empty for the usual one. */
  readonly suffix: string;
  readonly lines: string;
  readonly live: string;
  readonly isDirect: boolean;
}

export const usualHanding: Handing = { suffix: "", lines: "", live: "", isDirect: false };

function linesOf(policy: RoutePolicy, topology: Policed): Omit<Handing, "suffix"> & Omit<Meeting, "handing"> {
  const parts: RouteLines[] = [
    limitLines(policy, topology),
    headerLines(policy, topology),
    accessLines(policy, topology),
    locationLines(policy, topology),
    compressionLines(policy),
    cacheLines(policy),
    maintenanceLines(policy),
    pauseLines(policy),
  ];
  const isDirect =
    parts.some((part) => part.isDirect === true) || isDecidedByUser(parseDirectives(topology.directives));
  const both = parts.map((part) => part.both ?? "").join("");
  return {
    asked: (isDirect ? "" : both) + parts.map(({ asked = "" }) => asked).join(""),
    lines: both + parts.map(({ handOn = "" }) => handOn).join(""),
    live: both + parts.map(({ handOn = "", live = handOn }) => live).join(""),
    isDirect,
    isUnspooled: parts.some((part) => part.isUnspooled === true),
    isHeld: parts.some((part) => part.isHeld === true),
  };
}

/** Each policy of some route once: most of many sites' routes have one of a few. */
function policiesIn(topology: Policed): RoutePolicy[] {
  const policies = routesOf(topology).flatMap(({ policy }) => policy ?? []);
  return [...new Map(policies.map((policy) => [JSON.stringify(policy), policy])).values()];
}

/** The ways in which a topology's requests are handed on besides the usual one. */
export function handingsOf(topology: Policed): Handing[] {
  const keys = policiesIn(topology).flatMap((policy) => {
    const { lines, live, isDirect } = linesOf(policy, topology);
    return lines === "" && live === "" ? [] : JSON.stringify({ lines, live, isDirect });
  });
  return [...new Set(keys)].map((key, at) => ({
    suffix: `_${at + 1}`,
    ...(JSON.parse(key) as Omit<Handing, "suffix">),
  }));
}

/** What the requests of a route meet where clients ask for it, and how they are handed on. */
export interface Meeting {
  readonly asked: string;
  readonly isUnspooled: boolean;
  readonly isHeld: boolean;
  readonly handing: Handing;
}

/** @param handings those of {@link handingsOf} */
export function meeting(policy: RoutePolicy | undefined, topology: Policed, handings: readonly Handing[]): Meeting {
  if (policy === undefined) return { asked: "", isUnspooled: false, isHeld: false, handing: usualHanding };
  const { asked, isUnspooled, isHeld, lines, live, isDirect } = linesOf(policy, topology);
  const own = handings.find((one) => one.lines === lines && one.live === live && one.isDirect === isDirect);
  return { asked, isUnspooled, isHeld, handing: own ?? usualHanding };
}

/** Whether there are routes whose answers aren't spooled. */
export function isUnspooled(topology: Policed): boolean {
  return policiesIn(topology).some((policy) => linesOf(policy, topology).isUnspooled);
}

/** For the http block: what policies share between requests. */
export function renderPolicies(topology: Policed, handing: string, id: string): string {
  return (isUnspooled(topology) ? renderUnspooled(handing) : "") + renderLimits(topology) + renderAccess(topology, id);
}
