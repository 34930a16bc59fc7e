import { request } from "node:http";

export interface AnswerPlain {
  readonly status: number;
  /** The version of the app that has answered; "nginx" where none has. */
  readonly version: string;
  /** The name of the container that has answered; empty where nginx has. */
  readonly backend: string;
  /** Where the client is sent; empty: nowhere. */
  readonly location: string;
}

/** Asks for a host without TLS, on a connection of its own; the answer's body is not read. */
export async function askPlain(
  url: string,
  host: string,
  { path = "/", method = "GET" }: { readonly path?: string; readonly method?: string } = {},
): Promise<AnswerPlain> {
  return new Promise((resolve, reject) => {
    request(url, { path, method, agent: false, headers: { Host: host } }, (answer) => {
      const { statusCode: status = 0, headers } = answer.resume();
      const [version, backend] = [String(headers["x-version"] ?? "nginx"), String(headers["x-backend"] ?? "")];
      resolve({ status, version, backend, location: headers.location ?? "" });
    })
      .on("error", reject)
      .end();
  });
}
