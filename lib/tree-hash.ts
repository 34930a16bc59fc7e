import { createHash, createHmac } from "node:crypto";
import { existsSync, lstatSync, readFileSync, readlinkSync } from "node:fs";
import { join, posix } from "node:path";
import { sentPaths } from "./build-context";

/** Length of every hash that becomes part of a name: 10 hex digits, so that a name fits a DNS label. */
const shortLength = 10;

/**
 * Hash of a value's JSON with sorted keys: equal values give equal text, whatever order their keys were written in.
 *
 * @returns 10 hex digits
 */
export function hashValue(value: unknown): string {
  return shortHash(inOneOrder(value));
}

/**
 * What may stand for a secret value where anyone can see it: who doesn't know the key can't tell values apart by guessing them.
 *
 * @param key kept with the secrets
 * @returns 64 hex digits
 */
export function keyedHash(value: unknown, key: string): string {
  return createHmac("sha256", key).update(inOneOrder(value)).digest("hex");
}

function inOneOrder(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => (isPlainObject(part) ? sortedEntries(part) : part));
}

/**
 * Hash of all that an image is built from: path, kind, mode and content of everything that Docker sends of the build
 * context, and of what it reads there whatever the ignore file says. Times and owners don't count.
 *
 * @param folder the build context, however its path is spelled
 * @returns 10 hex digits
 * @throws Error for what can't be read, and for a pattern that Docker doesn't take
 */
export function hashTree(folder: string): string {
  const hash = createHash("sha256");
  const sent = sentPaths(folder);
  const paths = new Set([...sent, ...readAnyway.filter((name) => existsSync(join(folder, name)))]);
  const parents = new Set(sent.map((path) => posix.dirname(path)));
  for (const path of [...paths].sort()) hash.update(describeEntry(folder, path, parents.has(path)));
  // A link is hashed by where it leads to, but the Dockerfile is read through it.
  const dockerfile = join(folder, "Dockerfile");
  if (lstatSync(dockerfile, { throwIfNoEntry: false })?.isSymbolicLink()) hash.update(readFileSync(dockerfile));
  return hash.digest("hex").slice(0, shortLength);
}

const readAnyway = ["Dockerfile", ".dockerignore", "Dockerfile.dockerignore"];

function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, shortLength);
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function sortedEntries(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function describeEntry(folder: string, path: string, holdsSent: boolean): string {
  const file = join(folder, path);
  const stat = lstatSync(file);
  const mode = (stat.mode & 0o7777).toString(8);
  // A usual folder is implied by what it holds.
  if (stat.isDirectory()) return mode === "755" && holdsSent ? "" : `${JSON.stringify(path)} folder ${mode}\n`;
  if (stat.isSymbolicLink()) return `${JSON.stringify(path)} link ${readlinkSync(file)}\n`;
  // To read a pipe would be to wait for somebody who writes.
  if (!stat.isFile()) return `${JSON.stringify(path)} special ${stat.mode.toString(8)} ${stat.rdev}\n`;
  const kind = mode === "644" ? "file" : mode === "755" ? "executable" : mode;
  return `${JSON.stringify(path)} ${kind} ${createHash("sha256").update(readFileSync(file)).digest("hex")}\n`;
}
