import type { IncomingHttpHeaders } from "node:http";
import type { Outcome } from "./books";
import type { Profile } from "./profile";

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What came of a request: an answer that is complete, be it right or wrong, or the way in which there was none. */
export type Result =
  { readonly answer: Answer } | { readonly outcome: Exclude<Outcome, "answered" | "wrong">; readonly reason: string };

/** What ends a request as timed out. */
export interface Limits {
  /** How long the whole answer may take, in milliseconds, the connection and what moves on to another one included. */
  readonly timeout: number;
  /** Ends it at once. */
  readonly cut: AbortSignal;
}

/** A client's way to the server. */
export interface Client {
  /** Sends one request, and never rejects. */
  ask(body: string | undefined, limits: Limits): Promise<Result>;
  /** Lets go of a kept connection that the server has ended, to be called between two requests. */
  tidy(): Promise<void>;
  /** Closes the connections; no request may be under way. */
  close(): void;
}

/** What a client tells besides the ends of its requests. */
export interface Journal {
  /** A request goes once more, on a new connection, since the server said that it had not processed it. */
  movedOn(): void;
  /** A TLS handshake is complete. */
  handshook(resumed: boolean): void;
}

/** Whom a client asks, what, and whom it tells. */
export interface ClientOptions {
  readonly url: URL;
  readonly profile: Profile;
  /** Certificates of the authorities to trust, PEM. Default: those that Node.js comes with. */
  readonly ca: string | undefined;
  /** Whether connections begin with a PROXY line. Default: no. */
  readonly hasLine: boolean | undefined;
  readonly journal: Journal;
}

/**
 * Waits for what comes of one request, within limits, and never rejects.
 *
 * @param send sends it, says what came of it by `settle`, whose first call counts, and returns how to give it up
 */
export function exchange(
  send: (settle: (result: Result) => void) => () => void,
  { timeout, cut }: Limits,
): Promise<Result> {
  return new Promise((resolve) => {
    let settled = false;
    const settle = (result: Result) => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      cut.removeEventListener("abort", onCut);
      resolve(result);
    };
    const giveUp = (reason: string) => {
      if (settled) return;
      settle({ outcome: "timedOut", reason });
      abandon();
    };
    const onCut = () => giveUp("no answer within the grace time");
    // When this process was held up, the answer may be there already: it is read before the request is given up.
    const timer = setTimeout(() => void nextPoll().then(() => giveUp(`no answer within ${timeout / 1000} s`)), timeout);
    cut.addEventListener("abort", onCut);
    const abandon = send(settle);
  });
}

/** Resolves when everything has been read that had arrived at the time of the call. */
export function nextPoll(): Promise<void> {
  // An immediate alone may come before the sockets are looked at, one that it sets comes after.
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}

/**
 * The outcome of a request whose connection failed.
 *
 * @param connected whether the connection was there, its handshake complete
 * @param begun whether the answer had begun
 */
export function failed(error: NodeJS.ErrnoException, connected: boolean, begun: boolean): Result {
  const reason = `${error.code ?? ""} ${error.message}`.trim();
  if (error.code === "ETIMEDOUT") return { outcome: "timedOut", reason };
  if (!connected) return { outcome: "refused", reason };
  return { outcome: begun ? "truncated" : "reset", reason };
}
