import { lastWords, type Run } from "../../lib/process";
import { SetupError } from "./error";
import type { StepContext } from "./step";

/** Whether Debian packages can be installed here: by root, with apt-get. */
export async function canInstallPackages(run: Run): Promise<boolean> {
  return process.getuid?.() === 0 && (await run("apt-get", ["--version"])).outcome === "succeeded";
}

/** Installs Debian packages. Needs root. */
export async function installPackages(names: readonly string[], run: Run, context: StepContext): Promise<void> {
  const { note, status, signal } = context;
  const list = names.join(" ");
  note(`installing ${list} with apt-get`);
  const options = { env: { DEBIAN_FRONTEND: "noninteractive" }, signal, onLine: status };
  // An update that fails for one of several sources is no reason to stop: the installation tells.
  await run("apt-get", ["update", "-q"], options);
  const args = ["-y", "-q", "-o", "DPkg::Lock::Timeout=120", "--no-install-recommends", ...names];
  const result = await run("apt-get", ["install", ...args], options);
  if (result.outcome !== "succeeded") {
    throw new SetupError(
      `apt-get install ${list} failed:\n${lastWords(result)}`,
      `see its words above, and try: apt-get update && apt-get install ${list}`,
    );
  }
}
