import { readFileSync } from "node:fs";
import { join } from "node:path";
import { labels } from "../../model/labels";
import { docker } from "../../rollout/docker";

/** What is tried from inside a container: one of the functions of inside.py, and what it takes. */
export type Attempt =
  | readonly ["tcp", host: string, port: number, router?: string]
  | readonly ["packet", "ethernet" | "ip"]
  | readonly ["name" | "path" | "write" | "right" | "process" | "text", string]
  | readonly ["sockets" | "route"];

/**
 * Tries things in a container that has Python.
 *
 * @returns those that it could do, as text
 */
export async function couldDo(container: string, attempts: readonly Attempt[]): Promise<string[]> {
  const program = readFileSync(join(__dirname, "inside.py"), "utf8");
  const output = await docker("exec", container, "python3", "-c", program, JSON.stringify(attempts));
  const results = JSON.parse(output) as { did: boolean; words: string }[];
  return results.flatMap(({ did, words }, index) => (did ? `${(attempts[index] ?? []).join(" ")}: ${words}` : []));
}

/** A container of a stack, and where it is. */
export interface Neighbour {
  readonly id: string;
  readonly role: string;
  readonly app: string;
  /** All names that Docker's own DNS may know it by. */
  readonly names: readonly string[];
  readonly addresses: readonly string[];
  /** Addresses of the host on its networks. */
  readonly gateways: readonly string[];
}

interface Inspected {
  readonly Id: string;
  readonly Name: string;
  readonly Config: { readonly Labels: Readonly<Record<string, string>> };
  readonly NetworkSettings: {
    readonly Networks: Readonly<
      Record<string, { IPAddress: string; Gateway: string; Aliases: readonly string[] | null } | undefined>
    >;
  };
}

/** Containers, as Docker tells of their networks. */
export async function neighbours(...ids: readonly string[]): Promise<Neighbour[]> {
  const inspected = JSON.parse(await docker("container", "inspect", ...ids)) as Inspected[];
  return inspected.map(({ Id, Name, Config, NetworkSettings }) => {
    const networks = Object.values(NetworkSettings.Networks).flatMap((one) => one ?? []);
    const names = [Name.slice(1), Id.slice(0, 12), ...networks.flatMap(({ Aliases }) => Aliases ?? [])];
    return {
      id: Id,
      role: Config.Labels[labels.role] ?? "",
      app: Config.Labels[labels.app] ?? "",
      names: [...new Set(names)],
      addresses: networks.map(({ IPAddress }) => IPAddress).filter(Boolean),
      gateways: networks.map(({ Gateway }) => Gateway).filter(Boolean),
    };
  });
}
