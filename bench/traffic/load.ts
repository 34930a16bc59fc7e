import type { Lab } from "./lab";

/** How a load is made. */
export interface LoadPlan {
  /** Kept connections. */
  readonly connections: number;
  readonly seconds: number;
  /** Default true; else each request has a connection of its own. */
  readonly isKept?: boolean;
}

/** Where a load is made: in the network namespace of a server, or in the host's. */
export interface Target {
  readonly lab: Lab;
  /** The image with the load generators. */
  readonly tools: string;
  readonly place: string;
  /** Whom it asks; default: 127.0.0.1. */
  readonly host?: string;
  readonly port: number;
  /** Default false: in plain. */
  readonly isTls?: boolean;
}

/** What a closed loop gave. */
export interface Throughput {
  /** Answered requests per second. */
  readonly rate: number;
  /** What went wrong meanwhile, in the load generator's words; undefined for nothing. */
  readonly failures: string | undefined;
}

/** Requests as fast as they are answered (closed loop, wrk). */
export async function throughput(
  { lab, tools, place, host = "127.0.0.1", port, isTls = false }: Target,
  { connections, seconds, isKept = true }: LoadPlan,
): Promise<Throughput> {
  const options = ["--threads", "2", "--connections", String(connections), "--duration", `${seconds}s`];
  if (!isKept) options.push("--header", "Connection: close");
  const url = `${isTls ? "https" : "http"}://${host}:${port}/`;
  return parseThroughput(await lab.runBeside(place, tools, ["wrk", ...options, url]));
}

/**
 * Reads wrk's own words.
 *
 * @throws Error when there is no throughput in them
 */
export function parseThroughput(output: string): Throughput {
  const rate = /Requests\/sec:\s+([\d.]+)/.exec(output)?.[1];
  if (rate === undefined) throw new Error(`wrk printed no throughput:\n${output}`);
  return { rate: Number(rate), failures: /Non-2xx or 3xx responses: .*|Socket errors: .*/.exec(output)?.[0] };
}

/** One request of a load at a fixed rate. */
export interface TimedRequest {
  /** When it was sent, in milliseconds since the epoch. */
  readonly sent: number;
  /** Until its answer had ended, in milliseconds. */
  readonly took: number;
}

/**
 * Requests at a fixed rate over as many connections as planned (vegeta). A request's time counts from when it was due: one
 * that had to wait for a free connection was late, and so was everyone behind it.
 *
 * @param rate requests per second
 * @throws Error when a single request failed
 */
export async function atRate(target: Target, plan: LoadPlan, rate: number): Promise<TimedRequest[]> {
  return sinceDue(await vegeta(target, plan, Math.round(rate)), Math.round(rate));
}

/**
 * Requests per second of the same generator as fast as they are answered, which costs more per request than wrk's.
 *
 * @throws Error when a single request failed
 */
export async function mostRate(target: Target, plan: LoadPlan): Promise<number> {
  return (await vegeta(target, plan, 0)).length / plan.seconds;
}

/** Requests at a fixed rate with their times from when they were due instead of from when they were sent. */
export function sinceDue(requests: readonly TimedRequest[], rate: number): TimedRequest[] {
  const inTurn = [...requests].sort((a, b) => a.sent - b.sent);
  const start = inTurn[0]?.sent ?? 0;
  return inTurn.map(({ sent, took }, index) => {
    const due = Math.min(sent, start + (index * 1000) / rate);
    return { sent: due, took: sent + took - due };
  });
}

/** @param rate requests per second, 0 for as many as are answered */
async function vegeta(
  { lab, tools, place, host = "127.0.0.1", port }: Target,
  { connections, seconds }: LoadPlan,
  rate: number,
): Promise<TimedRequest[]> {
  const limits = [`-rate=${rate}/s`, `-duration=${seconds}s`, `-max-workers=${connections}`];
  const attack = ["vegeta attack -max-body=0", `-connections=${connections}`, ...limits].join(" ");
  const request = `GET http://${host}:${port}/`;
  const script = `echo '${request}' | ${attack} | vegeta encode --to csv | cut --delimiter=, --fields=1-3,6`;
  return parseRequests(await lab.runBeside(place, tools, ["bash", "-c", script]));
}

/** The requests of vegeta's table: time stamp, status (0 for no answer), latency, why there is no answer; times in nanoseconds. */
export function parseRequests(table: string): TimedRequest[] {
  const rows = table.split("\n").filter(Boolean);
  if (rows.length === 0) throw new Error("the load printed no request");
  return rows.map((row) => {
    const [sent, status, took, ...error] = row.split(",");
    if (status !== "200") throw new Error(`a request was answered with ${status}: ${error.join(",")}`);
    return { sent: Number(sent) / 1e6, took: Number(took) / 1e6 };
  });
}

/**
 * The time within which a share of the requests was answered, in milliseconds.
 *
 * @param share above 0, up to 1: 0.99 for the 99th percentile
 */
export function percentile(requests: readonly TimedRequest[], share: number): number {
  const times = requests.map(({ took }) => took).sort((a, b) => a - b);
  const value = times[Math.ceil(times.length * share) - 1];
  if (value === undefined) throw new RangeError("requests: got none, expected at least one");
  return value;
}
