import { interleave, type PartContext, type Series } from "../part";
import { median } from "../statistics";
import { Compose } from "./compose";
import { Ours } from "./ours";
import type { Side } from "./side";
import { Source } from "./source";

/** A run that changes nothing is short: in a turn it is made so often, and the median counts. */
export const unchangedRuns = 3;

export interface Measurement {
  /** What makes the sides, by their names. */
  readonly make: Readonly<Record<string, (source: Source) => Promise<Side>>>;
  /** One turn of a side, from nothing to nothing: gives the values that it adds, by what they are of. */
  turn(side: Side, source: Source): Promise<Readonly<Record<string, number>>>;
}

/** The series of what a side's turns give. */
export function seriesName(side: string, what: string): string {
  return `${side}: ${what}`;
}

/**
 * This project and Docker Compose.
 *
 * @param healthIntervalSeconds between two of Docker's checks of Compose's backends
 */
export function oursAndCompose(healthIntervalSeconds: number, context: PartContext): Measurement["make"] {
  return {
    ours: (source) => Ours.create(source, context.signal),
    compose: (source) => Compose.create(source, healthIntervalSeconds, context),
  };
}

/** Makes the sides, lets them take turns, and removes them however that ends. */
export async function measureSides({ make, turn }: Measurement, context: PartContext): Promise<Series> {
  const source = await Source.create();
  const sides = new Map<string, Side>();
  try {
    for (const [name, create] of Object.entries(make)) sides.set(name, await create(source));
    if (!context.tiny) await warmUp([...sides.values()], context);
    return await interleave([...sides.keys()], context, async (name) => {
      await source.change();
      const values = Object.entries(await turn(sides.get(name) as Side, source));
      return Object.fromEntries(values.map(([what, value]) => [seriesName(name, what), value]));
    });
  } finally {
    await Promise.all([...sides.values(), source].map((it) => it.remove()));
  }
}

/** Fills the builder's cache and the page cache for all. */
async function warmUp(sides: readonly Side[], { status }: PartContext): Promise<void> {
  for (const side of sides) {
    status(`${side.name}: once without being measured`);
    await side.up(1);
    await side.down();
  }
}

export async function medianOf(runs: number, run: () => Promise<number>): Promise<number> {
  const values: number[] = [];
  for (let done = 0; done < runs; done++) values.push(await run());
  return median(values);
}
