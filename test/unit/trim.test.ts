import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { appendFile, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { start, type Started } from "../../lib/process";
import { until } from "../../lib/until";
import { canaryLog } from "../../model/layout";
import { projectRoot } from "../../scripts/setup/project";
import { FakePrograms } from "../fake-programs";

const image = join(projectRoot, "nginx", "image");

describe("what empties a log that nobody reads", function () {
  this.timeout(20_000);
  let programs: FakePrograms;
  let trim: Started | undefined;
  before(function () {
    if (process.platform !== "linux") this.skip();
  });
  beforeEach(async () => {
    programs = await FakePrograms.create();
    // A look lasts a tenth of a second here, and is noted.
    await programs.write("sleep", "#!/bin/sh\necho looks >&2\nexec /bin/sleep 0.1\n");
  });
  afterEach(async () => {
    trim?.killAll("SIGKILL");
    await programs.remove();
  });

  it("leaves it alone up to its bound, empties it beyond, and looks on where there is none", async () => {
    const log = join(programs.folder, "log");
    const started = (trim = start(join(image, "trim.sh"), [log, "1"]));
    const looks = () => started.output().split("looks").length;
    const twoMoreLooks = async () => {
      const before = looks();
      await until("it has looked twice", 10, () => looks() > before + 2);
    };
    await twoMoreLooks();
    await writeFile(log, Buffer.alloc(1 << 20));
    await twoMoreLooks();
    assert.equal((await stat(log)).size, 1 << 20);
    await appendFile(log, "a");
    await until("it is empty", 10, async () => (await stat(log)).size === 0);
    await appendFile(log, "b");
    await twoMoreLooks();
    assert.equal(await readFile(log, "utf8"), "b");
  });

  it("is started for the log of a canary, beyond what its reader lets it be", () =>
    assert.match(
      readFileSync(join(image, "start.sh"), "utf8"),
      new RegExp(`^/etc/nginx/trim.sh ${canaryLog} 256 &$`, "m"),
    ));
});
