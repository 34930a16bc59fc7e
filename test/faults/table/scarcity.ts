import type { Fault } from "./fault";

export const scarcityFaults: readonly Fault[] = [];
