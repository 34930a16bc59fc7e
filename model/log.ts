import { z } from "zod";
import { parseJson } from "../lib/json";

/** One try to have a request answered. */
export interface Attempt {
  /** ADDRESS:PORT that was asked; the upstream's name where none of its servers could be. */
  readonly address: string;
  /** Whose address that was; empty where nobody's that is known. */
  readonly app: string;
  readonly backend: string;
  /** Undefined where there was no answer. */
  readonly status?: number;
  readonly seconds?: number;
}

/** What is known of a request; docs/observability/log.md. */
export interface RequestLine {
  readonly kind: "request";
  /** When it was over, in ISO 8601. */
  readonly time: string;
  /** What it is found by, in the app's own log, too, and at the client: `X-Request-ID`. */
  readonly id: string;
  readonly client: string;
  /** The host as the config has it; `any` for those of the apps without hosts, empty for names that nobody has. */
  readonly site: string;
  /** As the client has called it. */
  readonly host: string;
  /** Path of the route that it took; empty where it took none. */
  readonly route: string;
  /** The last one that was asked. */
  readonly app: string;
  readonly backend: string;
  readonly method: string;
  /** What was asked for, as the client has sent it. */
  readonly target: string;
  readonly protocol: string;
  /** For example TLSv1.3; empty in plain. */
  readonly tls: string;
  /** 0 where the client has got no answer. */
  readonly status: number;
  /** Sent to the client, and received from it. */
  readonly bytes: number;
  readonly received: number;
  /** From its first byte to the answer's last one. */
  readonly seconds: number;
  readonly attempts: readonly Attempt[];
  /** MISS, HIT, ... ; empty where nothing is kept. */
  readonly cache: string;
  readonly agent: string;
}

/** What a container has printed. */
export interface TextLine {
  readonly kind: "nginx" | "backend";
  readonly time: string;
  readonly app: string;
  /** Alias; empty for nginx. */
  readonly backend: string;
  readonly text: string;
}

export type LogLine = RequestLine | TextLine;

/** Whose an address is, as the lines before tell. */
export type Names = Map<string, { readonly app: string; readonly backend: string }>;

const requestSchema = z.object({
  ...{ time: z.number(), id: z.string(), client: z.string(), site: z.string(), host: z.string(), route: z.string() },
  ...{ method: z.string(), target: z.string(), protocol: z.string(), tls: z.string(), status: z.string() },
  ...{ bytes: z.number(), received: z.number(), seconds: z.number() },
  ...{ addresses: z.string(), statuses: z.string(), times: z.string(), cache: z.string(), agent: z.string() },
});
const nameSchema = z.object({ address: z.string(), app: z.string(), backend: z.string() });

/**
 * Reads a line of the log that nginx writes with `accessLog: json`.
 *
 * @param names whose addresses are known; a line that tells of one is noted there
 * @returns undefined for such a line, and for one that isn't whole, as a full disk leaves it
 */
export function readLogLine(line: string, names: Names): RequestLine | undefined {
  const value = parseJson(line);
  const name = nameSchema.safeParse(value);
  if (name.success) {
    const { address, app, backend } = name.data;
    names.set(address, { app, backend });
    return undefined;
  }
  const { data } = requestSchema.safeParse(value);
  if (data === undefined) return undefined;
  const { time, status, addresses, statuses, times, ...rest } = data;
  const [codes, seconds] = [numbersOf(statuses), numbersOf(times)];
  const attempts = partsOf(addresses).flatMap((address, at) => {
    // nginx' own, of requests that wait.
    if (address.startsWith("unix:")) return [];
    const { app, backend } = names.get(address) ?? { app: "", backend: "" };
    const [code, lasted] = [codes[at], seconds[at]];
    return { address, app, backend, ...(code !== undefined && { status: code }), ...(lasted !== undefined && { seconds: lasted }) }; // prettier-ignore
  });
  const { app = "", backend = "" } = attempts.at(-1) ?? {};
  const at = new Date(time * 1000).toISOString();
  return { kind: "request", time: at, app, backend, status: Number(status), attempts, ...rest };
}

/** nginx separates attempts by commas, and by colons where it has begun anew. */
const partsOf = (list: string) => (list === "" ? [] : list.split(/, | : /));
const numbersOf = (list: string) => partsOf(list).map((part) => (part === "-" ? undefined : Number(part)));

/** Which lines are wanted; what is not said is no matter. */
export interface LogFilter {
  readonly site?: string | undefined;
  readonly app?: string | undefined;
  readonly backend?: string | undefined;
  readonly id?: string | undefined;
  /** For example 404, or 5xx. */
  readonly status?: readonly string[] | undefined;
  readonly only?: "requests" | "nginx" | "backends" | undefined;
  /** In ISO 8601. */
  readonly since?: string | undefined;
}

/** What a status may be asked for by. */
export const statusPattern = /^[1-5](?:xx|\d\d)$/;

/** Whether nothing but requests can be wanted. */
export function isForRequests({ site, id, status, only }: LogFilter): boolean {
  return only === "requests" || [site, id, status].some((one) => one !== undefined);
}

export function isWanted(line: LogLine, filter: LogFilter): boolean {
  const { site, app, backend, id, status, only, since } = filter;
  if (since !== undefined && line.time < since) return false;
  const isRequest = line.kind === "request";
  if (only !== undefined && { request: "requests", nginx: "nginx", backend: "backends" }[line.kind] !== only)
    return false;
  if (!isRequest && isForRequests(filter)) return false;
  const backends = isRequest ? line.attempts : [line];
  if (app !== undefined && !backends.some((one) => one.app === app)) return false;
  if (backend !== undefined && !backends.some((one) => one.backend === backend)) return false;
  if (!isRequest) return true;
  const has = (pattern: string) => String(line.status).padStart(3, "0").startsWith(pattern.replace("xx", ""));
  return (site ?? line.site) === line.site && (id ?? line.id) === line.id && (status?.some(has) ?? true);
}

export type Paint = (style: "red" | "yellow" | "green" | "cyan" | "dim", text: string) => string;

/** A line for people. */
export function showLogLine(line: LogLine, paint: Paint): string {
  const time = paint("dim", line.time.slice(11, -1));
  if (line.kind !== "request") return `${time} ${paint("cyan", line.backend || line.kind)} ${printable(line.text)}`;
  const { status, method, host, target, seconds, attempts, id } = line;
  const style = status >= 500 || status < 200 ? "red" : status >= 400 ? "yellow" : "green";
  const tries = attempts.map(
    (one) => `${one.backend || one.address}${attempts.length > 1 ? ` ${one.status ?? "-"}` : ""}`,
  );
  const parts = [
    time,
    paint(style, String(status).padStart(3, "0")),
    printable(`${method} ${host}${target}`),
    `${seconds.toFixed(3)} s`,
    ...(tries.length === 0 ? [] : [paint("cyan", tries.join(" > "))]),
    paint("dim", id),
  ];
  return parts.join(" ");
}

/** Text of strangers must not command the terminal. */
function printable(text: string): string {
  return text.replace(
    /[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g,
    (one) => `\\x${one.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}
