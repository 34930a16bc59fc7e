import { createHash } from "node:crypto";
import { poolName } from "../../model/routes";
import type { Server } from "../../model/topology";
import type { Change } from "../../model/release";
import type { Volume } from "../observed";

// Balancers made before releases had a record have nginx's text alone on their volume, with what is needed of it in comments.

const unsealed = "0".repeat(16);
const hashPlaces = /(?<=^# configuration |^ {4}location = \/configuration \{\n {6}return 200 ")[0-9a-f]{16}/gm;
const serverLine = /^ {4}server (?<name>[^\s:]+):(?<port>\d+) resolve (?<share>\S+) .*# health: (?<path>\S+)$/gm;

/** Reads the text of such a balancer; undefined for any other. */
export function readLegacyText(text: string): Volume | undefined {
  const id = /^# configuration ([0-9a-f]{16})$/m.exec(text)?.[1];
  // The first server block holds directives of the user's, in which anything may stand.
  const [head = ""] = text.split("\n  server {", 1);
  const servers = [...head.matchAll(serverLine)].map((match): Server => {
    const { name = "", port, share = "", path = "/" } = match.groups ?? {};
    const weight = share === "drain" ? 0 : Number(share.replace("weight=", ""));
    return { name, port: Number(port), weight, health: { path, host: "localhost" } };
  });
  if (id === undefined || servers.length === 0) return undefined;
  const body = text.replace(hashPlaces, unsealed);
  const hash = createHash("sha256").update(body).digest("hex").slice(0, unsealed.length);
  const upstreams = [{ name: poolName, method: "round_robin", servers } as const];
  return { release: { id, files: {}, upstreams, containers: {}, attempt: 0 }, intact: hash === id };
}

/** What the step in the engine's state told of such a balancer: its text on standard input, and variables. */
export function readLegacyStep(
  text: string,
  { BALANCER_URL: url = "" }: Readonly<Record<string, string>>,
):
  | {
      readonly id: string;
      readonly topology: Pick<Change["topology"], "upstreams">;
      readonly destination: { url: string };
    }
  | undefined {
  const release = readLegacyText(text)?.release;
  return release && { id: release.id, topology: release, destination: { url } };
}
