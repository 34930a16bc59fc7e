import type { Goal, Part, Result, Series } from "./part";
import { figureOf, ratioOf, type Figure } from "./statistics";

/** The results of a part from what it has measured. */
export function resultsOf({ ratios }: Pick<Part, "ratios">, series: Series): Result[] {
  return ratios.map(({ over: [ours, other], goal, ...ratio }) => {
    const values = seriesNamed(ours, series);
    const others = seriesNamed(other, series);
    const figure = ratioOf(values, others);
    return {
      ...ratio,
      ...(goal === undefined ? {} : { goal, met: isMet(goal, figure.median) }),
      ratio: figure,
      ours: figureOf(values),
      other: figureOf(others),
    };
  });
}

/** Whether a ratio reaches its goal, both with the two decimals that are shown. */
export function isMet(goal: Goal, ratio: number): boolean {
  const shown = Number(ratio.toFixed(2));
  return "atLeast" in goal ? shown >= goal.atLeast : shown <= goal.atMost;
}

export function formatGoal(goal: Goal | undefined): string {
  if (goal === undefined) return "";
  return "atLeast" in goal ? `≥ ${goal.atLeast}` : `≤ ${goal.atMost}`;
}

/** Two zeros have no ratio. */
function formatRatio({ median, low, high }: Figure): string {
  const all = [median, low, high];
  return all.every(Number.isFinite) ? `**${median.toFixed(2)}** (${low.toFixed(2)} to ${high.toFixed(2)})` : "none";
}

/** The median with its spread, as short as it can be read. */
export function formatFigure({ median, low, high }: Figure): string {
  return `${formatNumber(median)} (${formatNumber(low)} to ${formatNumber(high)})`;
}

/** What was measured of a part. */
export interface PartResults extends Pick<Part, "name" | "title"> {
  readonly results: readonly Result[];
  /** What a reader has to know, a sentence each. */
  readonly notes: readonly string[];
}

/** The results as Markdown tables, one for each part. */
export function formatMarkdown(parts: readonly PartResults[]): string {
  return parts
    .map(({ title, results, notes }) => {
      const rows = results.map((result) => [
        result.what,
        formatRatio(result.ratio),
        formatGoal(result.goal),
        result.met === undefined ? "" : result.met ? "yes" : "**no**",
        `${formatFigure(result.ours)} / ${formatFigure(result.other)} ${result.unit}`,
      ]);
      const head = ["measure", "ratio: median (spread)", "goal", "met", "the two sides"];
      const lines = [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
      const remarks = notes.length === 0 ? "" : `\n${notes.map((note) => `- ${note}`).join("\n")}\n`;
      return `## ${title}\n\n${lines.join("\n")}\n${remarks}`;
    })
    .join("\n");
}

function seriesNamed(name: string, series: Series): readonly number[] {
  const values = series[name];
  if (values === undefined) throw new Error(`nothing was measured for ${name}`);
  return values;
}

/** Three digits that count, and no more. */
function formatNumber(value: number): string {
  if (value >= 100) return String(Math.round(value));
  return String(Number(value.toPrecision(3)));
}
