import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { docker } from "../../rollout/docker";
import { projectRoot } from "../../scripts/setup/project";
import type { TestStack } from "./stack";
import { until } from "./until";

/** A stack as the last version without records, identities and rollout/cli.ts has left it: its state, its volume, its nginx. */
const folder = join(projectRoot, "test", "fixtures", "takeover");

const recorded = {
  stack: "recorded",
  port: "18090",
  /** Its balancer's build context, which has another place by now. */
  context: "nginx",
  /** The state says so where the text of the volume stood. */
  text: "nginx.conf",
};

/** The settings of the recorded stack. */
export const recordedConfig = {
  backendCount: 2,
  drainSeconds: 8,
  apps: ["one", "two"].map((name) => ({ name, path: "test/fixture" })),
};

/** A resource of the engine's state, as far as it is made anew. */
interface Resource {
  readonly type: string;
  readonly id?: string;
  readonly outputs?: Outputs;
}

/** Of a container, an image, a network, a volume. */
interface Outputs {
  readonly name: string;
  readonly labels: readonly { readonly label: string; readonly value: string }[];
  readonly internal: boolean;
  readonly imageId: string;
  readonly build: { readonly context: string; readonly buildArgs: Readonly<Record<string, string>> };
  readonly image: string;
  readonly healthcheck: {
    readonly tests: readonly string[];
    readonly interval: string;
    readonly timeout: string;
    readonly retries: number;
    readonly startPeriod: string;
  };
  readonly memory: number;
  readonly memorySwap: number;
  readonly logDriver: string;
  readonly logOpts: Readonly<Record<string, string>>;
  readonly networksAdvanced: readonly { readonly name: string; readonly aliases: readonly string[] }[];
  readonly ports: readonly { readonly internal: number; readonly external: number; readonly ip: string }[];
  readonly restart: string;
  readonly tmpfs: Readonly<Record<string, string>>;
  readonly volumes: readonly { readonly volumeName: string; readonly containerPath: string }[];
  readonly environment?: { readonly NETWORK?: string };
}

/** What the objects on the Docker host are made by, in the order of the state: by the type of their resource. */
const makers: Readonly<Record<string, (outputs: Outputs, network: string) => Promise<string>>> = {
  "docker:index/network:Network": ({ name, internal, labels }) =>
    docker("network", "create", ...(internal ? ["--internal"] : []), ...labelOptions(labels), name),
  "docker:index/volume:Volume": ({ name, labels }) => docker("volume", "create", ...labelOptions(labels), name),
  "docker:index/remoteImage:RemoteImage": async ({ name, build: { context, buildArgs } }) => {
    const source = context === recorded.context ? join(folder, context) : join(projectRoot, context);
    await docker("build", "--quiet", "--tag", name, ...options("--build-arg", pairs(buildArgs)), source);
    return docker("image", "inspect", "--format", "{{.Id}}", name);
  },
  "docker:index/container:Container": makeContainer,
};

/**
 * Makes the recorded stack: its objects on the Docker host with the names of a test's own, and its state with their ids.
 * Ends when it serves.
 */
export async function replay(stack: TestStack): Promise<void> {
  const { pythonImage = "", nginxImage = "" } = await stack.baseImages();
  let state = JSON.stringify(readState())
    .replaceAll(recorded.stack, stack.name)
    .replaceAll(recorded.port, String(stack.port))
    .replaceAll("base-python", pythonImage)
    .replaceAll("base-nginx", nginxImage);
  const resources = () => JSON.parse(state) as Resource[];
  // What the engine has added to the names.
  const ending = process.pid.toString(16).padStart(7, "0");
  for (const { type, outputs } of resources())
    if (type in makers && outputs !== undefined)
      state = state.replaceAll(outputs.name, outputs.name.replace(/-[0-9a-f]{7}$/, `-${ending}`));
  const network = resources().flatMap(({ outputs }) => outputs?.environment?.NETWORK ?? [])[0] ?? "";
  for (const index of resources().keys()) {
    const { type, id = "", outputs } = resources()[index] as Resource;
    const make = makers[type];
    if (make !== undefined && outputs !== undefined)
      state = state.replaceAll(outputs.imageId ?? id, (await make(outputs, network)).trim());
  }
  await importState(stack, resources());
  await until("the balancer serves", 30, async () => (await fetch(stack.url).catch(() => undefined))?.ok);
}

/** The resources of the state, one a line. */
function readState(): unknown {
  const text = readFileSync(join(folder, recorded.text), "utf8");
  return JSON.parse(readFileSync(join(folder, "state.json"), "utf8"), (_, value: unknown) =>
    value === recorded.text ? text : value,
  );
}

async function importState(stack: TestStack, resources: readonly Resource[]): Promise<void> {
  const { deployment, ...rest } = JSON.parse(await stack.engineOk("stack", "export")) as { deployment: object };
  const state = JSON.stringify({ ...rest, deployment: { ...deployment, resources } });
  const temporary = await mkdtemp(join(tmpdir(), "nlb-state-"));
  try {
    await writeFile(join(temporary, "state.json"), state);
    await stack.engineOk("stack", "import", "--file", join(temporary, "state.json"));
  } finally {
    await rm(temporary, { recursive: true });
  }
}

/** @param network the one that a balancer has joined, which was made on another */
async function makeContainer(outputs: Outputs, network: string): Promise<string> {
  const { healthcheck, image, labels, networksAdvanced, ports, volumes } = outputs;
  const [volume] = volumes;
  if (volume !== undefined) await fillVolume(volume, image);
  const [, ...test] = healthcheck.tests;
  return docker(
    ...["run", "--detach", "--name", outputs.name, "--read-only", "--cap-drop", "ALL"],
    ...["--security-opt", "no-new-privileges:true", "--restart", outputs.restart],
    ...["--memory", `${outputs.memory}m`, "--memory-swap", `${outputs.memorySwap}m`],
    ...["--log-driver", outputs.logDriver, ...options("--log-opt", pairs(outputs.logOpts))],
    ...["--network", ports.length > 0 ? network : (networksAdvanced[0]?.name ?? "")],
    ...options(
      "--network-alias",
      networksAdvanced.flatMap(({ aliases }) => aliases ?? []),
    ),
    ...options(
      "--tmpfs",
      Object.entries(outputs.tmpfs).map(([path, how]) => `${path}:${how}`),
    ),
    ...options(
      "--publish",
      ports.map(({ ip, external, internal }) => `${ip}:${external}:${internal}`),
    ),
    ...options(
      "--volume",
      volumes.map(({ volumeName, containerPath }) => `${volumeName}:${containerPath}`),
    ),
    ...labelOptions(labels),
    ...["--health-cmd", test.join(" "), "--health-interval", healthcheck.interval],
    ...["--health-timeout", healthcheck.timeout, "--health-retries", String(healthcheck.retries)],
    ...["--health-start-period", healthcheck.startPeriod],
    image,
  );
}

/** Writes what lay on the volume, as the balancer's own user. */
async function fillVolume({ volumeName, containerPath }: Outputs["volumes"][number], image: string): Promise<void> {
  const write = `cd ${containerPath} && printf %s "$0" >nginx.conf && cp nginx.conf previous.conf && echo 1 >generation`;
  const text = readFileSync(join(folder, recorded.text), "utf8");
  await docker("run", "--rm", "--volume", `${volumeName}:${containerPath}`, image, "sh", "-c", write, text);
}

function labelOptions(labels: Outputs["labels"]): string[] {
  return options(
    "--label",
    labels.map(({ label, value }) => `${label}=${value}`),
  );
}

function pairs(values: Readonly<Record<string, string>>): string[] {
  return Object.entries(values).map(([key, value]) => `${key}=${value}`);
}

function options(option: string, values: readonly string[]): string[] {
  return values.flatMap((value) => [option, value]);
}
