import { setTimeout as pause } from "node:timers/promises";
import { describeInterruption, interruptions } from "../e2e/interrupted";
import { titleOf, type Fault } from "../faults/table/fault";
import { faults } from "../faults/table/index";
import { interruptRoll } from "../faults/table/engine";
import { apps } from "../faults/table/load";
import type { Ward } from "../faults/table/ward";
import { changesOf, type Change } from "./changes";
import { Dice } from "./dice";

export const kinds = ["changes", "a fault", "a fault during changes", "an interrupted update"] as const;
export type Kind = (typeof kinds)[number];

export interface Step {
  readonly kind: Kind;
  readonly name: string;
  /** What is done, and how the stack has to come out of it. */
  readonly fault: Fault;
}

/** Faults that are one blow, without an update of their own: they can come while one goes on. */
const blows = faults.filter(({ group, name }) =>
  [
    "balancer: docker restart",
    "balancer: killed (SIGKILL)",
    "balancer: one of its nginx workers killed (SIGKILL)",
    "balancer: the entry of the plain port killed (SIGKILL)",
    "backend: killed (SIGKILL)",
    "backend: its worker killed for its memory (OOM)",
    "backend: docker stop",
    "backend: docker rm --force",
    "backend: docker pause",
    "backend: resets each connection after half a body",
  ].includes(titleOf({ group, name })),
);

const prepareAll = async (changes: readonly Change[], ward: Ward) => {
  for (const change of changes) await change.prepare(ward);
};

const namesOf = (changes: readonly Change[]) => changes.map(({ name }) => name).join("; ");

const makers: Readonly<Record<Kind, (dice: Dice) => Fault>> = {
  changes(dice) {
    const changes = changesOf(dice);
    return {
      group: "engine",
      name: namesOf(changes),
      async inject(ward) {
        await prepareAll(changes, ward);
        await ward.upOk();
      },
      lasts: 0,
    };
  },

  "a fault": (dice) => dice.pick(faults),

  "a fault during changes"(dice) {
    const [changes, blow, milliseconds] = [changesOf(dice), dice.pick(blows), dice.below(9000)];
    return {
      ...blow,
      group: "engine",
      name: `${namesOf(changes)}; ${milliseconds} ms after the update's start, ${titleOf(blow)}`,
      async inject(ward) {
        await prepareAll(changes, ward);
        const update = ward.up();
        await pause(milliseconds);
        await blow.inject(ward);
        // It may fail for that; the next one must not.
        await update;
      },
      lasts: blow.lasts ?? 0,
      heal: "up --refresh",
    };
  },

  "an interrupted update"(dice) {
    const [app, interruption, isTakenBack] = [dice.pick(apps), dice.pick(interruptions), dice.below(2) === 1];
    const after = new RegExp(interruption.after.source.replace("fixture", app));
    const then = isTakenBack ? "taken back" : "gone on with";
    return {
      group: "engine",
      name: `another version of ${app}, ${describeInterruption({ ...interruption, after })}, ${then}`,
      async inject(ward) {
        const before = ward.version(app);
        await interruptRoll(ward, app, { ...interruption, after });
        if (isTakenBack) await ward.write(app, before);
      },
      lasts: 0,
      heal: "up --refresh",
    };
  },
};

/** How often each kind comes, of all that are named here. */
const shares: readonly Kind[] = [
  ...Array<Kind>(8).fill("changes"),
  ...Array<Kind>(7).fill("a fault"),
  ...Array<Kind>(3).fill("a fault during changes"),
  ...Array<Kind>(2).fill("an interrupted update"),
];

/**
 * A step of a soak. It depends on nothing but the seed and its number, so that any can be done again.
 *
 * @param number from 1 on
 */
export function stepOf(seed: string, number: number): Step {
  const dice = new Dice(`${seed}, step ${number}`);
  const kind = dice.pick(shares);
  const fault = makers[kind](dice);
  return { kind, name: `${kind}: ${kind === "a fault" ? titleOf(fault) : fault.name}`, fault };
}
