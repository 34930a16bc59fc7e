import { request, type Agent, type IncomingMessage, type RequestOptions } from "node:http";
import type { Outcome } from "./books";

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** What came of a request: an answer that is complete, be it right or wrong, or the way in which there was none. */
export type Result =
  { readonly answer: Answer } | { readonly outcome: Exclude<Outcome, "answered" | "wrong">; readonly reason: string };

/**
 * Sends one request, once, and never rejects.
 *
 * @param timeout how long the whole answer may take, in milliseconds
 * @param cut ends the request as timed out
 */
export function ask(
  options: RequestOptions,
  body: string | undefined,
  timeout: number,
  cut: AbortSignal,
): Promise<Result> {
  return new Promise((resolve) => {
    let settled = false;
    let begun = false;
    const settle = (result: Result) => {
      settled = true;
      clearTimeout(timer);
      cut.removeEventListener("abort", onCut);
      resolve(result);
    };
    const giveUp = (reason: string) => {
      if (settled) return;
      settle({ outcome: "timedOut", reason });
      outgoing.destroy();
    };
    const fail = (error: NodeJS.ErrnoException) =>
      settle({ outcome: outcomeOf(error, begun), reason: `${error.code ?? ""} ${error.message}`.trim() });
    const onCut = () => giveUp("no answer within the grace time");

    const outgoing = request(options, (response) => {
      begun = true;
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("error", fail);
      response.on("end", () =>
        settle({ answer: { status: response.statusCode ?? 0, headers: response.headers, body: text } }),
      );
    });
    outgoing.on("error", fail);
    // When this process was held up, the answer may be there already: it is read before the request is given up.
    const timer = setTimeout(() => void nextPoll().then(() => giveUp(`no answer within ${timeout / 1000} s`)), timeout);
    cut.addEventListener("abort", onCut);
    outgoing.end(body);
  });
}

/** Resolves when everything has been read that had arrived at the time of the call. */
export function nextPoll(): Promise<void> {
  // An immediate alone may come before the sockets are looked at, one that it sets comes after.
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}

/** Drops the idle connections that the server has ended. Node.js itself would still write to one for an instant. */
export function dropEndedSockets(agent: Agent): void {
  for (const sockets of Object.values(agent.freeSockets))
    for (const socket of sockets ?? []) if (socket.readableEnded) socket.destroy();
}

function outcomeOf(error: NodeJS.ErrnoException, begun: boolean): "reset" | "truncated" | "refused" | "timedOut" {
  if (error.code === "ECONNREFUSED") return "refused";
  if (error.code === "ETIMEDOUT") return "timedOut";
  return begun ? "truncated" : "reset";
}
