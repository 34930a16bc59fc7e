import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { format } from "prettier";
import { projectRoot } from "../../../scripts/setup/project";
import { soakSection } from "../../soak/page";
import type { Soak } from "../../soak/summary";
import { faults } from "./index";
import { reliabilityPage, type Engine } from "./page";

/** All that docs/reliability.md tells of. */
export interface Measured {
  readonly engines: readonly Engine[];
  /** The longest soak. Default: there was none. */
  readonly soak?: Soak;
}

const recordFile = join(projectRoot, "docs", "reliability.json");

export function readMeasured(): Measured {
  return existsSync(recordFile) ? (JSON.parse(readFileSync(recordFile, "utf8")) as Measured) : { engines: [] };
}

/** Writes docs/reliability.json, and makes docs/reliability.md of it. */
export async function writeMeasured(measured: Measured): Promise<void> {
  const json = await format(JSON.stringify(measured), { parser: "json", printWidth: 120 });
  writeFileSync(recordFile, json);
  writeFileSync(join(projectRoot, "docs", "reliability.md"), await measuredPage(measured));
}

export async function measuredPage({ engines, soak }: Measured): Promise<string> {
  const parts = [reliabilityPage(engines, faults), ...(soak === undefined ? [] : [soakSection(soak)])];
  return format(parts.join("\n"), { parser: "markdown", printWidth: 120 });
}
