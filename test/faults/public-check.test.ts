import assert from "node:assert/strict";
import { assertAnswers, Patient } from "./patient";

describe("an update that leaves clients without the apps' answers, under load", function () {
  this.timeout(120_000);
  let patient: Patient;

  before(async () => {
    patient = await Patient.create("public", ({ path }) => ({
      healthTimeoutSeconds: 8,
      apps: [{ name: "fixture", path }],
    }));
    patient.startLoad();
  });
  after(() => patient?.remove());
  beforeEach(() => patient.recover());

  /** Fails, with what served before as it was: not a request is lost, but for some while a reload is taken back. */
  async function failsAndPutsBack({ mayLose }: { mayLose: boolean }): Promise<string> {
    const before = await patient.stack.liveText();
    const { code, output } = await patient.up();
    const { lost, losses } = patient.closeBooks();
    assert.notEqual(code, 0, `the update was to fail, ${lost} requests were lost:\n${output}`);
    assert.equal(await patient.stack.liveText(), before, "the live configuration is as it was");
    await assertAnswers(patient.outputs.url);
    if (!mayLose) assert.equal(lost, 0, JSON.stringify(losses));
    patient.closeBooks();
    return output;
  }

  for (const [status, directives] of [
    [404, "return 404;"],
    [410, "return 410;"],
    [500, "return 500;"],
  ] as const) {
    it(`fails beside the live balancer when nginx answers everything with ${status}`, async () => {
      await patient.stack.configure({ serverConfig: directives });
      try {
        assert.match(await failsAndPutsBack({ mayLose: false }), new RegExp(`\\b${status}\\b`));
      } finally {
        await patient.stack.configure({ serverConfig: undefined });
        await patient.upOk();
      }
    });
  }

  // What a site in preparation has, or one that sends its clients elsewhere: no failure, but what was asked for.
  for (const [status, directives] of [
    [403, "deny all;"],
    [401, 'auth_basic "closed";\nauth_basic_user_file /dev/null;'],
    [301, "return 301 https://elsewhere.example$request_uri;"],
    [204, "return 204;"],
    [200, 'return 200 "under construction";'],
  ] as const) {
    it(`installs directives by which nginx answers everything with ${status}`, async () => {
      await patient.stack.configure({ serverConfig: directives });
      try {
        await patient.upOk();
        assert.equal((await fetch(patient.outputs.url, { redirect: "manual" })).status, status);
      } finally {
        await patient.stack.configure({ serverConfig: undefined });
        await patient.upOk();
      }
    });
  }

  it("fails, and puts back, when nginx does so on the published port alone", async () => {
    await patient.stack.configure({ serverConfig: 'if ($server_port = "8080") {\n  return 404;\n}' });
    try {
      assert.match(await failsAndPutsBack({ mayLose: true }), /\b404\b/);
    } finally {
      await patient.stack.configure({ serverConfig: undefined });
      await patient.upOk();
    }
  });

  it("fails when a backend answers the balancer's probes, but its clients with 404", async () => {
    await patient.app.write("two", "hidden-health");
    try {
      assert.match(await failsAndPutsBack({ mayLose: true }), /\b404\b/);
    } finally {
      await patient.app.write("three");
      await patient.upOk();
    }
  });

  for (const [what, directives] of [
    ["is hidden from the public", "location = /health {\n  return 404;\n}"],
    ["is forbidden to the public", "location = /health {\n  deny all;\n}"],
    ["is answered by nginx", 'location = /health {\n  return 200 "here";\n}'],
  ] as const) {
    it(`works as ever when the health path ${what}`, async () => {
      await patient.stack.configure({ serverConfig: directives });
      await patient.upOk();
      await patient.assertWhole();
      await patient.stack.configure({ serverConfig: undefined });
      await patient.upOk();
      await patient.assertWhole();
      patient.assertNoneLost();
    });
  }
});
