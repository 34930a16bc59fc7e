import { interleave, type PartContext, type Series } from "../part";
import { Compose } from "./compose";
import { Ours } from "./ours";
import { sideNames, type Side, type SideName } from "./side";
import { Source } from "./source";

export interface Measurement {
  /** Seconds between two of Docker's checks of Compose's backends. */
  readonly healthIntervalSeconds: number;
  /** One turn of a side, from nothing to nothing: gives the values that it adds, by what they are of. */
  turn(side: Side, source: Source): Promise<Readonly<Record<string, number>>>;
}

/** The series of what a side's turns give. */
export function seriesName(side: SideName, what: string): string {
  return `${side}: ${what}`;
}

/** Makes both sides, lets them take turns, and removes them however that ends. */
export async function measureSides(
  { healthIntervalSeconds, turn }: Measurement,
  context: PartContext,
): Promise<Series> {
  const source = await Source.create();
  const made: Side[] = [];
  try {
    const compose = await Compose.create(source, healthIntervalSeconds, context);
    made.push(compose);
    const ours = await Ours.create(source, context.signal);
    made.push(ours);
    const sides: Readonly<Record<SideName, Side>> = { ours, compose };
    if (!context.tiny) await warmUp(Object.values(sides), context);
    return await interleave(sideNames, context, async (name) => {
      await source.change();
      const values = Object.entries(await turn(sides[name], source));
      return Object.fromEntries(values.map(([what, value]) => [seriesName(name, what), value]));
    });
  } finally {
    await Promise.all([...made, source].map((it) => it.remove()));
  }
}

/** Fills the builder's cache and the page cache for both. */
async function warmUp(sides: readonly Side[], { status }: PartContext): Promise<void> {
  for (const side of sides) {
    status(`${side.name}: once without being measured`);
    await side.up(1);
    await side.down();
  }
}
