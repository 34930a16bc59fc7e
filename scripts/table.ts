import Table from "cli-table3";

/** A table without colours and without a rule between its rows; numbers are aligned to the right. */
export function formatTable(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const table = new Table({
    head: [...head],
    style: { head: [], border: [] },
    chars: { mid: "", "left-mid": "", "mid-mid": "", "right-mid": "" },
    colAligns: head.map((_, column) => (rows.every((row) => typeof row[column] === "number") ? "right" : "left")),
  });
  table.push(...rows.map((row) => row.map(String)));
  // Without rules between rows, the one below the head goes, too: put it back.
  const lines = table.toString().split("\n");
  const rule = lines[0]?.replace("┌", "├").replaceAll("┬", "┼").replace("┐", "┤") ?? "";
  return [...lines.slice(0, 2), rule, ...lines.slice(2)].join("\n");
}
