import { dot, gridX, plot, ruleY, tickX, type PlotOptions } from "@observablehq/plot";
import { parseHTML } from "linkedom";
import type { Result } from "./part";
import { formatGoal } from "./report";

const colors = { met: "#1b7f4d", missed: "#c0392b" };

/** Of most fonts' average letter at 12 pixels, and somewhat more: a label that is too long would be cut off. */
const letterWidth = 7;

/** The ratios that have a goal, each as a dot with its spread, beside a mark for the goal, as an SVG drawing. */
export function plotOf(results: readonly Result[]): string {
  const rows = results.flatMap(({ what, goal, met, ratio }) =>
    goal === undefined
      ? []
      : [
          {
            what: `${what}  (${formatGoal(goal)})`,
            goal: "atLeast" in goal ? goal.atLeast : goal.atMost,
            color: met ? colors.met : colors.missed,
            ...ratio,
          },
        ],
  );
  // Its types are those of a browser, which this program has not.
  const { document } = parseHTML("<html></html>") as unknown as Required<Pick<PlotOptions, "document">>;
  const marginLeft = 20 + Math.max(0, ...rows.map(({ what }) => what.length)) * letterWidth;
  const drawing = plot({
    document,
    width: marginLeft + 480,
    height: 70 + rows.length * 24,
    marginLeft,
    style: { fontSize: "12px", background: "white" },
    x: { type: "log", label: "ratio, logarithmic; the black mark is the goal" },
    y: { label: null, domain: rows.map(({ what }) => what) },
    marks: [
      gridX(),
      ruleY(rows, { y: "what", x1: "low", x2: "high", stroke: "color", strokeWidth: 3, strokeOpacity: 0.5 }),
      dot(rows, { y: "what", x: "median", fill: "color", r: 4 }),
      tickX(rows, { y: "what", x: "goal", stroke: "black", strokeWidth: 2 }),
    ],
  });
  drawing.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  return `${drawing.outerHTML}\n`;
}
