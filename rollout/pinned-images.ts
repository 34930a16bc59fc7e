import { docker, tryDocker } from "./docker";
import type { Log } from "./runtime/runtime";

/** A name of an image. */
export interface NamedImage {
  /** As the config names it. */
  readonly image: string;
  /** What it was to the containers that run; undefined when none does. */
  readonly last: string | undefined;
}

/**
 * The very images that names stand for: `NAME@sha256:...` of a registry, or the id of one that was built on Docker's host. Registries
 * are asked with the credentials of `docker login`; nothing is pulled.
 *
 * @param keep whether the image of last time, else the one that the host has, will do where a registry can't be asked
 * @returns by name
 * @throws Error that names each image which nobody has, or whose registry doesn't answer
 */
export async function pinImages(sources: readonly NamedImage[], keep: boolean): Promise<Map<string, string>> {
  let asked: Promise<string> | undefined;
  const platform = () => (asked ??= docker("version", "--format", "{{.Server.Os}}/{{.Server.Arch}}"));
  const found = await Promise.all(
    sources.map(async (source) => [source.image, await pinImage(source, keep, platform)] as const),
  );
  const problems = found.flatMap(([image, result]) => ("problem" in result ? [`  ${image}: ${result.problem}`] : []));
  if (problems.length > 0) throw new Error(["Images that can't be told:", ...problems].join("\n"));
  return new Map(found.map(([image, result]) => [image, "pinned" in result ? result.pinned : ""]));
}

/** What names that stand for another image than last time stand for now. */
export function movedOf(sources: readonly NamedImage[], images: ReadonlyMap<string, string>): string[] {
  return sources.flatMap(({ image, last }) => {
    const now = images.get(image);
    return last === undefined || last === now ? [] : [`${image} has moved: it is ${now}, and was ${last}.`];
  });
}

type Pinned = { readonly pinned: string } | { readonly problem: string };

/** @param platform tells the one of Docker's host */
async function pinImage({ image, last }: NamedImage, keep: boolean, platform: () => Promise<string>): Promise<Pinned> {
  const host = await onHost(image);
  if (image.includes("@")) {
    // What it stands for is known; whether it is anywhere, is not.
    const asked = host === undefined ? await askRegistry(image, platform) : undefined;
    return asked !== undefined && "words" in asked ? { problem: asked.words } : { pinned: image };
  }
  // It has never been in a registry: it was built here.
  if (host !== undefined && !host.isOfRegistry) return { pinned: host.id };
  const asked = await askRegistry(image, platform);
  if ("digest" in asked) return { pinned: `${repositoryOf(image)}@${asked.digest}` };
  if (asked.isRefused) return host === undefined ? { problem: asked.words } : { pinned: host.id };
  const kept = last ?? host?.id;
  if (kept === undefined) return { problem: `${asked.words}, and Docker's host has none of that name` };
  if (keep) return { pinned: kept };
  return {
    problem: `${asked.words}. With keepImages: true, ${last ?? "the image of that name on Docker's host"} will do.`,
  };
}

/** Pulls an image unless the host has it; gives its id. The Docker provider would not use the credentials of `docker login`. */
export async function pull(pinned: string, log: Log): Promise<string> {
  const host = await onHost(pinned);
  if (host !== undefined) return host.id;
  log(`pulling ${pinned}`);
  await docker("pull", "--quiet", pinned);
  return (await docker("image", "inspect", "--format", "{{.Id}}", pinned)).trim();
}

async function onHost(image: string): Promise<{ id: string; isOfRegistry: boolean } | undefined> {
  const format = "{{.Id}} {{len .RepoDigests}}";
  const { code, stdout } = await tryDocker("image", "inspect", "--format", format, image);
  const [id = "", digests] = stdout.trim().split(" ");
  return code === 0 ? { id, isOfRegistry: digests !== "0" } : undefined;
}

type Asked = { readonly digest: string } | { readonly isRefused: boolean; readonly words: string };

async function askRegistry(image: string, platform: () => Promise<string>): Promise<Asked> {
  // As the engine does: without TLS where that is this host.
  const insecure = /^(?:localhost|127\.\d+\.\d+\.\d+)(?::\d+)?\//.test(image) ? ["--insecure"] : [];
  const ask = (...options: string[]) => tryDocker("manifest", "inspect", ...insecure, ...options, image);
  const short = await ask();
  if (short.code !== 0) return refusalOf(short.stderr);
  const platforms = platformsOf(short.stdout);
  if (platforms !== undefined) {
    const own = (await platform()).trim();
    const digest = platforms.get(own);
    return digest === undefined
      ? { isRefused: true, words: `there is none for ${own}, but for ${[...platforms.keys()].join(", ")}` }
      : { digest };
  }
  const long = await ask("--verbose");
  return long.code === 0 ? { digest: readDigest(long.stdout) } : refusalOf(long.stderr);
}

/** Digests by platform, of the list that an image of several platforms is; undefined for another one. */
export function platformsOf(manifest: string): Map<string, string> | undefined {
  const { manifests } = JSON.parse(manifest) as {
    manifests?: { digest: string; platform?: { os: string; architecture: string } }[];
  };
  return (
    manifests && new Map(manifests.map(({ digest, platform }) => [`${platform?.os}/${platform?.architecture}`, digest]))
  );
}

function readDigest(manifest: string): string {
  return (JSON.parse(manifest) as { Descriptor: { digest: string } }).Descriptor.digest;
}

/** Whether a registry has answered that it has no such image, or none for whoever asks; else it can't be asked. */
export function refusalOf(stderr: string): Asked {
  const words = stderr.trim().split("\n").at(-1) ?? "";
  return {
    isRefused: /no such manifest|manifest unknown|not found|denied|unauthorized|no basic auth/i.test(words),
    words,
  };
}

/** A name without its tag. */
export function repositoryOf(image: string): string {
  return image.replace(/:[^/:]+$/, "");
}
