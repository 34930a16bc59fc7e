import { apps } from "../faults/table/load";
import type { Ward } from "../faults/table/ward";
import type { Dice } from "./dice";

/** Something that the next update is to bring. */
export interface Change {
  readonly name: string;
  prepare(ward: Ward): Promise<void>;
}

const setting = (key: string, value: string | number): Change => ({
  name: `${key} ${value}`,
  prepare: (ward) => ward.stack.configure({ [key]: value }),
});

/** All kinds of changes. Each app keeps two backends or more: one whose only backend dies has no other that could answer. */
const kinds: readonly ((dice: Dice) => Change)[] = [
  (dice) => {
    const [app, count] = [dice.pick(apps), dice.between(2, 6)];
    return { name: `${app} has ${count} backends`, prepare: (ward) => ward.set(app, { count }) };
  },
  (dice) => {
    const app = dice.pick(apps);
    return { name: `another version of ${app}`, prepare: (ward) => ward.write(app) };
  },
  (dice) => {
    const [app, WORD] = [dice.pick(apps), `${dice.below(1000)}`];
    return { name: `${app} has WORD ${WORD}`, prepare: (ward) => ward.set(app, { env: { WORD } }) };
  },
  (dice) => {
    const [app, path] = [dice.pick(apps), `/p${dice.below(1000)}`];
    return { name: `${app} has the path ${path}, too`, prepare: (ward) => ward.set(app, { paths: ["/", path] }) };
  },
  (dice) => {
    const [app, weight] = [dice.pick(apps), dice.between(1, 9)];
    return { name: `${app} has weight ${weight}`, prepare: (ward) => ward.set(app, { weight }) };
  },
  () => ({ name: "another certificate", prepare: (ward) => ward.certify() }),
  (dice) => setting("revision", `r${dice.below(1000)}`),
  (dice) => setting("method", dice.pick(["round_robin", "least_conn", "random"])),
  (dice) => setting("maxBodyMb", dice.between(1, 1024)),
  // nginx keeps idle connections for a quarter of it: on a busy machine clients may be held up longer than half a second.
  (dice) => setting("drainSeconds", dice.between(4, 8)),
  (dice) => setting("spoolMb", dice.between(16, 512)),
];

/** One change, or two of different kinds at once. */
export function changesOf(dice: Dice): readonly Change[] {
  const [first, second] = [dice.below(kinds.length), dice.below(kinds.length)];
  const chosen = dice.below(2) === 0 || first === second ? [first] : [first, second];
  return chosen.flatMap((at) => kinds[at]?.(dice) ?? []);
}
