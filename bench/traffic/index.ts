import type { Part } from "../part";
import { entryPart } from "./entry";
import { latencyPart } from "./latency";
import { policiesPart } from "./policies";
import { watchedPart } from "./watched";
import { poolPart, spreadPart } from "./pool";
import { flaskPart, staticPart } from "./throughput";
import { sitesPart } from "./sites";
import { tlsPart } from "./tls";

/** What is measured of the traffic, in the order in which it runs. */
export const trafficParts: readonly Part[] = [
  staticPart,
  policiesPart,
  watchedPart,
  tlsPart,
  latencyPart,
  entryPart,
  flaskPart,
  spreadPart,
  poolPart,
  sitesPart,
];
