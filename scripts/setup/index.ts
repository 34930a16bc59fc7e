import { run } from "../../lib/process";
import { Interrupted } from "./error";
import { assertDone, runSteps } from "./step";
import type { Step } from "./step";
import { baseImagesStep } from "./steps/base-images";
import { dockerStep } from "./steps/docker";
import { npxStep } from "./steps/npx";
import { engineStep, pluginStep } from "./steps/program";
import { stackStep } from "./steps/stack";
import { formatSeconds, streamReporter } from "./terminal";

export { Interrupted, SetupError } from "./error";
export { pulumiBinary, pulumiEnv } from "./project";

/** What set-up sees to after the npm packages, in this order: later steps rest on earlier ones. */
function allSteps(): Step[] {
  return [
    npxStep(),
    dockerStep(run),
    engineStep(run),
    pluginStep("docker", run),
    pluginStep("command", run),
    baseImagesStep(run),
    stackStep(run),
  ];
}

/**
 * Sees to all that the project needs on this machine and says on standard error what it did. With nothing to do it takes
 * some tenths of a second.
 *
 * Throws a `SetupError` that names cause and remedy, or `Interrupted` after Ctrl-C; both have an `exitCode`.
 *
 * @param quiet says nothing when there was nothing to do; default false
 * @param install whether it may change anything; default true. Else a `SetupError` names what is missing
 */
export async function runSetup({ quiet = false, install = true } = {}): Promise<void> {
  if (!install) {
    await assertDone(allSteps());
    if (!quiet) process.stderr.write("Set-up: nothing is missing\n");
    return;
  }
  const started = performance.now();
  const interruption = new AbortController();
  const interrupt = () => interruption.abort(new Interrupted());
  process.on("SIGINT", interrupt).on("SIGTERM", interrupt);
  const reporter = streamReporter(process.stderr);
  try {
    const count = await runSteps(allSteps(), reporter, interruption.signal);
    interruption.signal.throwIfAborted();
    if (count === 0 && quiet) return;
    const took = formatSeconds((performance.now() - started) / 1000);
    process.stderr.write(count === 0 ? `Set-up: nothing to do (${took})\n` : `Set-up: complete (${took})\n`);
  } finally {
    reporter.close();
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
  }
}
