import { failureOf } from "../../lib/errors";
import { removeRest, removeServing } from "../destroy";

// What the steps of a destroy get from the state of stacks that were made before rollout/cli.ts: their variables, by name.

/** The stack's label, KEY=VALUE in these states. */
const stackOf = (label: string) => label.slice(label.indexOf("=") + 1);

/** The first step, with BALANCER; the last one, without. */
async function main({ BALANCER, STACK_LABEL, DRAIN_SECONDS }: NodeJS.ProcessEnv): Promise<void> {
  if (STACK_LABEL === undefined) throw new Error("STACK_LABEL is not set: this is run by the engine, not by hand.");
  if (BALANCER === undefined) await removeRest(stackOf(STACK_LABEL));
  else {
    const destination = { balancer: BALANCER, stack: stackOf(STACK_LABEL), owners: [], entries: [] };
    await removeServing(destination, Number(DRAIN_SECONDS));
  }
}

main(process.env).catch((error: unknown) => {
  const { text, exitCode } = failureOf(error);
  process.stderr.write(`${text}\n`);
  process.exitCode = exitCode;
});
