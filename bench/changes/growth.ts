import type { Part, PartContext, Ratio } from "../part";
import { untilItServes } from "./answers";
import type { Side } from "./side";
import { measureSides, medianOf, oursAndCompose, seriesName, unchangedRuns } from "./sides";
import type { Source } from "./source";

/**
 * With this, Compose's 100 backends are checked 10 times a second in all; the product's are 8 times, since it checks later
 * ones more seldom. With 3 seconds, checks take so much of a small host's time that Compose needs twice as long.
 */
const healthIntervalSeconds = 10;

/** How many backends more each backend of a large pool takes. */
export const growthPart: Part = {
  name: "growth",
  title: "Growing to 100 backends, beside Docker Compose",
  ratios: [
    {
      name: "growth",
      what: "2 to 50 to 100 backends: pulumi up / compose up --wait",
      over: [seriesName("ours", "far"), seriesName("compose", "far")],
      unit: "s for each backend",
      goal: { atMost: 1 },
    },
    ratio("growth-unchanged", "nothing to do: pulumi up with 100 backends / with 2", "ours", 2),
    ratio("growth-unchanged-compose", "nothing to do: compose up --wait with 100 backends / with 2", "compose"),
    {
      name: "growth-linear",
      what: "ours, 50 to 100 backends / 2 to 50",
      over: [seriesName("ours", "second half"), seriesName("ours", "first half")],
      unit: "s for each backend",
      goal: { atMost: 1.2 },
    },
    {
      name: "growth-linear-compose",
      what: "Compose, 50 to 100 backends / 2 to 50",
      over: [seriesName("compose", "second half"), seriesName("compose", "first half")],
      unit: "s for each backend",
    },
  ],
  estimate: ({ rounds, tiny }) => (tiny ? 60 : 60 + rounds * 190),
  run: (context) =>
    measureSides(
      {
        make: oursAndCompose(healthIntervalSeconds, context),
        turn: (side, source) => takeTurn(side, source, context),
      },
      context,
    ),
};

function ratio(name: string, what: string, side: string, atMost?: number): Ratio {
  const over = [seriesName(side, "unchanged, many"), seriesName(side, "unchanged, few")] as const;
  return { name, what, over, unit: "s", ...(atMost === undefined ? {} : { goal: { atMost } }) };
}

async function takeTurn(
  side: Side,
  source: Source,
  { tiny, status, signal }: PartContext,
): Promise<Readonly<Record<string, number>>> {
  const runs = tiny ? 1 : unchangedRuns;
  const [few, half, many] = tiny ? ([1, 2, 3] as const) : ([2, 50, 100] as const);
  const up = async (backends: number) => {
    status(`${side.name}: ${backends} backends`);
    const seconds = await side.up(backends);
    await untilItServes(side, source.version, backends, signal);
    return seconds;
  };
  await up(few);
  const unchangedFew = await medianOf(runs, () => up(few));
  const first = await up(half);
  const second = await up(many);
  const unchangedMany = await medianOf(runs, () => up(many));
  status(`${side.name}: removal`);
  await side.down();
  return {
    "first half": first / (half - few),
    "second half": second / (many - half),
    "unchanged, few": unchangedFew,
    "unchanged, many": unchangedMany,
    far: (first + second) / (many - few),
  };
}
