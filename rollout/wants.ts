import { existsSync } from "node:fs";
import { UserError } from "../lib/errors";
import type { Settings } from "../model/settings";
import { docker } from "./docker";

type App = Pick<Settings["apps"][number], "networks" | "volumes" | "cpus">;

/** What Docker's host has of what apps may ask for. */
export interface Supply {
  readonly processors: number;
  /** Names of the networks that a container may be in besides others. */
  readonly networks: readonly string[];
  readonly volumes: readonly string[];
  /** Whether there is something at an absolute path. */
  hasPath(path: string): boolean;
}

/**
 * Fails where apps ask for what Docker's host does not have. Docker itself would find out in the middle of an update, or make an
 * empty volume or folder of a mistyped name.
 *
 * @param isHere whether the host's files are those of this machine: those of another one can't be looked at
 */
export async function assertHas(apps: readonly App[], isHere: boolean): Promise<void> {
  const lines = async (isAsked: (app: App) => boolean, ...command: string[]) =>
    apps.some(isAsked) ? (await docker(...command)).trim().split("\n") : [];
  const [networks, volumes, [processors = ""]] = await Promise.all([
    lines((app) => app.networks.length > 0, "network", "ls", "--format", "{{.Name}} {{.Driver}}"),
    lines((app) => app.volumes.length > 0, "volume", "ls", "--format", "{{.Name}}"),
    lines((app) => app.cpus !== undefined, "info", "--format", "{{.NCPU}}"),
  ]);
  const problems = problemsOfWants(apps, {
    processors: Number(processors),
    networks: networks.flatMap((line) => {
      const [name = "", driver = ""] = line.split(" ");
      return driver === "host" || driver === "null" ? [] : name;
    }),
    volumes,
    hasPath: (path) => !isHere || existsSync(path),
  });
  if (problems.length > 0)
    throw new UserError(["Docker's host lacks what apps ask for:", ...problems.map((line) => `  ${line}`)].join("\n"));
}

/** MiB that nginx takes for each processor: a worker, and another one beside it during a reload. */
const workersMb = 8;
/** MiB that are left for requests then, at the least. */
const requestsMb = 48;
/** What is enough for any host's workers, so that Docker isn't asked. */
const plentyMb = 1024;

/** Fails where nginx's workers, one for each of the processors of Docker's host, would take the memory that requests need. */
export async function assertHasMemory(balancerMemoryMb: number): Promise<void> {
  if (balancerMemoryMb >= plentyMb) return;
  const processors = Number(await docker("info", "--format", "{{.NCPU}}"));
  const least = Math.min(workersMb * processors + requestsMb, plentyMb);
  if (balancerMemoryMb >= least) return;
  const parts = `${workersMb} for each of the ${processors} processors of Docker's host, and ${requestsMb} for requests`;
  throw new UserError(`balancerMemoryMb: got ${balancerMemoryMb}, expected at least ${least}: ${parts}.`);
}

/** A line for each thing that the host does not have. */
export function problemsOfWants(apps: readonly App[], supply: Supply): string[] {
  return apps.flatMap(({ networks, volumes, cpus = 0 }, index) => {
    const problem = (at: string, value: unknown, expected: string) =>
      `apps[${index}].${at}: got ${JSON.stringify(value)}, expected ${expected}`;
    return [
      ...networks.flatMap((name, at) =>
        supply.networks.includes(name)
          ? []
          : problem(`networks[${at}]`, name, "a network that Docker has (docker network ls), other than host and none"),
      ),
      ...volumes.flatMap((volume, at) => {
        const [source = ""] = volume.split(":");
        const isPath = source.startsWith("/");
        if (isPath ? supply.hasPath(source) : supply.volumes.includes(source)) return [];
        const expected = isPath ? "a folder that Docker's host has" : "a volume that Docker has (docker volume ls)";
        return problem(`volumes[${at}]`, volume, expected);
      }),
      ...(cpus > supply.processors
        ? [problem("cpus", cpus, `at most ${supply.processors}, the processors of Docker's host`)]
        : []),
    ];
  });
}
