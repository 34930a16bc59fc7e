import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { messageOf } from "./lib/errors";
import type { Certificate } from "./model/certificates";
import { parseSettings, type Settings } from "./model/settings";
import { certificateContext, readCertificates } from "./rollout/certificates";

/**
 * Reads and validates the stack's config, the keys of the project's namespace.
 *
 * @throws SettingsError that names every offending key
 */
export function loadSettings(): {
  readonly settings: Settings;
  /** Texts of the keys that the config has, as the engine hands them over. */
  readonly raw: Readonly<Record<string, string>>;
  readonly secretKeys: ReadonlySet<string>;
  readonly certificates: readonly Certificate[];
  /** Text of `tls.acme.authorityFile`; empty for none. */
  readonly authority: string;
} {
  const namespace = `${pulumi.getProject()}:`;
  const raw = Object.fromEntries(
    Object.entries(pulumi.runtime.allConfig()).flatMap(([key, value]) =>
      key.startsWith(namespace) ? [[key.slice(namespace.length), value]] : [],
    ),
  );
  const secretKeys = secretKeysOf(namespace);
  const read = readSettings(raw, secretKeys);
  const authority = certificateContext.readFile(read.settings.tls?.acme?.authorityFile ?? "") ?? "";
  return { ...read, raw, secretKeys, authority };
}

/** The same of a config that is known: texts by their keys without namespace. */
export function readSettings(
  raw: Readonly<Record<string, string>>,
  secretKeys: ReadonlySet<string>,
): { readonly settings: Settings; readonly certificates: readonly Certificate[] } {
  const settings = parseSettings(
    { ...builtImages(), ...raw },
    { isApp: (path) => existsSync(join(path, "Dockerfile")), secretKeys, ...certificateContext },
  );
  return { settings, certificates: readCertificates(settings.tls?.certificates).map((one) => one.certificate) };
}

/**
 * Ids of the containers that the stack's state knows: asked for where some carry no identity, as those do that were made
 * before stacks had one.
 */
export async function ownContainers(found: readonly { readonly owner: string }[]): Promise<ReadonlySet<string>> {
  if (found.every(({ owner }) => owner !== "")) return new Set();
  const token = "pulumi:pulumi:readStackResourceOutputs";
  // Resources by their URN, each with its type and, once more, its outputs.
  type Resources = Record<string, { readonly outputs?: { readonly id?: unknown } }>;
  const state = (await pulumi.runtime.invoke(token, { stackName: pulumi.getStack() })) as { outputs?: Resources };
  const ids = Object.values(state.outputs ?? {}).map(({ outputs }) => outputs?.id);
  return new Set(ids.filter((id) => typeof id === "string"));
}

/** Keys of a namespace whose values are encrypted, wholly or in a part, as the engine tells its programs. */
function secretKeysOf(namespace: string): Set<string> {
  const keys = JSON.parse(process.env["PULUMI_CONFIG_SECRET_KEYS"] ?? "[]") as string[];
  return new Set(keys.filter((key) => key.startsWith(namespace)).map((key) => key.slice(namespace.length)));
}

/** Names of base images that set-up had to build on this machine, as defaults of the settings that name such images. */
function builtImages(): Record<string, string> {
  const file = join(__dirname, ".base-images.json");
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Record<string, string>) : {};
}

/**
 * Does what has to be in order before anything is asked of the engine.
 *
 * @throws pulumi.RunError with the message of whatever fails and no stack trace: it is for the one who runs the program
 */
export async function prepare<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new pulumi.RunError(messageOf(error));
  }
}
