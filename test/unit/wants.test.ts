import assert from "node:assert/strict";
import { problemsOfWants } from "../../rollout/wants";

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
