import { z } from "zod";
import { appSchema } from "./app";

/** What a message says of the value at a path. */
export type Got = (path: readonly PropertyKey[]) => string;

/** Whether a secret header, `env` or a password in `command` may lie at a path: beside the known fields of apps there may be a mistyped or badly indented one. */
export function mayHoldSecrets(
  [key, index, field, ...rest]: readonly PropertyKey[],
  values: Readonly<Record<string, unknown>>,
) {
  // A header may be what lets a backend in.
  if (key === "headers") return rest.length > 0 && (field === "requests" || field === "answers");
  if (key !== "apps") return false;
  if (index === undefined) return typeof values["apps"] === "string" && /[{[]/.test(values["apps"]);
  const isList =
    typeof field === "string" && ["hosts", "paths", "writable", "volumes", "networks", "sticky"].includes(field);
  return (
    typeof field !== "string" ||
    ["env", "secretEnv", "command"].includes(field) ||
    !(field in appSchema.shape) ||
    (rest.length > 0 && !isList)
  );
}

/**
 * What is wrong, in words.
 *
 * @param schema that the issue is of
 */
export function describe(issue: z.core.$ZodIssue, got: Got, schema: z.ZodObject): string[] {
  if (issue.code === "unrecognized_keys") {
    const known = keysAt(issue.path, schema);
    return issue.keys.map((key) => {
      const path = [...issue.path, key];
      return `${keyPath(path)}: unknown key (got ${got(path)}), allowed keys are ${known.join(", ")}`;
    });
  }
  if (issue.code !== "invalid_key") return [`${keyPath(issue.path)}: got ${got(issue.path)}, ${issue.message}`];
  const [own = issue] = issue.issues;
  return [`${keyPath(issue.path)}: got this name, ${own.message}`];
}

/** The keys that an object at a path may have. */
function keysAt(path: readonly PropertyKey[], whole: z.ZodObject): string[] {
  const inner = (schema: unknown): unknown =>
    schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault
      ? inner(schema.unwrap())
      : schema;
  const found = path.reduce<unknown>((schema, key) => {
    const outer = inner(schema);
    return outer instanceof z.ZodArray ? outer.element : (outer as z.ZodObject).shape[String(key)];
  }, whole);
  const object = inner(found);
  return object instanceof z.ZodObject ? Object.keys(object.shape) : [];
}

export function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (current, key) =>
      typeof current === "object" && current !== null ? (current as Record<PropertyKey, unknown>)[key] : undefined,
    value,
  );
}

export function keyPath(path: readonly PropertyKey[]): string {
  return path
    .map((key, at) => (typeof key === "number" ? `[${key}]` : at === 0 ? String(key) : `.${String(key)}`))
    .join("");
}

/** A value as a message shows it; the kind alone of one that is hidden, and of objects and lists of them, which may hold `env`. */
export function show(value: unknown, isHidden: boolean): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  const isEmpty = (one: unknown) => typeof one === "object" && Object.keys(one ?? {}).length === 0;
  const isPlain = (one: unknown) => typeof one !== "object" || isEmpty(one);
  const isShort = Array.isArray(value) && value.length <= 10 && value.every(isPlain);
  if (isEmpty(value) || ((isPlain(value) || isShort) && !isHidden)) return JSON.stringify(value);
  const kind = Array.isArray(value) ? "list" : typeof value === "string" ? "text" : typeof value;
  return `${kind === "object" ? "an" : "a"} ${kind} that is not shown`;
}
