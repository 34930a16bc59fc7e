import { styleText } from "node:util";
import { setTimeout as pause } from "node:timers/promises";
import {
  isWanted,
  readLogLine,
  showLogLine,
  statusPattern,
  type LogFilter,
  type LogLine,
  type Names,
} from "../model/log";
import { currentRelease, logPlanFile } from "../model/layout";
import { balancerOf, listContainers } from "../rollout/containers";
import { tryDocker } from "../rollout/docker";
import type { ObservedContainer } from "../rollout/observed";
import { orInterrupted, parseInteger, parseOptions, runMain, untilInterrupted, UserError } from "./cli";
import { readOn, type Offsets } from "./logs/access";
import { isSource, readPrinted } from "./logs/containers";
import { stackLabelOf } from "./status";

const help = `Usage: npm run logs [-- OPTIONS]

Shows requests, what nginx says and what backends print, in the order of their times. Requests are there with
\`accessLog: json\` (docs/observability/log.md). Changes nothing.

  --site HOST      requests for a host of the config; any: those of the apps without hosts
  --status LIST    requests that were answered so: 404, 5xx, or several with commas
  --id ID          the request of this X-Request-ID
  --app NAME       what an app's backends have got and printed
  --backend ALIAS  the same of one backend
  --only KIND      requests, nginx or backends
  --since TIME     from then on: 90s, 10m, 2h, 1d, or a time in ISO 8601
  --tail N         the last N lines, or all; default 1000
  --follow, -f     goes on until Ctrl-C
  --json           one JSON object a line; where the output is no terminal, that is the default
  --stack NAME     the stack, default dev

Exit code 1 when there is no such stack, 2 for an option that can't be.
`;

/** How long a line waits for others that are earlier: nginx writes requests up to a second late, a busy one later. */
const settledMs = 2000;

const kinds = ["requests", "nginx", "backends"] as const;

/** The time that `--since` means, in ISO 8601. */
export function sinceOf(text: string, now: Date): string {
  const [, number, unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const seconds = { s: 1, m: 60, h: 3600, d: 86400 }[unit];
  const time = seconds === undefined ? new Date(text) : new Date(now.getTime() - Number(number) * seconds * 1000);
  if (Number.isNaN(time.getTime()))
    throw new UserError(`--since: got ${text}, expected for example 10m, 2h or 2026-01-31T10:00:00Z`, 2);
  return time.toISOString();
}

/** @throws UserError that names the option, what it got and what is allowed */
function filterOf({ only, since, status, ...rest }: Asked): LogFilter {
  const statuses = status?.split(",");
  for (const one of statuses ?? [])
    if (!statusPattern.test(one)) throw new UserError(`--status: got ${one}, expected for example 404 or 5xx`, 2);
  const kind = kinds.find((one) => one === only);
  if (only !== undefined && kind === undefined)
    throw new UserError(`--only: got ${only}, expected one of ${kinds.join(", ")}`, 2);
  return { ...rest, status: statuses, only: kind, since: since === undefined ? undefined : sinceOf(since, new Date()) };
}

/** What lines are asked for, as the options have it. */
type Asked = Readonly<Partial<Record<"site" | "app" | "backend" | "id" | "status" | "only" | "since", string>>>;

async function main(args: string[]): Promise<void> {
  const text = { type: "string" } as const;
  const names = { site: text, app: text, backend: text, id: text, status: text, only: text, since: text };
  const options = { ...names, tail: text, follow: { type: "boolean", short: "f" }, json: { type: "boolean" }, stack: text } as const; // prettier-ignore
  const { stack = "dev", follow = false, json, tail = "1000", ...asked } = parseOptions(args, options, help);
  const filter = filterOf(asked);
  const most = tail === "all" ? Infinity : parseInteger("tail", tail, 0, 1e9);
  const isJson = json ?? !process.stdout.isTTY;
  const print = (line: LogLine) =>
    process.stdout.write(`${isJson ? JSON.stringify(line) : showLogLine(line, styleText)}\n`);
  // Whoever reads may have enough.
  process.stdout.on("error", () => process.exit(0));
  const label = stackLabelOf(stack);
  const containers = await listContainers(label);
  const balancer = balancerOf(containers);
  if (balancer === undefined) throw new UserError(`Stack ${stack} has nothing running: npm run up starts it.`);
  const signal = untilInterrupted();
  await orInterrupted(signal, () => show({ label, filter, most, follow, print, signal }, containers));
}

interface Showing {
  readonly label: string;
  readonly filter: LogFilter;
  readonly most: number;
  readonly follow: boolean;
  readonly print: (line: LogLine) => void;
  readonly signal: AbortSignal;
}

async function show(
  { label, filter, most, follow, print, signal }: Showing,
  listed: ObservedContainer[],
): Promise<void> {
  const names: Names = new Map();
  const offsets: Offsets = new Map();
  let waiting: LogLine[] = [];
  const take = (line: LogLine | undefined) => {
    if (line !== undefined && isWanted(line, filter)) waiting.push(line);
  };
  const wantsRequests = filter.only === undefined || filter.only === "requests";
  const readRequests = async (balancer: ObservedContainer | undefined) => {
    if (!wantsRequests || balancer?.state !== "running") return;
    for (let isMore = true; isMore && !signal.aborted;) {
      const read = await readOn(balancer.id, offsets).catch(async (error: unknown) => {
        // The next balancer goes on in the same files.
        if (balancerOf(await listContainers(label))?.id === balancer.id) throw error;
        return { lines: [], isMore: false };
      });
      isMore = read.isMore;
      for (const line of read.lines) take(readLogLine(line, names));
      // No more of them than can be shown.
      if (waiting.length > 4 * most && isMore) waiting = lastOf(waiting, most);
    }
  };
  const balancer = balancerOf(listed);
  if (wantsRequests && balancer?.state === "running") {
    const { code } = await tryDocker(
      "exec",
      balancer.id,
      "grep",
      "-q",
      "^log access",
      `${currentRelease}/${logPlanFile}`,
    );
    if (code !== 0) process.stderr.write("Requests are not logged: that takes `accessLog: json`.\n");
  }
  const last = new Map<string, string>();
  const there = { follow: false, since: filter.since, tail: most === Infinity ? undefined : most, last, signal };
  const sources = listed.filter((one) => isSource(one, filter));
  await Promise.all([readRequests(balancer), ...sources.map((one) => readPrinted(one, there, take))]);
  const begun = new Date().toISOString();
  waiting = lastOf(waiting, most);
  const followed = new Set<string>();
  while (follow && !signal.aborted) {
    const containers = await listContainers(label);
    for (const one of containers)
      if (one.state === "running" && isSource(one, filter) && !followed.has(one.id)) {
        followed.add(one.id);
        const further = { follow: true, since: begun, last, signal };
        void readPrinted(one, further, take).then(() => followed.delete(one.id));
      }
    const settled = new Date(Date.now() - settledMs).toISOString();
    await readRequests(balancerOf(containers));
    for (const line of sorted(waiting)) if (line.time < settled) print(line);
    waiting = waiting.filter(({ time }) => time >= settled);
    await pause(1000, undefined, { signal }).catch(() => undefined);
  }
  for (const line of sorted(waiting)) print(line);
}

/** @param count Infinity for all */
const lastOf = (lines: readonly LogLine[], count: number) => (count === 0 ? [] : sorted(lines).slice(-count));

const sorted = (lines: readonly LogLine[]) =>
  [...lines].sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));

if (require.main === module) runMain(main);
