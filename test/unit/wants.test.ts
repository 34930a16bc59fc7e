import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { assertHas, assertHasMemory, problemsOfWants } from "../../rollout/wants";
import { FakePrograms } from "../fake-programs";

describe("what apps ask Docker's host for", () => {
  const supply = {
    processors: 2,
    networks: ["bridge", "web_data"],
    volumes: ["web_media"],
    hasPath: (path: string) => path === "/srv/media",
  };
  const app = { networks: [] as string[], volumes: [] as string[] };

  it("is there", () => {
    const volumes = ["web_media:/a", "/srv/media:/b:rw"];
    assert.deepEqual(problemsOfWants([app, { networks: ["web_data", "bridge"], volumes, cpus: 2 }], supply), []);
  });

  for (const [wanted, problem] of [
    [
      { networks: ["web_data", "web_dta"] },
      'networks[1]: got "web_dta", expected a network that Docker has (docker network ls), other than host and none',
    ],
    [
      { volumes: ["web_meda:/srv/media"] },
      'volumes[0]: got "web_meda:/srv/media", expected a volume that Docker has (docker volume ls)',
    ],
    [
      { volumes: ["web_media:/a", "/srv/meda:/srv/media:rw"] },
      'volumes[1]: got "/srv/meda:/srv/media:rw", expected a folder that Docker\'s host has',
    ],
    [{ cpus: 2.5 }, "cpus: got 2.5, expected at most 2, the processors of Docker's host"],
  ] as const)
    it(`is missed: ${JSON.stringify(wanted)}`, () =>
      assert.deepEqual(problemsOfWants([app, { ...app, ...wanted }], supply), [`apps[1].${problem}`]));
});

describe("what Docker's host has", () => {
  let programs: FakePrograms;
  const log = () => join(programs.folder, "log");
  beforeEach(async () => {
    programs = await FakePrograms.create();
    await programs.write(
      "docker",
      `#!/bin/sh
echo "$*" >>${log()}
case "$1" in
  network) printf '%s\\n' "bridge bridge" "host host" "none null" "web_data overlay" ;;
  volume) printf '%s\\n' web_media web_rest ;;
  info) echo 2 ;;
esac
`,
    );
  });
  afterEach(() => programs.remove());

  const app = { networks: [] as string[], volumes: [] as string[] };
  const lost = "/no/such/folder:/a";

  it("is what Docker tells, but for networks that no container joins besides others", async () => {
    await assertHas([{ networks: ["bridge", "web_data"], volumes: ["web_rest:/a", `${__dirname}:/b`], cpus: 2 }], true);
    const network = "expected a network that Docker has (docker network ls), other than host and none";
    await assert.rejects(assertHas([app, { networks: ["host", "none"], volumes: [lost], cpus: 3 }], true), {
      message: `Docker's host lacks what apps ask for:
  apps[1].networks[0]: got "host", ${network}
  apps[1].networks[1]: got "none", ${network}
  apps[1].volumes[0]: got "${lost}", expected a folder that Docker's host has
  apps[1].cpus: got 3, expected at most 2, the processors of Docker's host`,
    });
  });

  it("is not known of another machine's folders", () => assertHas([{ ...app, volumes: [lost] }], false));

  it("is not asked for where no app wants any of it", async () => {
    await assertHas([app], true);
    await assertHasMemory(1024);
    assert.equal(existsSync(log()), false);
  });

  it("has processors whose workers need memory", async () => {
    await assertHasMemory(64);
    await programs.write("docker", "#!/bin/sh\necho 16\n");
    await assertHasMemory(176);
    await assert.rejects(assertHasMemory(175), {
      message:
        "balancerMemoryMb: got 175, expected at least 176: 8 for each of the 16 processors of Docker's host, and 48 for requests.",
    });
    await programs.write("docker", "#!/bin/sh\necho 256\n");
    await assertHasMemory(1024);
  });
});
