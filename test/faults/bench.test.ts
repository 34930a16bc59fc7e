import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { PartResults } from "../../bench/report";
import { lastWords, run, start } from "../../lib/process";
import { docker } from "../../rollout/docker";
import { projectRoot } from "../../scripts/setup/project";
import { NamelessVolumes } from "../e2e/nameless-volumes";

const partNames = [
  "static",
  "policies",
  "tls",
  "latency",
  "entry",
  "flask",
  "spread",
  "pool",
  "sites",
  "lifecycle",
  "growth",
];

// The figures of so short a run say nothing: what is tested is that each part measures, and leaves nothing behind.
describe("npm run bench", function () {
  this.timeout(2_400_000);

  it("measures every part, writes the results, and removes what it started", async () => {
    const bench = ["-r", "./scripts/typescript.cjs", "bench/command.ts", "--tiny", "--json"];
    // Its own, by the process's id: others on the host may measure, too, and have projects of Docker Compose.
    const ids: RegExp[] = [];
    const volumes = await NamelessVolumes.watch((labels) => Object.values(labels).some((text) => ids[0]?.test(text)));
    const { pid, ended } = start(process.execPath, bench, { cwd: projectRoot });
    ids.push(new RegExp(`(?:^|-)${pid}(?![0-9])`));
    const { outcome, stdout, stderr } = await ended;
    const abandoned = await volumes.abandoned();
    await volumes.close();
    assert.equal(outcome, "succeeded", stderr);
    assert.deepEqual(abandoned, []);

    const parts = JSON.parse(stdout) as PartResults[];
    assert.deepEqual(
      parts.map(({ name }) => name),
      partNames,
    );
    for (const { results } of parts)
      for (const { name, unit, ours, other } of results)
        if (name !== "compose-lost") assert.ok(ours.median > 0 && other.median > 0, `${name}: no ${unit}`);
    const lost = parts.flatMap(({ results }) => results).find(({ name }) => name === "compose-lost");
    assert.equal(lost?.ours.median, 0, "the product loses no request");

    const folder = join(projectRoot, "bench", "out");
    assert.deepEqual(JSON.parse(await readFile(join(folder, "results.json"), "utf8")), parts);
    assert.match(await readFile(join(folder, "results.md"), "utf8"), /\| ours \/ hand-tuned nginx, static backends \|/);
    assert.match(await readFile(join(folder, "results.svg"), "utf8"), /^<svg /);

    const left = await Promise.all([
      docker("ps", "--all", "--format", '{{.Names}} {{.Label "com.docker.compose.project"}}'),
      docker("network", "ls", "--format", "{{.Name}}"),
    ]);
    assert.deepEqual(
      left.flatMap((list) => list.split("\n").filter((name) => name.includes(`-${pid}-`))),
      [],
    );
  });

  const refused: [string[], RegExp][] = [
    [["--only", "latency,speed"], new RegExp(`--only: got speed, allowed are ${partNames.join(", ")}$`)],
    [["--only", "tls", "--update", "--tiny"], /--update: not with --tiny or --before$/],
    [["--rounds", "0"], /--rounds: got 0, expected an integer from 1 to 100/],
  ];
  for (const [args, message] of refused)
    it(`refuses ${args.join(" ")}`, async () => {
      const result = await run(process.execPath, ["-r", "./scripts/typescript.cjs", "bench/command.ts", ...args], {
        cwd: projectRoot,
      });
      assert.equal(result.outcome, "failed");
      assert.match(lastWords(result), message);
    });
});
