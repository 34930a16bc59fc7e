import { canaryOrder, lockFile } from "../model/layout";
import { balancerOf, listContainers } from "../rollout/containers";
import { docker, tryDocker } from "../rollout/docker";
import { lookInside } from "../rollout/observe";
import { parseOptions, UserError } from "./cli";
import { stackLabelOf } from "./status";

/**
 * Tells the update that runs a canary what to do with it.
 *
 * @param what for people
 * @throws UserError where no canary is under way
 */
export async function orderCanary(order: "promote" | "abort", what: string, args: string[]): Promise<void> {
  const help = `Usage: npm run ${order} [-- --stack NAME]

${what}
The update that runs it says how that went.

  --stack NAME   the stack, default dev

Exit code 1 when no canary is under way.
`;
  const { stack = "dev" } = parseOptions(args, { stack: { type: "string" } }, help);
  const balancer = balancerOf(await listContainers(stackLabelOf(stack)));
  const { volume } = await lookInside(balancer);
  const { canary } = volume.release ?? {};
  if (balancer?.state !== "running" || canary === undefined)
    throw new UserError(`No canary is under way in stack ${stack}.`);
  const { code } = await tryDocker("exec", balancer.id, "flock", "--nonblock", lockFile, "true");
  if (code === 0)
    throw new UserError(
      `The update that ran the canary of ${canary.app} has ended: \`pulumi up\` takes it back, and begins anew.`,
    );
  await docker("exec", balancer.id, "sh", "-c", `echo ${order} > ${canaryOrder}`);
  process.stdout.write(`The canary of ${canary.app}, at ${canary.share} %, is told to ${order}.\n`);
}
