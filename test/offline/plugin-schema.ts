import { execFile } from "node:child_process";
import { tmpdir } from "node:os";
import { promisify } from "node:util";
import { pulumiBinary, pulumiEnv } from "../../scripts/setup/project";

/** What a plugin says it serves; the built Docker plugin lists its functions and its resources' properties untyped. */
export interface PluginSchema {
  readonly name: string;
  readonly version: string;
  readonly resources: Record<
    string,
    { properties: Record<string, unknown>; inputProperties?: Record<string, unknown> }
  >;
  readonly functions: Record<string, unknown>;
}

/** The schema of an installed plugin, such as "docker@5.2.0". */
export async function pluginSchema(plugin: string): Promise<PluginSchema> {
  const { stdout } = await promisify(execFile)(pulumiBinary(), ["package", "get-schema", plugin], {
    // Outside of the project, so that its settings play no part.
    cwd: tmpdir(),
    env: { ...process.env, ...pulumiEnv() },
    maxBuffer: 64 * 1024 * 1024,
  });
  return JSON.parse(stdout) as PluginSchema;
}
