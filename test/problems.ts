import assert from "node:assert/strict";
import { parseSettings, SettingsError, type SettingsContext } from "../model/settings";

/** Outside of the settings: all folders are apps' but for missing ones. */
export const context = { isApp: (path: string) => !path.includes("missing") };

/** The problems that a config is refused for, a line each. */
export function problemsOf(raw: Record<string, string>, more: Partial<SettingsContext> = {}): string[] {
  try {
    parseSettings(raw, { ...context, ...more });
  } catch (error) {
    assert.ok(error instanceof SettingsError);
    return error.message
      .split("\n")
      .slice(1)
      .map((line) => line.trim());
  }
  return [];
}
