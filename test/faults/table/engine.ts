import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { until } from "../../../lib/until";
import type { Interruption } from "../../e2e/interrupted";
import type { StartedRun } from "../../e2e/stack";
import type { Fault } from "./fault";
import type { App } from "./load";
import { wordsOf, type Ward } from "./ward";

const group = "engine";

const uuid = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/;

/** A roll of an app that is under way: as far as its output holds a text, and so many milliseconds more. */
export async function rollTo(
  ward: Ward,
  app: App,
  { after, milliseconds }: Omit<Interruption, "signal">,
): Promise<StartedRun> {
  await ward.write(app);
  ward.ups++;
  const run = ward.stack.start("up");
  await until(`'${after.source}' in the output`, 90, () => run.hasEnded() || after.test(run.output()));
  await pause(milliseconds);
  return run;
}

/** Ends a roll by a signal. An engine that a signal has ended at once leaves its lock, which is taken away. */
export async function interruptRoll(ward: Ward, app: App, interruption: Interruption): Promise<void> {
  const run = await rollTo(ward, app, interruption);
  run.kill(interruption.signal);
  if ((await run.ended).code === null) await ward.stack.engineOk("cancel", "--yes");
}

/** Another one each time: each of these has had updates since. */
const setting = (ward: Ward) => ({ maxBodyMb: 20 + (ward.ups % 1000) });

export const engineFaults: readonly Fault[] = [
  ...(
    [
      ["as backends are made", /Container backends-alpha-0 creating/, 300],
      ["as it installs", /Command balancer-installed updating/, 900],
      ["as old backends are removed", /Container backends-alpha-\d deleting/, 0],
    ] as const
  ).map(([when, after, milliseconds]): Fault => ({
    group,
    name: `an update killed (SIGKILL) ${when}`,
    inject: (ward) => interruptRoll(ward, "alpha", { after, milliseconds, signal: "SIGKILL" }),
    lasts: 2,
    heal: "up --refresh",
  })),
  {
    group,
    name: "two updates at once",
    async inject(ward) {
      await ward.stack.configure(setting(ward));
      const runs = await Promise.all([ward.up(), ward.up()]);
      const failed = runs.filter(({ code }) => code !== 0);
      if (failed.length === 2) throw new Error(`both failed: ${runs.map(({ output }) => wordsOf(output)).join("; ")}`);
      const [refused] = failed;
      if (refused !== undefined && !/the stack is currently locked/.test(refused.output))
        throw new Error(`one failed: ${wordsOf(refused.output)}`);
    },
  },
  {
    group,
    name: "pulumi cancel while an update installs",
    async inject(ward) {
      const run = await rollTo(ward, "alpha", { after: /Command balancer-installed updating/, milliseconds: 300 });
      await ward.stack.engineOk("cancel", "--yes");
      await run.ended;
    },
    lasts: 2,
    heal: "up",
  },
  {
    group,
    name: "a state of before the last update put back",
    async inject(ward) {
      const { folder } = ward.stack;
      const backup = join(folder, "backup.json");
      await ward.stack.engineOk("stack", "export", "--file", backup);
      await ward.write("alpha");
      await ward.stack.configure(setting(ward));
      await ward.upOk();
      await ward.stack.engineOk("stack", "import", "--file", backup);
    },
    lasts: 2,
    heal: "up --refresh",
  },
  {
    group,
    name: "the state lost, and what runs adopted",
    async inject(ward) {
      await rm(join(ward.stack.folder, ".pulumi"), { recursive: true });
      await ward.stack.engineOk("stack", "init", ward.stack.name, "--no-select");
      const { code, output } = await ward.up();
      const adopt = uuid.exec(output)?.[0];
      if (code === 0 || adopt === undefined) throw new Error(`was to be refused: ${wordsOf(output)}`);
      await ward.stack.configure({ adopt });
      await ward.upOk();
      await ward.stack.configure({ adopt: undefined });
    },
  },
  {
    group,
    name: "the stack renamed, and back again",
    async inject(ward) {
      const { name } = ward.stack;
      await ward.stack.rename(`${name}-other`);
      try {
        const { code, output } = await ward.up();
        if (code === 0) throw new Error("an update of the renamed stack was to be refused");
        if (!/stack rename/.test(output)) throw new Error(`refused for another reason: ${wordsOf(output)}`);
      } finally {
        await ward.stack.rename(name);
      }
    },
    lasts: 2,
    heal: "up",
  },
];
