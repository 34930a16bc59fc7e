import type { Part } from "../part";
import { latencyPart } from "./latency";
import { poolPart, spreadPart } from "./pool";
import { flaskPart, staticPart } from "./throughput";

/** What is measured of the traffic, in the order in which it runs. */
export const trafficParts: readonly Part[] = [staticPart, latencyPart, flaskPart, spreadPart, poolPart];
