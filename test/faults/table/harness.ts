import { setTimeout as pause } from "node:timers/promises";
import { until } from "../../../lib/until";
import { messageOf } from "../../../lib/errors";
import type { Fault } from "./fault";
import type { Stretch } from "./load";
import { judge, lossesOf, type Result } from "./result";
import type { Ward } from "./ward";

/** How long `status` may take to name what is broken, in seconds: Docker looks at a backend's health every 3 s, 3 times. */
const namedSeconds = 40;

export interface Progress {
  status(text: string): void;
  readonly signal: AbortSignal;
}

/** Makes a fault once, and tells what came of it. The ward is whole afterwards, or was made anew. */
export async function runFault(fault: Fault, ward: Ward, progress: Progress): Promise<Result> {
  try {
    progress.status("is prepared");
    await fault.prepare?.(ward);
    return await makeFault(fault, ward, progress);
  } finally {
    await fault.restore?.(ward);
  }
}

async function makeFault(fault: Fault, ward: Ward, { status, signal }: Progress): Promise<Result> {
  status("waits until all is well");
  await ward.untilWhole(signal);
  const failures = failuresOf(await ward.load.steady(30), "before the fault");
  const before = await ward.inventory();
  const ups = ward.ups;
  const since = new Date();
  const start = performance.now();
  const said: string[] = [];
  ward.said.length = 0;
  let healed = "not at all";
  let seconds = 0;
  ward.load.mark();
  try {
    try {
      status("is hurt");
      await fault.inject(ward);
      healed = await heal(fault, ward, { status, signal }, said);
    } finally {
      await fault.mend?.(ward);
    }
    said.push(...(await ward.untilWhole(signal)));
    seconds = (performance.now() - start) / 1000;
    await ward.load.answered(20);
  } catch (error) {
    signal.throwIfAborted();
    failures.push(messageOf(error));
    healed = "not at all";
  }
  const stretch = ward.load.mark();
  failures.push(...judge(stretch, fault.allowed));
  const log = await ward.firstError(since).catch(() => "");
  if (healed !== "not at all") failures.push(...(await after(ward, before, ward.ups > ups, signal)));
  if (failures.length > 0 && (healed === "not at all" || !(await isWell(ward, signal)))) {
    status("is made anew");
    await ward.makeAnew();
  }
  return resultOf(fault, stretch, {
    healed,
    seconds,
    beside: [...ward.said],
    status: [...new Set(said)],
    log,
    failures,
  });
}

/** Lets it last, and has it healed in the way that the fault says. */
async function heal(fault: Fault, ward: Ward, progress: Progress, said: string[]): Promise<string> {
  // What has died may be listed as running for a moment.
  const { heal: way = "alone", lasts = way === "alone" ? 2 : undefined } = fault;
  const { status, signal } = progress;
  const look = async () => {
    const { drift } = await ward.status().catch(() => ({ drift: [] }));
    said.push(...drift);
    return drift.length > 0;
  };
  // The engine's state is another one than that of the last update.
  if (fault.group === "engine") await ward.look().catch(() => undefined);
  if (lasts !== undefined) {
    status(`lasts ${lasts} s`);
    const end = performance.now() + lasts * 1000;
    while (performance.now() < end) {
      signal.throwIfAborted();
      // What is looked at may be silent.
      await Promise.race([look(), pause(end - performance.now())]);
      await pause(Math.min(500, Math.max(0, end - performance.now())));
    }
  } else if (way !== "alone") {
    status("waits until status names it");
    await until("status names it", { within: namedSeconds, pollMilliseconds: 500, signal }, look);
  }
  await fault.mend?.(ward);
  if (way === "alone") {
    status("waits until it is whole alone");
    said.push(...(await ward.untilWhole(signal)));
    return way;
  }
  status(`pulumi ${way}`);
  await ward.upOk(...way.split(" ").slice(1));
  return way;
}

/** What is not as it has to be afterwards: answers, leftovers, what the engine would change. */
async function after(ward: Ward, before: string, wasUpdated: boolean, signal: AbortSignal): Promise<string[]> {
  signal.throwIfAborted();
  const found = failuresOf(await ward.load.steady(30), "afterwards");
  const idle = await ward.idle(10);
  if (idle.length > 0) found.push(`gets no requests afterwards: ${idle.join(", ")}`);
  const now = await ward.inventory();
  if (now !== before) found.push(`left over: ${now} after, ${before} before`);
  if (wasUpdated) {
    const { code, output } = await ward.stack.engine("preview", "--expect-no-changes");
    if (code !== 0)
      found.push(
        `another update would change something: ${output.split("\n").filter(Boolean).slice(0, 12).join(" / ")}`,
      );
  }
  return found;
}

function failuresOf({ byReason }: Stretch, when: string): string[] {
  return Object.entries(byReason).map(([reason, count]) => `${when}: ${count} ${reason}`);
}

async function isWell(ward: Ward, signal: AbortSignal): Promise<boolean> {
  try {
    await ward.untilWhole(signal, 5);
    return failuresOf(await ward.load.steady(10), "").length === 0;
  } catch {
    return false;
  }
}

function resultOf(
  { group, name }: Fault,
  stretch: Stretch,
  rest: Pick<Result, "healed" | "seconds" | "beside" | "status" | "log" | "failures">,
): Result {
  const reasons = Object.entries(stretch.byReason).sort(([, a], [, b]) => b - a);
  return {
    group,
    name,
    rounds: 1,
    sent: stretch.sent,
    lost: stretch.lost,
    ...lossesOf(stretch),
    longestGap: Math.round(stretch.longestGap),
    max: Math.round(stretch.max),
    reasons: Object.fromEntries(reasons.slice(0, 6)),
    ...rest,
    seconds: Math.round(rest.seconds * 10) / 10,
  };
}
