import type { Outcome } from "../../../scripts/load/books";
import type { Ward } from "./ward";

export const groups = ["balancer", "backend", "engine", "host"] as const;
export type Group = (typeof groups)[number];

export type Method = "GET" | "POST";
export const methods: readonly Method[] = ["GET", "POST"];

/** How a request can be lost. */
export type Kind = Exclude<Outcome, "answered">;
export const kinds: readonly Kind[] = ["refused", "reset", "truncated", "wrong", "timedOut"];

/** What may be lost in a fault, and why nothing can be done about it. An answer of another app's, or of another request's, never may. */
export interface Allowance {
  /** Kinds of losses, by method; none: none may. */
  readonly GET?: readonly Kind[];
  readonly POST?: readonly Kind[];
  /** How many requests at most; default: no limit, which is for what nobody could answer. */
  readonly most?: number;
  readonly why: string;
}

/** What is done to a stack under load, and how it has to come out of it. */
export interface Fault {
  readonly group: Group;
  readonly name: string;
  /** Why it can't be made here; default: it can be made everywhere. */
  cannot?(ward: Ward): Promise<string | undefined>;
  /** What has to be there before, and is no part of it; taken back by `restore`, which is run in any case. */
  prepare?(ward: Ward): Promise<unknown>;
  restore?(ward: Ward): Promise<unknown>;
  inject(ward: Ward): Promise<unknown>;
  /** How long it lasts before `mend`, or before an update comes, in seconds. Default: until `status` names it. */
  readonly lasts?: number;
  /** Takes back what the stack can't be asked to mend, such as a rule of the host's; run in any case. */
  mend?(ward: Ward): Promise<unknown>;
  /** What makes it whole again: it itself, one `pulumi up`, or one with --refresh. Default: alone. */
  readonly heal?: "alone" | "up" | "up --refresh";
  /** Default: nothing may be lost. */
  readonly allowed?: Allowance;
}

export function titleOf({ group, name }: Pick<Fault, "group" | "name">): string {
  return `${group}: ${name}`;
}
