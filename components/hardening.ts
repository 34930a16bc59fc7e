import type * as docker from "@pulumi/docker";
import { hashValue } from "../lib/tree-hash";

/**
 * What every container of the stack has in common: the restrictions of section 5 of the CIS Docker Benchmark that the
 * provider can express (a limit of processes comes with the rollout, see rollout/steps/processes.ts), a bound on its log, and a restart after a crash or a reboot.
 *
 * @param memoryMb limit in MiB, swap included
 * @param group containers of one group may hand sockets to each other where SELinux is on: its level is made of this text.
 *   Default: each container has a level of its own
 */
export function hardened(memoryMb: number, group?: string) {
  return {
    readOnly: true,
    capabilities: { drops: ["ALL"] },
    securityOpts: ["no-new-privileges:true", ...(group === undefined ? [] : [`label=level:${levelOf(group)}`])],
    memory: memoryMb,
    memorySwap: memoryMb,
    // With `unless-stopped`, Docker 20.10 leaves containers down that it finds ended after its own crash: it takes them for
    // stopped by hand. So one that really was comes back when Docker is started again.
    restart: "always",
    logDriver: "json-file",
    logOpts: { "max-size": "10m", "max-file": "3" },
    // One that was stopped by hand is shown and started again by `pulumi up --refresh`.
    mustRun: true,
  } satisfies Partial<docker.ContainerArgs>;
}

/** Two of SELinux' 1024 categories. Without SELinux, Docker takes no notice of a level. */
function levelOf(group: string): string {
  const number = parseInt(hashValue(group), 16);
  return `s0:c${number % 512},c${512 + (Math.floor(number / 512) % 512)}`;
}

/** Properties that the provider reports as updated in place without applying them. */
export const replaceOnChanges = ["healthcheck", "tmpfs"];
