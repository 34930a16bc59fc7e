import { backendFaults } from "./backend";
import { balancerFaults } from "./balancer";
import { engineFaults } from "./engine";
import type { Fault } from "./fault";
import { hostFaults } from "./host";
import { clockFaults } from "./clock";
import { scarcityFaults } from "./scarcity";

/** All faults, in the order of the page. */
export const faults: readonly Fault[] = [
  ...balancerFaults,
  ...backendFaults,
  ...engineFaults,
  ...hostFaults,
  ...scarcityFaults,
  ...clockFaults,
];
