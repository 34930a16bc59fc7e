import { Agent, request, type IncomingMessage } from "node:http";
import { performance } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { Books, type Account, type Outcome } from "./books";

/** What a client asks, again and again. */
export interface Profile {
  /** Name in the books. */
  readonly name: string;
  readonly method: "GET" | "POST";
  readonly path: string;
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

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export interface LoadOptions {
  /** The one address that is asked, for example http://127.0.0.1:8080. Anything but this host's loopback is refused. */
  readonly url: string;
  readonly profiles: readonly Profile[];
  /** The load ends by itself after this time. */
  readonly maxSeconds: number;
  /** How long a request may take; default 30. */
  readonly timeoutSeconds?: number;
}

/** A load that is under way. */
export interface Load {
  /** Requests sent and not ended yet. */
  readonly inFlight: number;
  /** Closes the books of the stretch that ends now and opens new ones. A request is entered where it was sent. */
  mark(): Account;
  /** The books of the stretch so far. */
  account(): Account;
  /** Sends no more, lets what is in flight end, and closes the books of the last stretch. */
  stop(): Promise<Account>;
}

/**
 * Sends requests and keeps books of what became of each. Nothing is sent twice: a request that fails is lost, as it is
 * for a client without retries. A connection is used again only as long as the server has not announced its end.
 *
 * @throws Error for an address that is not this host's loopback
 */
export function startLoad(options: LoadOptions): Load {
  const url = new URL(options.url);
  if (!isLoopback(url.hostname))
    throw new Error(`url: got ${options.url}, expected an address of this host's loopback`);
  const timeoutMilliseconds = (options.timeoutSeconds ?? 30) * 1000;
  const end = performance.now() + options.maxSeconds * 1000;
  let books = new Books(performance.now());
  let stopped = false;
  let inFlight = 0;

  const client = async (profile: Profile): Promise<void> => {
    const agent = new Agent({ keepAlive: profile.keepAlive, maxSockets: 1 });
    while (!stopped && performance.now() < end) {
      const mine = books;
      const body = profile.body?.();
      const sent = performance.now();
      mine.enterSent(profile.name);
      inFlight++;
      const result = await ask(url, profile, agent, body, timeoutMilliseconds);
      inFlight--;
      const now = performance.now();
      if ("answer" in result) {
        const reason = (profile.check ?? expectOk)(result.answer, body);
        const tag = profile.tag?.(result.answer);
        mine.enterEnd(profile.name, reason === undefined ? "answered" : "wrong", now - sent, now, {
          ...(reason === undefined ? {} : { reason }),
          ...(tag === undefined ? {} : { tag }),
        });
      } else {
        mine.enterEnd(profile.name, result.outcome, now - sent, now, { reason: result.reason });
        // A server that is gone refuses at once: without a pause this would be a busy loop.
        await pause(10);
      }
      if (profile.pauseMilliseconds !== undefined) await pause(profile.pauseMilliseconds);
    }
    agent.destroy();
  };
  const clients = Promise.all(
    options.profiles.flatMap((profile) => Array.from({ length: profile.clients }, () => client(profile))),
  );

  return {
    get inFlight() {
      return inFlight;
    },
    mark() {
      const account = books.account(performance.now());
      books = new Books(performance.now());
      return account;
    },
    account: () => books.account(performance.now()),
    async stop() {
      stopped = true;
      const now = performance.now();
      await clients;
      return books.account(now);
    },
  };
}

type Result =
  { readonly answer: Answer } | { readonly outcome: Exclude<Outcome, "answered" | "wrong">; readonly reason: string };

async function ask(
  url: URL,
  profile: Profile,
  agent: Agent,
  body: string | undefined,
  timeout: number,
): Promise<Result> {
  return new Promise((resolve) => {
    const fail = (error: NodeJS.ErrnoException) =>
      resolve({ outcome: outcomeOf(error), reason: `${error.code ?? ""} ${error.message}`.trim() });
    const outgoing = request(
      {
        host: url.hostname,
        port: url.port,
        path: profile.path,
        method: profile.method,
        agent,
        ...(body === undefined ? {} : { headers: { "Content-Length": Buffer.byteLength(body) } }),
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
        response.on("error", fail);
        response.on("end", () => {
          clearTimeout(timer);
          if (response.complete)
            resolve({ answer: { status: response.statusCode ?? 0, headers: response.headers, body: text } });
          else fail(new Error("the answer ended early"));
        });
      },
    );
    const timer = setTimeout(
      () => outgoing.destroy(Object.assign(new Error(`no answer within ${timeout / 1000} s`), { code: "TIMEOUT" })),
      timeout,
    );
    outgoing.on("error", (error) => {
      clearTimeout(timer);
      fail(error);
    });
    outgoing.end(body);
  });
}

function outcomeOf(error: NodeJS.ErrnoException): "reset" | "refused" | "timedOut" {
  if (error.code === "ECONNREFUSED") return "refused";
  return error.code === "TIMEOUT" || error.code === "ETIMEDOUT" ? "timedOut" : "reset";
}

function expectOk({ status }: Answer): string | undefined {
  return status === 200 ? undefined : `status ${status}`;
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}
