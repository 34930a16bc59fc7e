import type { Part, PartContext, Ratio } from "../part";
import { untilItServes } from "./answers";
import { EmptyProgram } from "./empty-program";
import type { Side } from "./side";
import { measureSides, medianOf, oursAndCompose, seriesName, unchangedRuns } from "./sides";
import type { Source } from "./source";
import { underLoad } from "./under-load";

/** As often as the product checks its first backends. */
const healthIntervalSeconds = 3;

/** The seconds that each change of a turn takes, and the requests that the last roll loses. */
export interface Turn extends Record<string, number> {
  create: number;
  unchanged: number;
  preview: number;
  "scale up": number;
  roll: number;
  "roll under load": number;
  lost: number;
  "scale down": number;
  remove: number;
}

/**
 * Everyday changes beside Docker Compose. Both sides build sources that are new each time, with one builder whose cache
 * holds the base image and the installed packages.
 */
export const lifecyclePart: Part = {
  name: "lifecycle",
  title: "Changes beside Docker Compose",
  ratios: [
    ratio("create", "from nothing to 2 backends, images built: pulumi up / compose up --build --wait", 1.5),
    ratio("unchanged", "nothing to do: pulumi up / compose up --wait", 1.2),
    // A dry run of Compose is its preview. It takes as long as its run that has nothing to do.
    ratio("preview", "nothing to do: pulumi preview / compose --dry-run up --wait", 1.2),
    {
      name: "compose-engine",
      what: "nothing to do: pulumi up of an empty program, the least there is / compose up --wait",
      over: [seriesName("ours", "empty program"), seriesName("compose", "unchanged")],
      unit: "s",
    },
    ratio("scale up", "2 to 10 backends: pulumi up / compose up --wait", 1),
    ratio("scale down", "10 to 2 backends: pulumi up / compose up --wait", 1),
    ratio("roll", "new version of 10 backends: pulumi up / compose up --build --wait", 1),
    ratio("roll under load", "the same while clients send requests", 1),
    { ...ratio("lost", "requests lost by that"), unit: "requests" },
    ratio("remove", "2 backends to nothing: pulumi destroy / compose down --volumes --rmi local", 1),
    {
      name: "compose-engine-remove",
      what: "pulumi destroy of an empty program, the least there is / compose down --volumes --rmi local",
      over: [seriesName("ours", "empty program's removal"), seriesName("compose", "remove")],
      unit: "s",
    },
  ],
  estimate: ({ rounds, tiny }) => (tiny ? 75 : 40 + rounds * 110),
  async run(context) {
    const empty = await EmptyProgram.create();
    const runs = context.tiny ? 1 : unchangedRuns;
    const turn = async (side: Side, source: Source) => ({
      ...(await takeTurn(side, source, context)),
      "empty program": await medianOf(runs, () => empty.up()),
      "empty program's removal": await medianOf(runs, () => empty.destroy()),
    });
    try {
      return await measureSides({ make: oursAndCompose(healthIntervalSeconds, context), turn }, context);
    } finally {
      await empty.remove();
    }
  },
};

function ratio(what: keyof Turn & string, description: string, atMost?: number): Ratio {
  return {
    name: `compose-${what.replaceAll(" ", "-")}`,
    what: description,
    over: [seriesName("ours", what), seriesName("compose", what)],
    unit: "s",
    ...(atMost === undefined ? {} : { goal: { atMost } }),
  };
}

/** Every change once, from nothing to nothing. */
export async function takeTurn(side: Side, source: Source, { tiny, status, signal }: PartContext): Promise<Turn> {
  const [few, many, runs] = tiny ? ([1, 2, 1] as const) : ([2, 10, unchangedRuns] as const);

  /** The state that the change leads to has to serve: what was measured is to have worked. */
  const change = async (what: string, backends: number, run: () => Promise<number>) => {
    status(`${side.name}: ${what}`);
    const seconds = await run();
    await untilItServes(side, source.version, backends, signal);
    return seconds;
  };
  const up = (what: string, backends: number) => change(what, backends, () => side.up(backends));

  const create = await up("from nothing", few);
  const unchanged = await medianOf(runs, () => up("nothing to do", few));
  const preview = await medianOf(runs, () => change("preview", few, () => side.preview(few)));
  const scaleUp = await up("scale up", many);
  await source.change();
  const roll = await up("roll", many);
  await source.change();
  let lost = 0;
  const rollUnderLoad = await change("roll under load", many, async () => {
    const result = await underLoad(side.url, () => side.up(many), signal);
    lost = result.lost;
    return result.seconds;
  });
  const scaleDown = await up("scale down", few);
  status(`${side.name}: removal`);
  const remove = await side.down();
  return {
    create,
    unchanged,
    preview,
    "scale up": scaleUp,
    roll,
    "roll under load": rollUnderLoad,
    lost,
    "scale down": scaleDown,
    remove,
  };
}
