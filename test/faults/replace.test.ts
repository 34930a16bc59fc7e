import assert from "node:assert/strict";
import { startLoad } from "../../scripts/load/load";
import { Patient } from "./patient";

describe("pulumi up --replace, under load", function () {
  this.timeout(120_000);
  let patient: Patient;

  before(async () => {
    patient = await Patient.create("replace");
    // Each POST lasts: one that is sent to a backend that ends too early is lost for certain.
    const lasting = { path: "/slow?seconds=0.2", clients: 6 } as const;
    const short = { clients: 2, pauseMilliseconds: 2 } as const;
    patient.startLoad(
      startLoad({
        url: patient.outputs.url,
        maxSeconds: 1200,
        profiles: [
          { name: "kept POST", method: "POST", keepAlive: true, body: () => "x", ...lasting },
          { name: "fresh POST", method: "POST", keepAlive: false, body: () => "x", ...lasting },
          { name: "kept GET", method: "GET", keepAlive: true, path: "/", ...short },
          { name: "fresh GET", method: "GET", keepAlive: false, path: "/", ...short },
        ],
      }),
    );
  });
  after(() => patient?.remove());
  beforeEach(() => patient.recover());

  /** Replaces resources; gives the containers of before and of after, by slot. */
  async function replace(pattern: RegExp): Promise<[before: Record<string, string>, after: Record<string, string>]> {
    const bySlot = async () =>
      Object.fromEntries((await patient.backends()).map(({ slot, id }) => [slot, id])) as Record<string, string>;
    const before = await bySlot();
    await patient.upOk(...(await patient.stack.urns(pattern)).flatMap((urn) => ["--replace", urn]));
    patient.assertNoneLost();
    await patient.assertWhole();
    await patient.stack.engineOk("preview", "--expect-no-changes");
    patient.assertNoneLost();
    return [before, await bySlot()];
  }

  it("of one backend loses nothing, as in a roll", async () => {
    const [before, after] = await replace(/::backends-fixture-0$/);
    assert.notEqual(after["fixture-0"], before["fixture-0"]);
    assert.equal(after["fixture-1"], before["fixture-1"]);
  });

  it("of the same one once more loses nothing", async () => {
    const [before, after] = await replace(/::backends-fixture-0$/);
    assert.notEqual(after["fixture-0"], before["fixture-0"]);
  });

  it("of all backends loses nothing", async () => {
    const [before, after] = await replace(/::backends-fixture-\d+$/);
    for (const slot of ["fixture-0", "fixture-1"]) assert.notEqual(after[slot], before[slot]);
  });

  it("of the image loses nothing", async () => {
    await replace(/::images-fixture$/);
  });

  it("of the step that installs loses nothing", async () => {
    const [before, after] = await replace(/::balancer-installed$/);
    assert.deepEqual(after, before);
  });

  it("of the image and its backends loses nothing", async () => {
    const [before, after] = await replace(/::(images-fixture|backends-fixture-\d+)$/);
    for (const slot of ["fixture-0", "fixture-1"]) assert.notEqual(after[slot], before[slot]);
  });
});
