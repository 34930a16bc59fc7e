import assert from "node:assert/strict";
import { BackendPool } from "../../components/backend-pool";
import { Balancer } from "../../components/balancer";
import { Entry } from "../../components/entry";
import { LogVolume } from "../../components/log-volume";
import { Metrics } from "../../components/metrics";
import { StackImages } from "../../components/stack-images";
import { labels } from "../../model/labels";
import {
  balancerArgs,
  build,
  changeOf,
  container,
  entryArgs,
  identity,
  labelsOf,
  poolArgs,
  settings,
  settle,
  stackLabel,
} from "../components";
import { mockEngine, recordOptions, valueOf } from "../mocks";

describe("what a Prometheus asks", () => {
  const urls = ["http://192.0.2.7:9112/metrics", "http://192.0.2.7:9113/metrics"];
  async function withMetrics() {
    const recording = await mockEngine();
    const opts = { transformations: [recordOptions(recording)] };
    const images = new StackImages("img", { stackLabel }, opts);
    const log = new LogVolume("log", { stackLabel, images }, opts);
    const where = { port: 9112, bindAddress: "192.0.2.7" };
    const args = { ...settings, ...identity, metrics: where, urls, images, log, stackLabel };
    const exporters = new Metrics("metrics", args, opts);
    const pool = new BackendPool("pool", poolArgs(images), opts);
    const entry = new Entry("front", entryArgs(images), opts);
    const balancer = new Balancer("lb", balancerArgs(images, pool, entry, { log, exporters }), opts);
    await Promise.all([settle(pool, balancer), valueOf(exporters.exporters), valueOf(exporters.urn)]);
    return recording;
  }

  it("are two containers that read what the balancer writes, on a network of their own", async () => {
    const recording = await withMetrics();
    const read = [{ volumeName: "log-volume-made", containerPath: "/var/log/balancer", readOnly: true }];
    for (const [role, port, internal, memory] of [
      ["metrics", 9112, 3903, 64],
      ["connections", 9113, 9113, 32],
    ] as const) {
      const inputs = container(recording, `metrics-${role}`);
      assert.deepEqual(inputs["volumes"], read);
      assert.deepEqual(inputs["networksAdvanced"], [{ name: "metrics-network-made" }]);
      assert.deepEqual(inputs["ports"], [{ internal, external: port, ip: "192.0.2.7" }]);
      assert.deepEqual([inputs["memory"], inputs["memorySwap"], inputs["cpuShares"]], [memory, memory, 128]);
      assert.deepEqual([inputs["start"], inputs["mustRun"], inputs["readOnly"]], [false, false, true]);
      assert.equal(inputs["image"], `sha256:img-${role}`);
      const { [labels.role]: own, [labels.listen]: listen } = Object.fromEntries(labelsOf(inputs));
      assert.deepEqual([own, listen], [role, `192.0.2.7:${port}`]);
    }
  });

  it("are named to the step that installs, which keeps them, and the balancer writes for them", async () => {
    const recording = await withMetrics();
    assert.deepEqual(changeOf(recording).destination.exporters, [
      { id: "metrics-metrics-id", url: urls[0] },
      { id: "metrics-connections-id", url: urls[1] },
    ]);
    const { volumes } = container(recording, "lb-nginx") as { volumes: unknown[] };
    assert.deepEqual(volumes.at(-1), { volumeName: "log-volume-made", containerPath: "/var/log/balancer" });
    const { recording: without } = await build();
    assert.equal("exporters" in changeOf(without).destination, false);
  });

  it("go with the stack: volume and network are removed with its images", async () => {
    const recording = await withMetrics();
    for (const name of ["log-volume", "metrics-network"]) assert.ok(recording.options.get(name)?.deletedWith, name);
  });
});
