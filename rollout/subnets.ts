import { UserError } from "../lib/errors";
import { labels } from "../model/labels";
import { countFree, dealSubnets, dockersPools, type AddressPool, type TakenNetwork } from "../model/subnets";
import { docker } from "./docker";
import type { ObservedContainer } from "./observed";

/**
 * The addresses of the apps' networks.
 *
 * @param stack value of the stack's label
 * @param apps names of those that have backends
 * @param pool where they are taken from; empty for Docker's own pools
 * @param containers the stack's of now
 * @param others roles of those that have another network
 * @returns networks by app; none where Docker chooses
 * @throws UserError where there are too few
 */
export async function subnetsOf(
  stack: string,
  apps: readonly string[],
  pool: string,
  containers: readonly Pick<ObservedContainer, "app" | "network" | "role">[],
  others: readonly string[] = ["entry"],
): Promise<ReadonlyMap<string, string>> {
  if (pool !== "") return dealSubnets(pool, apps, await readNetworks(stack));
  const own = new Set(containers.flatMap(({ app, network }) => (network === "" ? [] : app)));
  const lacking = apps.filter((app) => !own.has(app)).length;
  if (lacking === 0) return new Map();
  const [taken, pools] = await Promise.all([
    readNetworks(stack),
    docker("info", "--format", "{{json .DefaultAddressPools}}"),
  ]);
  const free = countFree((JSON.parse(pools) as AddressPool[] | null) ?? dockersPools, taken);
  const needed = lacking + others.filter((other) => !containers.some(({ role }) => role === other)).length;
  if (needed > free)
    throw new UserError(
      `apps: each has a network of its own, of which ${needed} are to be made, and Docker's pools have addresses for ${free} more. ` +
        "Another pool has more: npx pulumi config set subnets 10.83.0.0/16",
    );
  return new Map();
}

/** All networks that Docker has; those of the stack's apps with their app. */
async function readNetworks(stack: string): Promise<TakenNetwork[]> {
  const ids = (await docker("network", "ls", "--quiet")).split("\n").filter(Boolean);
  const format = "{{json .IPAM.Config}}\t{{json .Labels}}";
  const rows = (await docker("network", "inspect", "--format", format, ...ids)).split("\n").filter(Boolean);
  return rows.map((row) => {
    const [config, own] = row.split("\t").map((text) => JSON.parse(text) as unknown);
    const found = (own ?? {}) as Readonly<Record<string, string>>;
    return {
      subnets: ((config ?? []) as { Subnet?: string }[]).flatMap(({ Subnet }) => Subnet ?? []),
      app: found[labels.stack] === stack ? found[labels.app] : undefined,
    };
  });
}
