import { docker } from "./docker";

/** What an engine tells of itself, as far as it decides whether nginx can take its socket from another container. */
export interface Engine {
  readonly os: string;
  /** Name of what runs containers unless they say otherwise. */
  readonly runtime: string;
  readonly volumeDrivers: readonly string[];
}

/** Runtimes with a kernel for each container: no socket goes from one to another. */
const ownKernels = /^(runsc|gvisor|kata)/;

/**
 * Fails where nginx could not take its socket from the entry.
 *
 * @throws Error that names what the engine has, and what is needed
 */
export async function assertHandsOver(): Promise<void> {
  const [os = "", runtime = "", ...drivers] = (
    await docker("info", "--format", "{{.OSType}} {{.DefaultRuntime}}{{range .Plugins.Volume}} {{.}}{{end}}")
  )
    .trim()
    .split(" ");
  const problem = problemOf({ os, runtime, volumeDrivers: drivers });
  if (problem !== undefined)
    throw new Error(
      `The Docker engine ${problem}. nginx takes the published port's socket from another container, over a volume. ` +
        "Nothing has been changed.",
    );
}

/** Why an engine can't do it; undefined where it can. */
export function problemOf({ os, runtime, volumeDrivers }: Engine): string | undefined {
  if (os !== "linux") return `runs containers of ${os}, expected linux`;
  if (ownKernels.test(runtime))
    return `has ${runtime} for its default runtime, expected one whose containers share a kernel (runc)`;
  if (!volumeDrivers.includes("local")) return `has no volume driver local, only ${volumeDrivers.join(", ") || "none"}`;
  return undefined;
}
