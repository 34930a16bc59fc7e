import assert from "node:assert/strict";
import { createServer } from "node:net";
import { docker, tryDocker } from "../../rollout/docker";
import { readStatus } from "../../scripts/status";
import { stackFaults } from "../cis";
import { NamelessVolumes, ofStack } from "./nameless-volumes";
import { TestStack, type Outputs } from "./stack";
import { until } from "./until";

/** How the answers of requests sent one after the other were spread. */
async function spread(url: string, requests: number): Promise<Record<string, number>> {
  const answers: Record<string, number> = {};
  for (let sent = 0; sent < requests; sent++) {
    const body = await (await fetch(url)).text();
    answers[body] = (answers[body] ?? 0) + 1;
  }
  return answers;
}

const evenly = { "this is response from app1": 10, "this is response from app2": 10 };

describe("the main job, on the real engine and Docker", function () {
  this.timeout(1_200_000);
  let stack: TestStack;
  let outputs: Outputs;
  let volumes: NamelessVolumes;

  before(async () => {
    stack = await TestStack.create("main");
    volumes = await NamelessVolumes.watch(ofStack(stack.stackLabel));
    outputs = await stack.up();
  });
  after(async () => {
    await volumes.close();
    await stack.remove();
  });

  const ids = async (role: string) =>
    (
      await docker(
        "ps",
        "--quiet",
        "--filter",
        `label=nginx-load-balancer.stack=${stack.stackLabel}`,
        "--filter",
        `label=nginx-load-balancer.role=${role}`,
      )
    )
      .split("\n")
      .filter(Boolean)
      .sort();

  it("builds, runs and balances the two apps", async () => {
    assert.equal(outputs.url, stack.url);
    assert.deepEqual(await spread(outputs.url, 20), evenly);
    assert.equal((await fetch(`${outputs.url}/health`)).status, 200);
  });

  it("has nothing to do the second time, also after a refresh", async () => {
    await stack.engineOk("preview", "--expect-no-changes");
    await stack.engineOk("refresh");
    await stack.engineOk("preview", "--expect-no-changes");
    await stack.engineOk("up", "--expect-no-changes");
  });

  it("keeps its state in files that are replaced whole, so that an engine that is killed can't empty one", () => {
    const files = stack.stateFiles();
    assert.ok(
      files.some((file) => file.endsWith(`/${stack.name}.json`)),
      files.join("\n"),
    );
    // What is written in place: see Pulumi.yaml.
    assert.deepEqual(
      files.filter((file) => file.endsWith(".attrs")),
      [],
    );
  });

  it("previews the very text that it then installs", async () => {
    await stack.configure({ maxBodyMb: 7 });
    const { steps } = JSON.parse(await stack.engineOk("preview", "--json")) as {
      steps: { urn: string; newState?: { inputs?: { stdin?: string } } }[];
    };
    const previewed = steps.find(({ urn }) => urn.endsWith("::balancer-installed"))?.newState?.inputs?.stdin;
    assert.match(await stack.engineOk("preview", "--diff"), /\+ +client_max_body_size 7m;/);
    outputs = await stack.up();
    assert.equal(previewed, outputs.upstreamConfig);
    assert.equal(await stack.liveText(), previewed);
  });

  it("adds and removes just those backends that the count asks for", async () => {
    const [backends, balancer] = [await ids("backend"), await ids("balancer")];
    await stack.configure({ backendCount: 5 });
    outputs = await stack.up();
    assert.equal(outputs.backends.length, 5);
    const more = await ids("backend");
    assert.equal(more.length, 5);
    assert.ok(backends.every((id) => more.includes(id)));

    await stack.configure({ backendCount: 2 });
    outputs = await stack.up();
    assert.deepEqual(await ids("backend"), backends);
    assert.deepEqual(await ids("balancer"), balancer);
    assert.deepEqual(await spread(outputs.url, 20), evenly);
  });

  it("hardens every container, also after a restart, and repeated updates see nothing to do about it", async () => {
    assert.deepEqual(await stackFaults(stack.stackLabel), []);
    const [backend = ""] = await ids("backend");
    await docker("restart", "--time", "1", backend);
    await until("it is back", 20, () => docker("exec", backend, "true").then(() => true, () => false)); // prettier-ignore
    assert.deepEqual(await stackFaults(stack.stackLabel), []);
    // As the kernel has it, by cgroups of either version.
    const inside = "cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max 2>/dev/null";
    assert.equal((await tryDocker("exec", backend, "sh", "-c", inside)).stdout.trim(), "4096");
    await stack.engineOk("refresh");
    await stack.engineOk("preview", "--expect-no-changes");
  });

  it("serves a restarted backend again, under its new address, without an update", async () => {
    const [id = ""] = await ids("backend");
    await docker("restart", id);
    await until("both apps answer again", 20, async () => {
      const answers = await spread(outputs.url, 20);
      return Object.keys(answers).length === 2 && Object.values(answers).every((times) => times === 10);
    });
  });

  it("comes back with the current configuration when the balancer is restarted", async () => {
    const [id = ""] = await ids("balancer");
    await docker("restart", id);
    await until(
      "the balancer answers",
      20,
      async () => (await fetch(outputs.url).catch(() => undefined))?.status === 200,
    );
    assert.deepEqual((await readStatus(stack.stackLabel, outputs)).drift, []);
  });

  it("refuses bad config with one message, and a port that is taken, before anything is touched", async () => {
    const before = [await ids("backend"), await ids("balancer")];
    await stack.configure({ backendCount: "many", bindAddress: "nowhere", colour: "red" });
    const { code, output } = await stack.engine("preview");
    assert.notEqual(code, 0);
    assert.match(output, /Bad stack config, 3 problems:/);
    assert.match(output, /backendCount: got "many", expected an integer from 1 to 200/);
    assert.match(output, /bindAddress: got "nowhere", expected an IPv4 or IPv6 address/);
    assert.match(output, /colour: unknown key \(got "?red"?\), allowed keys are backendCount/);
    assert.doesNotMatch(output, /\.ts:\d+/, "a stack trace is of no use here");
    await stack.configure({ backendCount: 2, bindAddress: undefined, colour: undefined });

    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    try {
      await stack.configure({ port });
      const taken = await stack.engine("up");
      assert.notEqual(taken.code, 0);
      assert.match(taken.output, new RegExp(`port: got ${port}, which something else on this host uses already`));
    } finally {
      server.close();
      await stack.configure({ port: stack.port });
    }
    assert.deepEqual([await ids("backend"), await ids("balancer")], before);
    await stack.engineOk("preview", "--expect-no-changes");
  });

  it("runs beside another stack, whose end leaves it serving, and leaves nothing of it behind", async () => {
    const other = await TestStack.create("other", { backendCount: 1 });
    try {
      const { url } = await other.up();
      assert.equal((await fetch(url)).status, 200);
      // One that is killed on the way is taken up again.
      const killed = other.start("destroy");
      await until("the rest is being removed", 30, async () => /images-removal deleting/.test(killed.output()));
      killed.kill("SIGKILL");
      await killed.ended;
      assert.ok((await other.leftovers()).length > 0);
      await other.engineOk("cancel", "--yes");
      await other.engineOk("destroy");
      assert.deepEqual(await other.leftovers(), []);
      await assert.rejects(fetch(url));
      assert.deepEqual(await spread(outputs.url, 20), evenly);
    } finally {
      await other.remove();
    }
  });

  it("leaves no container, network, volume or image behind", async () => {
    assert.ok((await stack.leftovers()).length >= 8, "the search finds what is there");
    await stack.engineOk("destroy");
    assert.deepEqual(await stack.leftovers(), []);
    assert.deepEqual(await volumes.abandoned(), []);
  });
});
