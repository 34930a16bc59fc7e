import { existsSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { parseSettings, type Settings } from "./components/settings";

/**
 * Reads and validates the stack's config, the keys of the project's namespace.
 *
 * @throws pulumi.RunError that names every offending key
 */
export function loadSettings(): Settings {
  const namespace = `${pulumi.getProject()}:`;
  const raw = Object.entries(pulumi.runtime.allConfig()).flatMap(([key, value]) =>
    key.startsWith(namespace) ? [[key.slice(namespace.length), value] as const] : [],
  );
  try {
    return parseSettings(Object.fromEntries(raw), { isApp: (path) => existsSync(join(path, "Dockerfile")) });
  } catch (error) {
    // Without a stack trace: the message is for the one who wrote the config.
    throw new pulumi.RunError(error instanceof Error ? error.message : String(error));
  }
}
