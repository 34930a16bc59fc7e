import { createHash } from "node:crypto";

/** Throws the same numbers for the same seed, on any machine. */
export class Dice {
  private throws = 0;

  constructor(private readonly seed: string) {}

  /** An integer from 0 to one less than the bound. */
  below(bound: number): number {
    const digest = createHash("sha256").update(`${this.seed}, throw ${++this.throws}`).digest();
    return digest.readUIntBE(0, 6) % bound;
  }

  /** An integer of a range, both ends included. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  /** @throws Error where there is nothing to pick from */
  pick<T>(values: readonly T[]): T {
    const value = values[this.below(values.length)];
    if (value === undefined) throw new Error("there is nothing to pick from");
    return value;
  }
}
