import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { format } from "prettier";
import { z } from "zod";
import { appSchema, settingsSchema } from "../model/settings";
import { parseOptions, runMain } from "./cli";
import { projectRoot } from "./setup/project";

/** A property of the schema as JSON Schema, with what its declaration says besides. */
interface Property extends z.core.JSONSchema.BaseSchema {
  readonly change?: string;
  readonly allowed?: string;
}

const namespace = "nginx-load-balancer";

/**
 * The files that are made from the schema of the settings.
 *
 * @returns their texts by path within the project
 */
export async function settingsDocs(): Promise<Record<string, string>> {
  const texts = { "docs/settings.md": settingsPage(), "docs/settings.schema.json": JSON.stringify(editorSchema()) };
  const formatted = Object.entries(texts).map(
    async ([path, text]) => [path, await format(text, { filepath: path, printWidth: 120 })] as const,
  );
  return Object.fromEntries(await Promise.all(formatted));
}

function propertiesOf(schema: z.ZodObject): [key: string, property: Property][] {
  return Object.entries((z.toJSONSchema(schema, { io: "input" }).properties ?? {}) as Record<string, Property>);
}

function settingsPage(): string {
  return `# Settings

Made by \`npm run docs\` from the schema in model/settings.ts. The keys are the stack's, in \`Pulumi.STACK.yaml\`, each with the
prefix \`${namespace}:\`. Editors that know YAML complete and check them after a first line

\`\`\`yaml
# yaml-language-server: $schema=docs/settings.schema.json
\`\`\`

${table(settingsSchema)}

Of each app:

${table(appSchema)}
`;
}

function table(schema: z.ZodObject): string {
  const rows = propertiesOf(schema).map(([key, { description, allowed, change, default: value }]) => [
    `\`${key}\``,
    value === undefined ? "required" : showDefault(value),
    allowed,
    description,
    change,
  ]);
  const head = ["key", "default", "expected", "meaning", "a change"];
  return [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

function showDefault(value: unknown): string {
  if (Array.isArray(value)) return value.map(({ name }: { name: string }) => `\`${name}\``).join(", ");
  return value === "" || (typeof value === "object" && Object.keys(value ?? {}).length === 0)
    ? "empty"
    : `\`${String(value)}\``;
}

/** What editors check a Pulumi.STACK.yaml against. */
function editorSchema(): object {
  const keys = propertiesOf(settingsSchema).map(
    ([key, property]) => [`${namespace}:${key}`, asWritten(property)] as const,
  );
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: `Config of a stack of ${namespace}`,
    type: "object",
    properties: {
      config: {
        type: "object",
        properties: Object.fromEntries(keys),
        // Keys of other namespaces are other programs'.
        patternProperties: { [`^(?!${namespace}:)`]: {} },
        additionalProperties: false,
      },
    },
    $defs: {
      secret: { type: "object", properties: { secure: { type: "string" } }, required: ["secure"] },
    },
  };
}

/** A value as a file may hold it: `pulumi config set` writes numbers and truth values as text, and secrets encrypted. */
function asWritten({ change, allowed, description, default: value, ...rest }: Property): z.core.JSONSchema.BaseSchema {
  const { properties, items, additionalProperties: others } = rest;
  if (properties)
    rest.properties = Object.fromEntries(
      Object.entries(properties).map(([key, property]) => [key, asWritten(property as Property)]),
    );
  if (items) rest.items = asWritten(items as Property);
  if (typeof others === "object") rest.additionalProperties = asWritten(others);
  const text =
    rest.type === "integer"
      ? [{ type: "string", pattern: "^-?[0-9]+$" } as const]
      : rest.type === "boolean"
        ? [{ enum: ["true", "false"] }]
        : [];
  return {
    ...(allowed === undefined ? {} : { description: `${description}\nExpected: ${allowed}.\nA change: ${change}.` }),
    ...(value === undefined ? {} : { default: value }),
    anyOf: [rest, ...text, { $ref: "#/$defs/secret" }],
  };
}

if (require.main === module)
  runMain(async (args) => {
    parseOptions(args, {}, "Usage: npm run docs\n\nWrites docs/settings.md and docs/settings.schema.json.\n");
    for (const [path, text] of Object.entries(await settingsDocs())) writeFileSync(join(projectRoot, path), text);
  });
