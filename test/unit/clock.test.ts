import assert from "node:assert/strict";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { start, type Started } from "../../lib/process";
import { until } from "../../lib/until";
import { projectRoot } from "../../scripts/setup/project";
import { FakePrograms } from "../fake-programs";

describe("what watches the clock for nginx", function () {
  this.timeout(20_000);
  let programs: FakePrograms;
  const started: Started[] = [];
  before(function () {
    if (process.platform !== "linux") this.skip();
  });
  beforeEach(async () => (programs = await FakePrograms.create()));
  afterEach(async () => {
    for (const one of started.splice(0)) one.killAll("SIGKILL");
    await programs.remove();
  });

  it("ends it when the clock has gone back, and at nothing else", async () => {
    const clock = join(programs.folder, "clock");
    // In one step: it is read meanwhile.
    const setClock = async (seconds: number) => {
      await writeFile(`${clock}.new`, `${seconds}\n`);
      await rename(`${clock}.new`, clock);
    };
    // A look lasts a tenth of a second here, and is noted.
    await programs.write("sleep", "#!/bin/sh\nexec /bin/sleep 0.1\n");
    await programs.write("date", `#!/bin/sh\necho looks >&2\nup=$(cut -d. -f1 /proc/uptime)\necho $(($(cat ${clock}) + up))\n`); // prettier-ignore
    await setClock(5000);
    const nginx = start("sh", ["-c", "trap 'echo ends' QUIT; echo ready; while :; do /bin/sleep 0.05; done"]);
    started.push(nginx);
    await until("it runs", 5, () => nginx.output().includes("ready"));
    const watch = start(join(projectRoot, "nginx", "image", "clock.sh"), [String(nginx.pid)]);
    started.push(watch);
    const looks = () => watch.output().split("looks").length;
    const twoMoreLooks = async () => {
      const before = looks();
      await until("it has looked twice", 5, () => looks() > before + 2);
    };
    const ends = () => nginx.output().split("ends").length - 1;

    await twoMoreLooks();
    await setClock(5000 + 3600);
    await twoMoreLooks();
    assert.equal(ends(), 0);
    await setClock(5000);
    await until("nginx is ended", 5, () => ends() === 1);
    await twoMoreLooks();
    assert.equal(ends(), 1);
    assert.match(watch.output(), /The clock has gone back by 36\d\d s|The clock has gone back by 359\d s/);
  });
});
