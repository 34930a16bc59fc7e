import type { Observed } from "../observed";
import type { Operation } from "../plan";
import type { CanaryStep } from "../steps/canary";

/** What a step has to tell beside having worked. */
export interface StepResult {
  /** Requests that older workers had in flight when the drain began and when it ended. */
  readonly inFlight?: { readonly drainBegan: number; readonly drainEnded: number };
  /** Servers that served before, do not answer, and stand in nobody's way: name and why. */
  readonly sick?: ReadonlyMap<string, string>;
  /** How a step of a canary went, and whether the others are left out: somebody has promoted it. */
  readonly canary?: CanaryStep & { readonly isPromoted: boolean };
}

/** A host that changes are applied to. Each operation works or throws an Error that names the cause. */
export interface Runtime {
  /** Looks at the host, with nobody else changing the balancer until {@link close}. */
  observe(): Promise<Observed>;
  perform(operation: Operation): Promise<StepResult>;
  /** Tells those who watch which step is begun. That they can't be told is no matter. */
  tell(step: string): Promise<void>;
  /** Has nginx run what it ran before the first reload. */
  putBack(): Promise<void>;
  /** The text of a file by its path on the balancer's volume; empty where there is none. */
  readFile(path: string): Promise<string>;
  /** Writes one, whole or not at all. */
  writeFile(path: string, text: string): Promise<void>;
  close(): Promise<void>;
}

/** Says what is going on, a line at a time. */
export type Log = (line: string) => void;

/** Who has asked for a change: is told how it goes, and may have gone. */
export interface Asker {
  readonly log: Log;
  /** Whether nobody waits for the change any more. */
  readonly isLeft: () => boolean;
}
