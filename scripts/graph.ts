import { writeFile } from "node:fs/promises";
import { instance } from "@viz-js/viz";
import { readSettings } from "../config";
import { deal } from "../model/deal";
import { graphOf, toDot, toMermaid } from "../model/graph";
import { topologyOf, type Answered } from "../model/topology";
import { parseOptions, runMain } from "./cli";
import { configOf, readOutputs } from "./pulumi";

const help = `Usage: npm run graph [-- OPTIONS]

Draws who gets which requests: names, routes, upstreams, backends. Changes nothing.

  --config            as the stack's config has it now, before an update; default: as it runs
  --svg               a picture; default: a flowchart for Mermaid, which Markdown shows
  --output FILE       where it is written; default: standard output
  --stack NAME        the stack, default dev
  --config-file FILE  the stack's config file, default Pulumi.NAME.yaml

npm run --silent graph > graph.mmd
Exit code 1 when there is no such stack, nothing runs on it, or its config is bad.
`;

/** What the config asks for; backends have their slots' names, since what they run is known by an update alone. */
async function topologyOfConfig(stack: string, file: readonly string[]): Promise<Answered> {
  const config = await configOf(stack, "--show-secrets", ...file);
  const raw = Object.fromEntries(config.map(([key, { value = "" }]) => [key, value]));
  const secret = new Set(config.flatMap(([key, value]) => (value.secret ? key : [])));
  const { settings, certificates } = readSettings(raw, secret);
  const servers = deal(settings.apps, settings.backendCount).map(({ app, name }) => ({
    ...{ app: app.name, name, port: app.port, weight: app.weight, health: { path: "/", host: "localhost" } },
  }));
  return topologyOf(settings, servers, certificates);
}

async function main(args: string[]): Promise<void> {
  const flag = { type: "boolean" } as const;
  const text = { type: "string" } as const;
  const options = { config: flag, svg: flag, output: text, stack: text, "config-file": text };
  const values = parseOptions(args, options, help);
  const { config = false, svg = false, output, stack = "dev", "config-file": file } = values;
  const topology = config
    ? await topologyOfConfig(stack, file === undefined ? [] : ["--config-file", file])
    : (await readOutputs(stack)).release.topology;
  const graph = graphOf(topology);
  const drawn = svg ? (await instance()).renderString(toDot(graph), { format: "svg" }) : toMermaid(graph);
  if (output === undefined) process.stdout.write(drawn);
  else await writeFile(output, drawn);
}

if (require.main === module) runMain(main);
