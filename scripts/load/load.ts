import { setMaxListeners } from "node:events";
import { performance } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { Books, type Account, type End } from "./books";
import type { Answer, Client, Journal, Result } from "./exchange";
import { Http1Client } from "./http1";
import { Http2Client } from "./http2";
import { checkedUrl, checkProfile, type Address, type Profile } from "./profile";

export type { Answer } from "./exchange";
export type { Address, Profile } from "./profile";

export interface LoadOptions extends Address {
  readonly profiles: readonly Profile[];
  /** The load ends by itself after this time. */
  readonly maxSeconds: number;
  /** The load ends by itself after so many requests; default: no limit. */
  readonly maxRequests?: number;
  /** How long a request may take; default 30. */
  readonly timeoutSeconds?: number;
}

/** A load that is under way. */
export interface Load {
  /** Requests sent and not ended yet. */
  readonly inFlight: number;
  /** Whether requests are still being sent: neither stopped nor ended by a limit. */
  readonly sending: boolean;
  /** Resolves when all requests have ended, because of a limit or of `stop`. */
  readonly ended: Promise<void>;
  /** Closes the books of the stretch that ends now and opens new ones. What is in flight is carried over to these. */
  mark(): Account;
  /** The books of the stretch so far. */
  account(): Account;
  /** The books of the whole load so far. */
  total(): Account;
  /**
   * Sends no more, lets what is in flight end, and closes the books of the last stretch.
   *
   * @param graceSeconds after this time, what is still in flight is cut and counts as timed out; default: its own timeout
   */
  stop(options?: { graceSeconds?: number }): Promise<Account>;
}

// A server that is gone refuses at once: without a pause after a loss, a client would be a busy loop.
const pauseAfterLoss = 10;

/**
 * Sends requests and keeps books of what became of each. Nothing is sent twice: a request that fails is lost, as it is
 * for a client without retries. Only what an HTTP/2 server says it has not processed goes once more, on a new connection,
 * twice at most. A connection is used again only as long as the server has not announced its end.
 *
 * @throws Error for an address that is neither this host's loopback nor allowed by name, for a `ca` that is no certificate,
 * and for a profile that can't be asked for there
 */
export function startLoad(options: LoadOptions): Load {
  const url = checkedUrl(options);
  for (const profile of options.profiles) checkProfile(profile, url);
  const timeout = (options.timeoutSeconds ?? 30) * 1000;
  const maxRequests = options.maxRequests ?? Infinity;
  const begun = performance.now();
  const end = begun + options.maxSeconds * 1000;
  const total = new Books(begun);
  const cut = new AbortController();
  setMaxListeners(0, cut.signal); // each request in flight listens
  let books = new Books(begun);
  let sending = true;
  let requests = 0;
  let inFlight = 0;

  const endSending = () => {
    if (!sending) return;
    sending = false;
    const now = Math.min(performance.now(), end);
    total.endSending(now);
    books.endSending(now);
  };
  const maySend = () => {
    if (performance.now() >= end || requests >= maxRequests) endSending();
    return sending;
  };

  const journalOf = ({ name }: Profile): Journal => ({
    movedOn() {
      for (const each of [total, books]) each.enterMovedOn(name);
    },
    handshook(resumed) {
      for (const each of [total, books]) each.enterHandshake(name, resumed);
    },
  });

  const askAgainAndAgain = async (client: Client, profile: Profile): Promise<void> => {
    while (maySend()) {
      const begunIn = books;
      const body = profile.body?.();
      const sent = performance.now();
      requests++;
      inFlight++;
      total.enterSent(profile.name);
      books.enterSent(profile.name);
      const result = await client.ask(body, { timeout, cut: cut.signal });
      const now = performance.now();
      const ending = judge(profile, result, body, now - sent);
      inFlight--;
      total.enterEnd(profile.name, ending, now, true);
      books.enterEnd(profile.name, ending, now, begunIn === books);

      const rest = Math.max(profile.pauseMilliseconds ?? 0, ending.outcome === "answered" ? 0 : pauseAfterLoss);
      if (rest > 0) await pause(rest);
      await client.tidy();
    }
  };
  const work = async (profile: Profile): Promise<void> => {
    const Kind = profile.protocol === "http/2" ? Http2Client : Http1Client;
    const client = new Kind({ url, profile, ca: options.ca, hasLine: options.hasLine, journal: journalOf(profile) });
    await Promise.all(Array.from({ length: profile.streams ?? 1 }, () => askAgainAndAgain(client, profile)));
    client.close();
  };
  const ended = Promise.all(
    options.profiles.flatMap((profile) => Array.from({ length: profile.clients }, () => work(profile))),
  ).then(() => undefined);

  return {
    get inFlight() {
      return inFlight;
    },
    get sending() {
      return maySend();
    },
    ended,
    mark() {
      const now = performance.now();
      const account = books.account(now);
      books = books.next(now);
      return account;
    },
    account: () => books.account(performance.now()),
    total: () => total.account(performance.now()),
    async stop({ graceSeconds } = {}) {
      endSending();
      const timer = graceSeconds === undefined ? undefined : setTimeout(() => cut.abort(), graceSeconds * 1000);
      await ended;
      clearTimeout(timer);
      return books.account(performance.now());
    },
  };
}

function judge(profile: Profile, result: Result, body: string | undefined, milliseconds: number): End {
  if (!("answer" in result)) return { ...result, milliseconds };
  try {
    const reason = (profile.check ?? expectOk)(result.answer, body);
    if (reason !== undefined) return { outcome: "wrong", milliseconds, reason };
    return { outcome: "answered", milliseconds, tag: profile.tag?.(result.answer) };
  } catch (error) {
    return { outcome: "wrong", milliseconds, reason: `the check failed: ${String(error)}` };
  }
}

function expectOk({ status }: Answer): string | undefined {
  return status === 200 ? undefined : `status ${status}`;
}
