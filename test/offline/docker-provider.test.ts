import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pinnedVersion } from "../../scripts/setup/project";
import { type PluginSchema, pluginSchema } from "./plugin-schema";

const packageFolder = dirname(require.resolve("@pulumi/docker/package.json"));
// Hand-written in the official plugin, so not in what can be built.
const notBuilt = ["docker:index/image:Image"];

/** Property names by resource token, and function tokens, that the npm package asks the plugin for. */
async function asked() {
  const resources = new Map<string, string[]>();
  const functions = new Set<string>();
  for (const file of (await readdir(packageFolder)).filter((name) => name.endsWith(".js"))) {
    const source = await readFile(join(packageFolder, file), "utf8");
    const matches = (pattern: RegExp) => [...source.matchAll(pattern)].map(([, match]) => match as string);
    const [token] = matches(/__pulumiType = '(\w+:[^']+)'/g);
    if (token !== undefined) resources.set(token, [...new Set(matches(/resourceInputs\["(\w+)"\]/g))].sort());
    for (const name of matches(/invoke\("([^"]+)"/g)) functions.add(name);
  }
  return { resources, functions };
}

describe("the Docker plugin", function () {
  this.timeout(60_000);

  let schema: PluginSchema;

  before(async () => {
    schema = await pluginSchema(`docker@${pinnedVersion("@pulumi/docker")}`);
  });

  it("serves every resource of the npm package, with just its properties", async () => {
    const { resources } = await asked();
    assert.ok(resources.size >= 12, `only ${resources.size} resources found in ${packageFolder}`);
    for (const [token, properties] of resources) {
      if (notBuilt.includes(token)) continue;
      assert.deepEqual(Object.keys(schema.resources[token]?.properties ?? {}).sort(), properties, token);
    }
  });

  it("serves every function of the npm package", async () => {
    const { functions } = await asked();
    assert.ok(functions.size >= 6, `only ${functions.size} functions found in ${packageFolder}`);
    for (const token of functions) assert.ok(token in schema.functions, `${token} is not served`);
  });
});
