import assert from "node:assert/strict";
import { hostname, userInfo } from "node:os";
import { docker } from "../../rollout/docker";
import { Patient } from "./patient";
import { TestStack, type EngineRun } from "../e2e/stack";

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/;

describe("two states with the same project and stack name on one Docker host, under load", function () {
  this.timeout(120_000);
  let patient: Patient;
  /** The other one's: the same name, the same settings, a state of its own. */
  let other: TestStack;

  before(async () => {
    patient = await Patient.create("owner");
    const { app, stack } = patient;
    const apps = [{ name: "fixture", path: app.path }];
    other = await TestStack.create("owner", { backendCount: 2, drainSeconds: 4, apps, port: stack.port });
    assert.equal(other.name, stack.name);
    patient.startLoad();
  });
  after(async () => {
    await other?.remove();
    await patient?.remove();
  });
  beforeEach(() => void patient.closeBooks());

  /** Containers, networks, volumes and images are the very ones of before, and no request was lost. */
  async function leavesAllAsItIs(run: () => Promise<EngineRun>): Promise<EngineRun> {
    const before = await inventory(patient.stack.stackLabel);
    const result = await run();
    assert.deepEqual(await inventory(patient.stack.stackLabel), before);
    patient.assertNoneLost();
    return result;
  }

  async function refused(stack: TestStack, ...command: string[]): Promise<string> {
    const { code, output } = await leavesAllAsItIs(() => stack.engine(...command));
    assert.notEqual(code, 0, `${command.join(" ")} was to be refused:\n${output}`);
    return output;
  }

  for (const command of [["preview"], ["up"], ["up", "--refresh"]]) {
    it(`the second one's ${command.join(" ")} is refused, names the owner, and touches nothing`, async () => {
      const output = await refused(other, ...command);
      assert.ok(output.includes(`${userInfo().username}@${hostname()}`), output);
      assert.match(output, uuid);
      assert.match(output, /\b\d+ (s|seconds?|min|minutes?)\b|\b20\d\d-\d\d-\d\d/, "how old it is");
      assert.match(output, /\badopt\b/, "how a lost state is made good");
      assert.doesNotMatch(output, /\.ts:\d+/, "a stack trace is of no use here");
    });
  }

  it("every container carries its owner's identity", async () => {
    const format = '{{index .Config.Labels "nginx-load-balancer.owner"}}';
    const owners = (await docker("inspect", "--format", format, ...(await patient.containers()))).trim().split("\n");
    assert.equal(owners.length, 4);
    assert.match(owners[0] ?? "", uuid);
    assert.equal(new Set(owners).size, 1);
  });

  it("the owner goes on as ever", async () => {
    await patient.stack.engineOk("preview", "--expect-no-changes");
    await patient.stack.configure({ maxBodyMb: 11 });
    await patient.upOk();
    await patient.assertWhole();
    patient.assertNoneLost();
  });

  it("the second one can be destroyed, which touches nothing either", async () => {
    await leavesAllAsItIs(() => other.engine("destroy"));
  });

  it("adopting anything but the owner that is there is refused", async () => {
    await other.configure({ adopt: "00000000-0000-4000-8000-000000000000" });
    assert.match(await refused(other, "up"), /\badopt\b/);
    await other.configure({ adopt: undefined });
  });

  it("a state that was lost is made good: adopt takes over without losing a request, and keeps the entry", async () => {
    const identity = uuid.exec(await refused(other, "preview"))?.[0];
    const before = await patient.containers();
    const networksAndVolumes = async () =>
      (await inventory(patient.stack.stackLabel)).filter((line) => /^(network|volume) /.test(line)).length;
    const had = await networksAndVolumes();
    await other.configure({ adopt: identity, maxBodyMb: 11 });
    await other.engineOk("preview");
    patient.outputs = await other.up();

    patient.assertNoneLost();
    const after = await patient.containers();
    const { entry } = await patient.stack.containers();
    assert.deepEqual(
      after.filter((id) => before.includes(id)),
      [entry?.id],
      "the old containers are gone, but for the entry",
    );
    assert.equal(after.length, 4);
    assert.equal(await networksAndVolumes(), had, "what they were on is gone, too");
    assert.equal((await patient.backends()).length, 2);
    await patient.assertWhole();
    const { code, output } = await other.script("status");
    assert.equal(code, 0, output);
    await other.engineOk("preview", "--expect-no-changes");
    await other.configure({ adopt: undefined });
    await other.engineOk("preview", "--expect-no-changes");
    patient.assertNoneLost();
  });

  it("the state that it was taken from may come back: its updates are refused, and its destroy, which would end the entry", async () => {
    assert.match(await refused(patient.stack, "preview"), uuid);
    assert.match(await refused(patient.stack, "up"), uuid);
    assert.match(await refused(patient.stack, "destroy"), /taken over by another state[^]*stack rm --force/);
  });

  it("destroy leaves nothing", async () => {
    patient.closeBooks();
    await patient.endLoad();
    await other.engineOk("destroy");
    assert.deepEqual(await other.leftovers(), []);
  });
});

/** All that Docker has of a stack, with what would show that it was touched: ids, when it started, its networks. */
async function inventory(stackLabel: string): Promise<string[]> {
  const label = `label=nginx-load-balancer.stack=${stackLabel}`;
  const lines = async (...command: string[]) => (await docker(...command)).split("\n").filter(Boolean);
  const containers = await lines("ps", "--all", "--quiet", "--no-trunc", "--filter", label);
  const networks = "{{range $name, $_ := .NetworkSettings.Networks}} {{$name}} {{.IPAddress}}{{end}}";
  const state = `container {{.Name}} {{slice .Id 0 12}} {{.State.Status}} {{.State.StartedAt}}${networks}`;
  return (
    await Promise.all([
      containers.length > 0 ? lines("container", "inspect", "--format", state, ...containers) : [],
      lines("network", "ls", "--filter", label, "--format", "network {{.ID}} {{.Name}}"),
      lines("volume", "ls", "--filter", label, "--format", "volume {{.Name}}"),
      lines("images", "--filter", `reference=${stackLabel}/*`, "--format", "image {{.Tag}} {{.ID}}"),
    ])
  ).flatMap((found) => found.sort());
}
