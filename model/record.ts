import { z } from "zod";
import { parseJson } from "../lib/json";
import { schemaVersion, type Release } from "./release";
import type { Topology } from "./topology";

const serverSchema = z.object({
  name: z.string(),
  address: z.string().exactOptional(),
  port: z.int(),
  weight: z.number(),
  health: z.object({ path: z.string(), host: z.string() }),
});

/** What lies beside the text on the volume as release.json: as much of it as is read again. */
const recordSchema = z.object({
  schema: z.literal(schemaVersion),
  id: z.string().regex(/^[0-9a-f]{16}$/),
  /** SHA-256 of each file, in hex. */
  files: z.record(z.string(), z.string()),
  topology: z.object({
    upstreams: z.array(z.object({ name: z.string(), servers: z.array(serverSchema) })),
    canary: z.object({ app: z.string(), upstream: z.string(), share: z.number() }).exactOptional(),
    pause: z.object({ sites: z.array(z.string()) }).exactOptional(),
  }),
  containers: z.record(z.string(), z.string()),
  attempt: z.int().min(1),
});

/** A release as its record on the volume tells of it. */
export interface RecordedRelease {
  readonly id: string;
  readonly files: Readonly<Record<string, string>>;
  readonly upstreams: Topology["upstreams"];
  /** On the way to a release: whose new backends are judged beside the old ones. */
  readonly canary?: NonNullable<Topology["canary"]>;
  readonly pause?: Pick<NonNullable<Topology["pause"]>, "sites">;
  /** Ids of the containers by server name. */
  readonly containers: Readonly<Record<string, string>>;
  /** `attempt` of the change that installed it. */
  readonly attempt: number;
}

/**
 * Text of release.json.
 *
 * @param hash SHA-256 of a text, in hex
 */
export function writeRecord(
  { id, topology, files }: Release,
  { containers, attempt }: Pick<RecordedRelease, "containers" | "attempt">,
  hash: (text: string) => string,
): string {
  const hashes = Object.fromEntries(files.map(({ name, text }) => [name, hash(text)]));
  const record = { schema: schemaVersion, id, attempt, files: hashes, containers, topology };
  return `${JSON.stringify(record, undefined, 1)}\n`;
}

/** Reads release.json; undefined for anything that {@link writeRecord} has not written: the volume is open to edits. */
export function readRecord(text: string): RecordedRelease | undefined {
  const { success, data } = recordSchema.safeParse(parseJson(text));
  if (!success) return undefined;
  const { topology, ...record } = data;
  const { upstreams, canary, pause } = topology;
  return {
    ...record,
    upstreams: upstreams.map((upstream) => ({ method: "round_robin", ...upstream })),
    ...(canary && { canary }),
    ...(pause && { pause }),
  };
}
