import { docker } from "../../../rollout/docker";
import type { Reporter } from "../../../scripts/setup/step";
import { streamReporter } from "../../../scripts/setup/terminal";
import { SecondEngine } from "./second-engine";
import { Ward } from "./ward";

/** Has work done in a stack that is made for it, and removed in any case; tells of its progress on standard error. */
export async function withWard<T>(work: (ward: Ward, reporter: Reporter) => Promise<T>): Promise<T> {
  const reporter = streamReporter(process.stderr);
  let ward: Ward | undefined;
  try {
    reporter.begin("stack");
    reporter.status("comes up");
    ward = await Ward.create(SecondEngine.here());
    return await work(ward, reporter);
  } finally {
    reporter.begin("stack");
    reporter.status("is removed");
    await ward?.remove();
    reporter.close();
  }
}

/** The version of Docker's engine. */
export async function engineVersion(): Promise<string> {
  return (await docker("version", "--format", "{{.Server.Version}}")).trim();
}
