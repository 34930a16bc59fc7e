import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { listContainers } from "../../rollout/containers";
import { leftImages } from "../../rollout/images";
import type { Load } from "../../scripts/load/load";
import type { FixtureApp } from "./app";
import { assertNoneLost } from "./books";
import type { TestStack } from "./stack";
import { until } from "./until";

/** Where in a roll an update is interrupted: as soon as its output holds a text, and so many milliseconds later. */
export interface Interruption {
  readonly after: RegExp;
  readonly milliseconds: number;
  readonly signal: "SIGINT" | "SIGKILL";
}

const moments: readonly Omit<Interruption, "signal">[] = [
  { after: /Updating/, milliseconds: 0 },
  { after: /RemoteImage images-fixture creating/, milliseconds: 0 },
  { after: /Container backends-fixture-0 creating/, milliseconds: 0 },
  { after: /Container backends-fixture-0 creating/, milliseconds: 300 },
  { after: /Command balancer-installed updating/, milliseconds: 0 },
  { after: /Command balancer-installed updating/, milliseconds: 600 },
  { after: /Command balancer-installed updating/, milliseconds: 1000 },
  { after: /Command balancer-installed updating/, milliseconds: 1300 },
  { after: /Command balancer-installed updating/, milliseconds: 1600 },
  { after: /Command balancer-installed updating/, milliseconds: 2500 },
  { after: /Command balancer-installed updated/, milliseconds: 0 },
  { after: /Container backends-fixture-\d deleting/, milliseconds: 0 },
];

/** Every moment with every signal. */
export const interruptions: readonly Interruption[] = moments.flatMap((moment) =>
  (["SIGINT", "SIGKILL"] as const).map((signal) => ({ ...moment, signal })),
);

export function describeInterruption({ after, milliseconds, signal }: Interruption): string {
  return `${signal} ${milliseconds} ms after '${after.source}'`;
}

/**
 * Interrupts a roll, then checks that nothing was lost and that the next update converges. Gives whether the update really
 * was interrupted: the last moments may be too late for that.
 *
 * @param version the new version; with `goBack` the next update is to the version of before
 */
export async function interruptRoll(
  { stack, app, load }: { stack: TestStack; app: FixtureApp; load: Load },
  interruption: Interruption,
  { before, version, goBack }: { before: string; version: string; goBack: boolean },
): Promise<boolean> {
  load.mark();
  await app.write(version);
  const run = stack.start("up");
  await until(
    `'${interruption.after.source}' in the output`,
    60,
    async () => run.hasEnded() || interruption.after.test(run.output()),
  );
  await pause(interruption.milliseconds);
  run.kill(interruption.signal);
  const { code } = await run.ended;
  assertNoneLost(load.mark(), 1);

  if (goBack) await app.write(before);
  // An engine that a signal has ended leaves its lock, and creations of which it doesn't know how they ended. SIGINT does
  // so when it comes between the lock and the engine's first look for signals.
  if (code === null) await stack.engineOk("cancel", "--yes");
  const outputs = await stack.up("--refresh");
  assertNoneLost(load.mark(), 1);
  const { backends } = await stack.containers();
  assert.deepEqual(backends.map(({ alias }) => alias).sort(), outputs.backends.map(({ alias }) => alias).sort());
  assert.equal(await stack.liveText(), outputs.upstreamConfig);
  assert.deepEqual(await leftImages(stack.stackLabel, await listContainers(stack.stackLabel)), []);
  for (let sent = 0; sent < 6; sent++) assert.equal(await (await fetch(outputs.url)).text(), goBack ? before : version);
  await stack.engineOk("preview", "--expect-no-changes");
  return code !== 0;
}
