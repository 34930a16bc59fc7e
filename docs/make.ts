import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { format } from "prettier";
import { z } from "zod";
import { refusals } from "../model/server-config";
import { entrySchemas } from "../model/policies";
import { appSchema } from "../model/app";
import { metricsSchema } from "../model/metrics";
import { settingsSchema } from "../model/settings";
import { acmeSchema, certificateSchema, tlsSchema } from "../model/tls";
import { headerRules, type HeaderRule } from "../nginx/render/headers";
import { parseOptions, runMain } from "../scripts/cli";
import { projectRoot } from "../scripts/setup/project";

/** A property of the schema as JSON Schema, with what its declaration says besides. */
interface Property extends z.core.JSONSchema.BaseSchema {
  readonly change?: string;
  readonly allowed?: string;
}

const namespace = "nginx-load-balancer";

/**
 * The files that are made from the program's own tables: the schema of the settings, the headers, the refused directives.
 *
 * @returns their texts by path within the project
 */
export async function madeDocs(): Promise<Record<string, string>> {
  const texts = {
    "docs/settings.md": settingsPage(),
    "docs/settings.schema.json": JSON.stringify(editorSchema()),
    "docs/headers.md": headersPage(),
    "docs/directives.md": directivesPage(),
  };
  const formatted = Object.entries(texts).map(
    async ([path, text]) => [path, await format(text, { filepath: path, printWidth: 120 })] as const,
  );
  return Object.fromEntries(await Promise.all(formatted));
}

function propertiesOf(schema: z.ZodObject): [key: string, property: Property, isRequired: boolean][] {
  const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: "input" });
  return Object.entries(properties as Record<string, Property>).map(([key, property]) => [
    key,
    property,
    required.includes(key),
  ]);
}

function settingsPage(): string {
  const policyTables = Object.entries(entrySchemas)
    .map(
      ([key, schema]) => `Of \`${key}\` ([${pageOf(key)}](${pageOf(key)})):

${settingsTable(schema)}
`,
    )
    .join("\n");
  return `# Settings

Made by \`npm run docs\` from the schema in model/settings.ts. The keys are the stack's, in \`Pulumi.STACK.yaml\`, each with the
prefix \`${namespace}:\`. Editors that know YAML complete and check them after a first line

\`\`\`yaml
# yaml-language-server: $schema=docs/settings.schema.json
\`\`\`

${settingsTable(settingsSchema)}

${policyTables}
Of each app:

${settingsTable(appSchema)}

Of \`tls\` ([tls.md](tls.md)):

${settingsTable(tlsSchema)}

Of \`acme\` in it:

${settingsTable(acmeSchema)}

Of each of its certificates:

${settingsTable(certificateSchema)}

Of \`metrics\` ([observability/metrics.md](observability/metrics.md)):

${settingsTable(metricsSchema)}
`;
}

/** The page of the policy that a list of entries is of. */
function pageOf(key: string): string {
  return `policies/${key.split(".")[0]}.md`;
}

function settingsTable(schema: z.ZodObject): string {
  const rows = propertiesOf(schema).map(([key, { description, allowed, change, default: value }, isRequired]) => [
    `\`${key}\``,
    isRequired ? "required" : showDefault(value),
    allowed,
    description,
    change,
  ]);
  return table(["key", "default", "expected", "meaning", "a change"], rows);
}

function table(head: readonly string[], rows: readonly (readonly (string | undefined)[])[]): string {
  return [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

function headersPage(): string {
  const show = (value: string | undefined, otherwise = "as the proxy sends it") =>
    value === undefined ? otherwise : value === "" ? "dropped" : `\`${value}\``;
  const rows = headerRules.map(({ name, value, behindProxy, trusted, why }: HeaderRule) => [
    `\`${name}\``,
    show(value),
    show(trusted, "as one of them sends it, else dropped"),
    show(behindProxy),
    why,
  ]);
  return `# Headers of a request

Made by \`npm run docs\` from nginx/render/headers.ts. What says who the client is, or what it has asked of another proxy, comes from the
balancer or not at all. All other headers reach the backend as the client has sent them, but for those with an underscore in their name, which
nginx drops: in an app they could not be told from those with a hyphen.

${table(["header", "a backend gets", "with `trustedProxies`", "with `behindProxy`", "what it says"], rows)}

A header that your own directives set takes the place of the one here: \`proxy_set_header X-Forwarded-Prefix /shop;\` in
\`serverConfig\`, say. The others stay, also in a location of yours that sets some.

## Behind proxies

\`trustedProxies\` names the proxies in front, or a file with them:

\`\`\`yaml
nginx-load-balancer:trustedProxies: [192.0.2.7, 10.0.0.0/8, "2001:db8::/32"]
# or a file with one of them a line, where # begins a comment
nginx-load-balancer:trustedProxies: proxies.txt
\`\`\`

A file is read in the preview, which shows what a changed one changes. Whoever connects from one of these addresses is taken at its word:

- **The client's address** is the last one in its X-Forwarded-For that is not one of them, whatever its client has written before that. So it is in
  the log, for \`ip_hash\`, and for directives of your own, say \`deny\`. Where X-Forwarded-For is missing, it is the proxy's own. X-Real-IP is not read.
- **The other headers of the table** reach the backend as the proxy sends them. A proxy that hands on such headers of its clients' speaks for them,
  too: have it drop those that it doesn't set, or do it here (\`proxy_set_header Remote-User "";\` in \`serverConfig\`).

From any other address all of these headers are dropped, and the client's address is the one that it connects from. \`behindProxy: true\`, of before
there was \`trustedProxies\`, takes the word of whoever connects: only where nobody but the proxy can.

### PROXY protocol

Proxies that hand on bytes, as load balancers of clouds and HAProxy's \`mode tcp\` do, tell the client's address by a line before them:

\`\`\`yaml
nginx-load-balancer:trustedProxies: [192.0.2.7]
nginx-load-balancer:proxyProtocol: true
\`\`\`

Each connection, with TLS or without, then has to begin with such a line, of version 1 or 2; one without it is closed. The line of \`trustedProxies\` says who
the client is, that of anybody else says nothing. What follows is the client's own, and so all headers are treated as without
\`trustedProxies\`: a proxy that sends the line and headers is not believed the headers. Where it ends TLS, set
\`proxy_set_header X-Forwarded-Proto https;\` in \`serverConfig\`.

The update's own check, \`npm run up\` and \`npm run verify\` send a line that names nobody (\`PROXY UNKNOWN\`). By hand: \`curl --haproxy-protocol\`. From the reload that
turns it on, new connections without a line are closed, and from the one that turns it off those with one are refused (400): change the proxy in the
same moment.

### The address that a proxy connects from

Docker publishes the port of the entry ([entry.md](entry.md)). What comes by way of Docker's own process for the port comes from the gateway of the entry's
network, and so it depends on where the proxy runs, and on what it connects to:

${table(
  ["the proxy", "connects to", "its address is"],
  [
    ["on another host", "this host", "its own"],
    ["on this host, or in a container with the host's network", "127.0.0.1", "the gateway of the entry's network"],
    ["the same", "an address that this host has in another host's network", "that address"],
    ["in a container of another network", "this host", "the gateway of the entry's network"],
    ["in a container of the entry's network", "the entry's container", "its own in that network"],
  ],
)}

The gateway stays the same until the stack is destroyed. To find it, for stack \`dev\`:

\`\`\`sh
docker network inspect --format '{{range .IPAM.Config}}{{.Gateway}}{{end}}' \\
  $(docker network ls --quiet --filter label=nginx-load-balancer.stack=nginx-load-balancer/dev --filter name=entry)
\`\`\`

Everything on this host can connect from there. Where other hosts go by way of such a process, too, everybody does: over IPv6, and as a rule in rootless Docker
and in Docker Desktop. There, trust the gateway only with a \`bindAddress\` of 127.0.0.1. Any row is seen in the log: \`accessLog: all\`, one request, and
\`docker logs\` of the balancer, whose lines begin with the address.
`;
}

function directivesPage(): string {
  return `# nginx directives of your own

Made by \`npm run docs\` from model/server-config.ts. \`serverConfig\` is put into the public \`server\` block as it is written. nginx judges it
before it goes live, and names its lines. What can't work there is refused in the preview:

${table(
  ["refused", "why, or what to write instead"],
  [
    ...refusals.map(({ what, instead }) => [what, instead]),
    [
      "a block or a string that is not closed, a } too many, a directive without its ;",
      "it would reach out of the server block",
    ],
  ],
)}

\`httpConfig\` is put into the http block in the same way: there, \`map\`, \`geo\`, \`limit_req_zone\`, \`log_format\`, \`upstream\` and the like
may stand, but no \`server\`. For some hosts and paths alone: \`locationConfig\` ([policies/locations.md](policies/locations.md)).

In a location of your own \`proxy_pass http://backends;\` hands requests on to the backends, with the balancer's headers
([headers.md](headers.md)), and \`add_header\` adds to the balancer's own. A request that is handed on there moves on to another backend as nginx
itself sees fit, but does not begin anew: that is so for those in no location alone. \`error_page\` in no block is kept beside the balancer's.
`;
}

function showDefault(value: unknown): string {
  if (value === undefined) return "none";
  const shown = (item: string | number | { name: string }) => `\`${typeof item === "object" ? item.name : item}\``;
  if (Array.isArray(value) && value.length > 0) return value.map(shown).join(", ");
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
    ...(description === undefined
      ? {}
      : { description: `${description}\nExpected: ${allowed}.\nA change: ${change}.` }),
    ...(value === undefined ? {} : { default: value }),
    anyOf: [rest, ...text, { $ref: "#/$defs/secret" }],
  };
}

if (require.main === module)
  runMain(async (args) => {
    parseOptions(
      args,
      {},
      "Usage: npm run docs\n\nWrites the files of docs/ that are made from the program's tables: settings, headers, directives.\n",
    );
    for (const [path, text] of Object.entries(await madeDocs())) writeFileSync(join(projectRoot, path), text);
  });
