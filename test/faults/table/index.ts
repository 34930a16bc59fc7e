import { backendFaults } from "./backend";
import { balancerFaults } from "./balancer";
import { engineFaults } from "./engine";
import type { Fault } from "./fault";

/** All faults, in the order of the page. */
export const faults: readonly Fault[] = [...balancerFaults, ...backendFaults, ...engineFaults];
