import assert from "node:assert/strict";
import { until } from "../../lib/until";
import { Patient } from "./patient";

describe("an app that answers one path of one host alone", function () {
  this.timeout(120_000);
  let patient: Patient;
  const asked = { healthPath: "/health?full=1&at=%2f..%2f", healthHost: "shop.example" };

  before(async () => (patient = await Patient.create("health")));
  after(() => patient?.remove());

  const configure = (more: Record<string, string>) =>
    patient.stack.configure({ healthTimeoutSeconds: 8, apps: [{ name: "fixture", path: patient.app.path, ...more }] });

  it("is not let in by checks that ask for something else", async () => {
    await patient.app.write("two", "particular");
    for (const more of [{}, { healthPath: asked.healthPath }, { healthHost: asked.healthHost }]) {
      await configure(more);
      const { code, output } = await patient.up();
      assert.notEqual(code, 0, output);
      assert.match(output, /did not get healthy within 8 s: answered 503 instead of 200/);
    }
  });

  it("is let in by Docker's check, the probes and the public check, which ask byte for byte for what the settings say", async () => {
    await configure(asked);
    await patient.upOk();
    await until("Docker finds all healthy", 30, async () =>
      (await patient.stack.containers()).backends.every(({ health }) => health === "healthy"),
    );
    await patient.assertWhole();
  });
});
