import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../scripts/setup/project";

/** What docs/sites.md tells its readers to do, and what they are to see. */
export interface SitesPage {
  /** The stack's config, YAML. */
  readonly config: string;
  /** Commands of each numbered step. */
  readonly steps: readonly (readonly string[])[];
  /** Rows of the status: hosts, path, who answers. */
  readonly status: readonly (readonly string[])[];
}

export function readSitesPage(): SitesPage {
  const page = readFileSync(join(projectRoot, "docs", "sites.md"), "utf8");
  const [, config = ""] = /```yaml\n(config:[^`]*)```/.exec(page) ?? [];
  const [, status = ""] = /```\n(┌[^`]*)```/.exec(page) ?? [];
  const steps = page.match(/^\d\. .*\n(?: {3}.*\n)*/gm) ?? [];
  return {
    config,
    steps: steps.map((step) => [...step.matchAll(/`([^`]+)`/g)].map(([, command = ""]) => command)),
    status: rowsOf(status),
  };
}

/** The cells of a table that is drawn with lines, but for its head. */
export function rowsOf(table: string): string[][] {
  const rows = table.match(/^│.*│$/gm) ?? [];
  return rows.slice(1).map((row) =>
    row
      .split("│")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}
