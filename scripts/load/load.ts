import { setMaxListeners } from "node:events";
import { Agent, type RequestOptions } from "node:http";
import { performance } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { withProxyLine } from "../../lib/proxy-line";
import { ask, dropEndedSockets, nextPoll, type Answer, type Result } from "./ask";
import { Books, type Account, type End } from "./books";

export type { Answer } from "./ask";

/** What a client asks, again and again. */
export interface Profile {
  /** Name in the books. */
  readonly name: string;
  readonly method: "GET" | "POST";
  readonly path: string;
  /** Name that is asked for. Default: that of the address. */
  readonly host?: string;
  /** Body of a POST, made for each request anew. */
  readonly body?: () => string;
  /** Whether a client keeps its connection; otherwise each request has one of its own. */
  readonly keepAlive: boolean;
  /** Clients at work at the same time, each with one request after the other. */
  readonly clients: number;
  /** Pause of a client between two requests, in milliseconds; default 0. */
  readonly pauseMilliseconds?: number;
  /** Why an answer is wrong; undefined when it is right. Default: any status but 200 is wrong. */
  readonly check?: (answer: Answer, body: string | undefined) => string | undefined;
  /** What to count the right answers by, such as their version. */
  readonly tag?: (answer: Answer) => string | undefined;
}

export interface LoadOptions {
  /** The one address that is asked, for example http://127.0.0.1:8080. */
  readonly url: string;
  /** A host other than this host's loopback that may be asked: exactly the one in `url`. Default: none. */
  readonly allowHost?: string;
  readonly profiles: readonly Profile[];
  /** Whether connections begin with a PROXY line. Default: no. */
  readonly hasLine?: boolean;
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
 * for a client without retries. A connection is used again only as long as the server has not announced its end.
 *
 * @throws Error for an address that is neither this host's loopback nor allowed by name
 */
export function startLoad(options: LoadOptions): Load {
  const url = checkedUrl(options);
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

  const client = async (profile: Profile): Promise<void> => {
    const agent = new Agent({ keepAlive: profile.keepAlive, maxSockets: 1 });
    if (options.hasLine === true) withProxyLine(agent);
    while (maySend()) {
      const begunIn = books;
      const body = profile.body?.();
      const sent = performance.now();
      requests++;
      inFlight++;
      total.enterSent(profile.name);
      books.enterSent(profile.name);
      const result = await ask(requestOptions(url, profile, agent, body), body, timeout, cut.signal);
      const now = performance.now();
      const ending = judge(profile, result, body, now - sent);
      inFlight--;
      total.enterEnd(profile.name, ending, now, true);
      books.enterEnd(profile.name, ending, now, begunIn === books);

      const rest = Math.max(profile.pauseMilliseconds ?? 0, ending.outcome === "answered" ? 0 : pauseAfterLoss);
      if (rest > 0) await pause(rest);
      if (profile.keepAlive) {
        await nextPoll();
        dropEndedSockets(agent);
      }
    }
    agent.destroy();
  };
  const ended = Promise.all(
    options.profiles.flatMap((profile) => Array.from({ length: profile.clients }, () => client(profile))),
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

function requestOptions(url: URL, profile: Profile, agent: Agent, body: string | undefined): RequestOptions {
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port,
    path: profile.path,
    method: profile.method,
    agent,
    headers: {
      ...(profile.host !== undefined && { Host: profile.host }),
      ...(body !== undefined && { "Content-Length": Buffer.byteLength(body) }),
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

function checkedUrl({ url: text, allowHost }: LoadOptions): URL {
  const url = new URL(text);
  if (url.protocol !== "http:") throw new Error(`url: got ${text}, expected an address that begins with http://`);
  if (!isLoopback(url.hostname) && url.hostname !== allowHost)
    throw new Error(`url: got ${text}, expected an address of this host's loopback, or its host named by allowHost`);
  return url;
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}
