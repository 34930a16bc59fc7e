import assert from "node:assert/strict";
import { titleOf } from "../faults/table/fault";
import { faults } from "../faults/table/index";
import type { Result } from "../faults/table/result";
import { Dice } from "../soak/dice";
import { kinds, stepOf } from "../soak/steps";
import { soakSection } from "../soak/page";
import { summaryOf } from "../soak/summary";

describe("soak", () => {
  describe("dice", () => {
    it("throw the same for a seed on any machine, and another for another seed", () => {
      const thrown = (seed: string) => {
        const dice = new Dice(seed);
        return Array.from({ length: 8 }, () => dice.below(100));
      };
      assert.deepEqual(thrown("a"), [44, 2, 70, 90, 98, 66, 72, 78]);
      assert.notDeepEqual(thrown("a"), thrown("b"));
    });

    it("give each value of a range, and none besides", () => {
      const dice = new Dice("range");
      const seen = new Set(Array.from({ length: 200 }, () => dice.between(2, 6)));
      assert.deepEqual([...seen].sort(), [2, 3, 4, 5, 6]);
    });

    it("pick nothing from nothing", () => {
      assert.throws(() => new Dice("none").pick([]), /nothing to pick from/);
    });
  });

  describe("steps", () => {
    const steps = Array.from({ length: 1500 }, (_, at) => stepOf("seed", at + 1));

    it("are the same for the same seed and number, whatever came before", () => {
      for (const number of [700, 3, 41]) {
        const { kind, fault } = stepOf("seed", number);
        assert.deepEqual([kind, fault.name], [steps[number - 1]?.kind, steps[number - 1]?.fault.name]);
      }
    });

    it("have every kind, every fault of the table, and every change", () => {
      assert.deepEqual([...new Set(steps.map(({ kind }) => kind))].sort(), [...kinds].sort());
      const made = new Set(steps.filter(({ kind }) => kind === "a fault").map(({ fault }) => titleOf(fault)));
      assert.deepEqual([...made].sort(), faults.map(titleOf).sort());
      const changes = new Set(
        steps
          .filter(({ kind }) => kind === "changes")
          .flatMap(({ fault }) => fault.name.replaceAll(/\d+/g, "0").split("; ")),
      );
      const ofApps = ["alpha", "beta"].flatMap((app) => [
        `${app} has 0 backends`,
        `another version of ${app}`,
        `${app} has WORD 0`,
        `${app} has the path /p0, too`,
        `${app} has weight 0`,
      ]);
      const methods = ["round_robin", "least_conn", "random"].map((method) => `method ${method}`);
      assert.deepEqual(
        [...changes].sort(),
        [
          ...ofApps,
          ...methods,
          ...["another certificate", "revision r0", "maxBodyMb 0", "drainSeconds 0", "spoolMb 0"],
        ].sort(),
      );
    });

    it("may lose what their fault may, and nothing otherwise", () => {
      for (const { kind, fault } of steps)
        if (kind === "changes" || kind === "an interrupted update") assert.equal(fault.allowed, undefined);
    });
  });

  it("adds up its steps by their kind, and in all", () => {
    const step = (number: number, kind: (typeof kinds)[number], result: Partial<Result>) => ({
      number,
      kind,
      name: "",
      result: { sent: 10, lost: 0, longestGap: number, failures: [], ...result } as unknown as Result,
    });
    const summary = summaryOf([
      step(1, "changes", {}),
      step(2, "a fault", { lost: 3 }),
      step(3, "changes", { failures: ["one", "another"] }),
    ]);
    assert.deepEqual(summary, [
      { kind: "changes", steps: 2, sent: 20, lost: 0, longestGap: 3, failed: 1 },
      { kind: "a fault", steps: 1, sent: 10, lost: 3, longestGap: 2, failed: 0 },
      { kind: "a fault during changes", steps: 0, sent: 0, lost: 0, longestGap: 0, failed: 0 },
      { kind: "an interrupted update", steps: 0, sent: 0, lost: 0, longestGap: 0, failed: 0 },
      { kind: "in all", steps: 3, sent: 30, lost: 3, longestGap: 3, failed: 1 },
    ]);
  });

  it("has a section with a row for each kind of step, and what was not as it has to be", () => {
    const summary = [{ kind: "changes", steps: 2, sent: 20, lost: 0, longestGap: 3.4, failed: 1 } as const];
    const failed = [{ number: 7, name: "changes: method random", failures: ["one", "another"] }];
    const section = soakSection({ version: "1.2.3", cores: 2, minutes: 5, seed: "s", summary, failed });
    assert.match(section, /--minutes 5 --seed s --update`, on Docker 1\.2 and 2 cores/);
    assert.match(section, /^\| changes \| 2 \| 20 \| 0 \| 3 \| 1 \|$/m);
    assert.match(section, /^- Step 7, changes: method random: one; another$/m);
  });
});
