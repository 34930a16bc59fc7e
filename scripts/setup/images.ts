import { join } from "node:path";
import type { Run } from "../../lib/process";
import { readIfThere } from "./files";
import { projectRoot } from "./project";

/** Names of the base images: each a setting of the stack. */
export interface BaseImages {
  readonly pythonImage: string;
  readonly nginxImage: string;
  readonly entryImage: string;
  readonly legoImage: string;
  readonly mtailImage: string;
  readonly exporterImage: string;
}

/** One base image: where it comes from, and what takes its place where no registry can be reached. */
export interface BaseImage {
  /** The stack's setting that names it. */
  readonly setting: keyof BaseImages;
  /** What offline/base-images/build.sh calls it. */
  readonly kind: "python" | "nginx" | "debian" | "lego" | "metrics";
  /** The default of the setting. */
  readonly official: string;
  readonly standIn: string;
}

const pythonBaseImage: BaseImage = {
  setting: "pythonImage",
  kind: "python",
  official: "python:3.14-slim",
  standIn: "nginx-load-balancer/base-python:forky",
};

const nginxBaseImage: BaseImage = {
  setting: "nginxImage",
  kind: "nginx",
  official: "nginx:1.30",
  standIn: "nginx-load-balancer/base-nginx:forky-2",
};

const debianBaseImage: BaseImage = {
  setting: "entryImage",
  kind: "debian",
  official: "debian:13-slim",
  standIn: "nginx-load-balancer/base-debian:forky",
};

const legoBaseImage: BaseImage = {
  setting: "legoImage",
  kind: "lego",
  official: "goacme/lego:v4.35.2",
  standIn: "nginx-load-balancer/base-lego:forky",
};

/** One stand-in for both, which has mtail already. */
const metricsStandIn = "nginx-load-balancer/base-metrics:forky";

const mtailBaseImage: BaseImage = {
  setting: "mtailImage",
  kind: "metrics",
  official: debianBaseImage.official,
  standIn: metricsStandIn,
};

const exporterBaseImage: BaseImage = {
  setting: "exporterImage",
  kind: "metrics",
  official: "nginx/nginx-prometheus-exporter:1.5.1",
  standIn: metricsStandIn,
};

export const knownBaseImages: readonly BaseImage[] = [
  pythonBaseImage,
  nginxBaseImage,
  debianBaseImage,
  legoBaseImage,
  mtailBaseImage,
  exporterBaseImage,
];

/** The stack that set-up creates. */
export const stackName = "dev";

/** Where the stack's settings are: the name of the project. */
export const namespace = "nginx-load-balancer";

/** Which of the known images the Docker engine has; none when it doesn't answer. */
export async function presentImages(run: Run): Promise<ReadonlySet<string>> {
  const names = knownBaseImages.flatMap(({ official, standIn }) => [official, standIn]);
  // Fails as soon as one is missing, but prints the others.
  const { stdout } = await run("docker", ["image", "inspect", "--format", "{{json .RepoTags}}", ...names]);
  const tags = stdout.split("\n").flatMap((line) => (line ? (JSON.parse(line) as string[]) : []));
  return new Set(names.filter((name) => tags.includes(name)));
}

/** The image settings in the stack's file, as far as they are set. */
export async function imageSettings(root = projectRoot): Promise<Partial<BaseImages>> {
  const file = (await readIfThere(join(root, `Pulumi.${stackName}.yaml`))) ?? "";
  const read = ({ setting }: BaseImage) => {
    const value = new RegExp(`^\\s+${namespace}:${setting}:\\s*(\\S+)`, "m").exec(file)?.[1];
    return value ? [[setting, value.replace(/^(["'])(.*)\1$/, "$2")]] : [];
  };
  return Object.fromEntries(knownBaseImages.flatMap(read)) as Partial<BaseImages>;
}

/** Whether the user has named an image of their own, say in a mirror. Set-up leaves it alone. */
export function isOwnChoice({ official, standIn }: BaseImage, configured: string | undefined): boolean {
  return configured !== undefined && configured !== official && configured !== standIn;
}

/** The stand-ins that take the place of official images which this machine doesn't have. */
export function neededStandIns(present: ReadonlySet<string>): Partial<BaseImages> {
  const needed = knownBaseImages.filter(({ official, standIn }) => !present.has(official) && present.has(standIn));
  return Object.fromEntries(needed.map(({ setting, standIn }) => [setting, standIn]));
}
