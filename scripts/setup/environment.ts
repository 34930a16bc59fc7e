import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** Where the docker client and the Docker plugin look when nothing else is said. */
const defaultSocket = "unix:///var/run/docker.sock";

type Environment = Readonly<Record<string, string | undefined>>;

/** What the engine and its plugins need in their environment, on top of what a shell has. */
export function engineEnvironment(env: Environment): Record<string, string> {
  const passphraseIsSet = env.PULUMI_CONFIG_PASSPHRASE !== undefined || Boolean(env.PULUMI_CONFIG_PASSPHRASE_FILE);
  const { host = env.DOCKER_CONTEXT === "default" ? defaultSocket : undefined } = dockerEndpoint(env);
  return {
    // The version is pinned in package.json, and without a network the check costs seconds.
    PULUMI_SKIP_UPDATE_CHECK: env.PULUMI_SKIP_UPDATE_CHECK ?? "true",
    // Go collects its garbage when memory has grown by so many percent. Runs are short, and collecting is a tenth of them.
    // From this much memory on, which hundreds of backends take, it collects earlier.
    GOGC: env.GOGC ?? "400",
    GOMEMLIMIT: env.GOMEMLIMIT ?? "512MiB",
    // What the program asks for just as before has been done: the Docker plugin isn't asked to compare it again, which is half of
    // the time that a run without a change takes. A refresh changes what was asked for, so what it finds shows all the same.
    PULUMI_ENABLE_LEGACY_DIFF: env.PULUMI_ENABLE_LEGACY_DIFF ?? "true",
    // Local state is encrypted with an empty passphrase, and the engine takes one from nowhere but the environment.
    ...(passphraseIsSet ? {} : { PULUMI_CONFIG_PASSPHRASE: "" }),
    // The Docker plugin doesn't know which context the docker client uses, and would act on another engine.
    ...(host === undefined ? {} : { DOCKER_HOST: host, DOCKER_CONTEXT: "" }),
  };
}

/** Where the docker client finds its engine. */
export interface DockerEndpoint {
  /** As DOCKER_HOST states it; undefined for the default socket. */
  readonly host?: string;
  /** The context that names it; undefined when DOCKER_HOST does. */
  readonly context?: string;
  /** Whether it takes a certificate to get in. */
  readonly tls: boolean;
}

/**
 * The engine that the docker client talks to, in its order: DOCKER_HOST, DOCKER_CONTEXT, the context that `docker context
 * use` has chosen (https://docs.docker.com/engine/manage-resources/contexts). A context that isn't there gives none: the
 * client will say so.
 */
export function dockerEndpoint(env: Environment): DockerEndpoint {
  if (env.DOCKER_HOST) return { host: env.DOCKER_HOST, tls: Boolean(env.DOCKER_TLS_VERIFY) };
  const { DOCKER_CONFIG: folder = join(homedir(), ".docker") } = env;
  const chosen = (readJson(join(folder, "config.json")) as ClientConfig | undefined)?.currentContext;
  const context = [env.DOCKER_CONTEXT, chosen].find(Boolean);
  if (!context || context === "default") return { tls: false };
  // The client keeps a context in folders that are named after its name's hash.
  const id = createHash("sha256").update(context).digest("hex");
  const metadata = readJson(join(folder, "contexts", "meta", id, "meta.json")) as ContextMetadata | undefined;
  const host = metadata?.Endpoints?.docker?.Host;
  if (!host) return { tls: false };
  return { host, context, tls: existsSync(join(folder, "contexts", "tls", id)) };
}

interface ClientConfig {
  readonly currentContext?: string;
}

interface ContextMetadata {
  readonly Endpoints?: { readonly docker?: { readonly Host?: string } };
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as unknown;
  } catch {
    return undefined;
  }
}
