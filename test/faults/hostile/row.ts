/** What a client sends on one connection, and what is right to come of it. */
export interface Row {
  readonly name: string;
  /** Each character is a byte. */
  readonly raw: string;
  /**
   * What the client gets: statuses, frames that say no, and `closed` where the connection has ended; `nothing` while all wait.
   * `or` is between what a race decides on; `at most`: anything, but no more goes out than `out`.
   */
  readonly gets: string;
  /** What backends get: method, target, and the body where there is one. */
  readonly out: readonly string[];
}

/** Rows of one kind. */
export interface Section {
  readonly title: string;
  readonly protocol: "http/1.1" | "h2";
  readonly rows: readonly Row[];
}

export const row = (name: string, raw: string, gets: string, ...out: string[]): Row => ({ name, raw, gets, out });

/** The bytes of a request: its lines, and what follows them. */
export const message = (lines: readonly string[], body = ""): string => [...lines, "", body].join("\r\n");

export const host = "Host: shop.example";

/** A request that stands where a body may be. */
export const inner = message(["GET /inner HTTP/1.1", host]);

export const post = (headers: readonly string[], body = ""): string =>
  message(["POST /x HTTP/1.1", host, ...headers], body);
export const get = (target: string, ...headers: string[]): string =>
  message([`GET ${target} HTTP/1.1`, host, ...headers]);
