import dockerignore from "@balena/dockerignore";
import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/** Length of every hash that becomes part of a name: 10 hex digits, so that a name fits a DNS label. */
const shortLength = 10;

/**
 * Hash of a value's JSON with sorted keys: equal values give equal text, whatever order their keys were written in.
 *
 * @returns 10 hex digits
 */
export function hashValue(value: unknown): string {
  return shortHash(JSON.stringify(value, (_key, part: unknown) => (isPlainObject(part) ? sortedEntries(part) : part)));
}

/**
 * Hash of all that an image is built from: path, kind, executable bit and content of every file in the build context
 * that its `.dockerignore` doesn't leave out. Times and owners don't count.
 *
 * @param folder the build context
 * @returns 10 hex digits
 */
export function hashTree(folder: string): string {
  const ignored = dockerignore({ ignorecase: false }).add(readIgnoreFile(folder));
  const hash = createHash("sha256");
  for (const path of filesBelow(folder)) {
    if (alwaysSent.has(path) || !ignored.ignores(path)) hash.update(describeFile(folder, path));
  }
  return hash.digest("hex").slice(0, shortLength);
}

/** What Docker reads from a build context whatever `.dockerignore` says. */
const alwaysSent = new Set(["Dockerfile", ".dockerignore"]);

function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, shortLength);
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function sortedEntries(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function readIgnoreFile(folder: string): string {
  try {
    return readFileSync(join(folder, ".dockerignore"), "utf8");
  } catch {
    return "";
  }
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

function describeFile(folder: string, path: string): string {
  const file = join(folder, path);
  const stat = lstatSync(file);
  const kind = stat.isSymbolicLink() ? "link" : stat.mode & 0o100 ? "executable" : "file";
  const content = stat.isSymbolicLink()
    ? readlinkSync(file)
    : createHash("sha256").update(readFileSync(file)).digest("hex");
  return `${JSON.stringify(path)} ${kind} ${content}\n`;
}
