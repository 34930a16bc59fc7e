import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { labels } from "../../model/labels";
import { currentRelease, mainFile } from "../../model/layout";
import type { Topology } from "../../model/topology";
import { releaseOf, showFiles } from "../../nginx/render/config";
import { docker, tryDocker } from "../../rollout/docker";
import { startLoad, type Load, type Profile } from "../../scripts/load/load";
import { readStatus } from "../../scripts/status";
import { FixtureApp, fixtureLoad, type Mode } from "./app";
import { TestStack, type Outputs } from "./stack";
import { until } from "./until";

// The tests of the tests: what the product prevents is done by hand here, and the load generator has to report losses.
describe("without the protection, the load generator reports losses", function () {
  this.timeout(1_200_000);
  let app: FixtureApp;
  let stack: TestStack;
  let outputs: Outputs;
  let balancer: string;
  let image: string;
  const extra: string[] = [];

  before(async () => {
    app = await FixtureApp.create();
    stack = await TestStack.create("bare", {
      backendCount: 2,
      drainSeconds: 4,
      apps: [{ name: "fixture", path: app.path }],
    });
    outputs = await stack.up();
    balancer = (await stack.containers()).balancer?.id ?? "";
    image = (await docker("inspect", "--format", "{{.Image}}", outputs.backends[0]?.containerName ?? "")).trim();
  });
  after(async () => {
    await stack.remove();
    await app.remove();
  });
  afterEach(async () => {
    if (extra.length > 0) await tryDocker("rm", "--force", "--volumes", ...extra.splice(0));
    for (const { containerName } of outputs.backends) await tryDocker("start", containerName);
    await reloadWith(outputs.upstreamConfig);
    await until(
      "the stack is whole again",
      30,
      async () => (await readStatus(stack.stackLabel, outputs)).drift.length === 0,
    );
  });

  /** Puts files in the live place, as the output shows them, and reloads, as somebody would by hand: no test, no second phase, no wait. */
  async function reloadWith(text: string): Promise<void> {
    const [main = "", ...more] = text.split(/^\n# (\w+\.conf)\n/m);
    const files = [[mainFile, main], ...more.flatMap((name, at) => (at % 2 === 0 ? [[name, more[at + 1] ?? ""]] : []))];
    const commands = files.map(([name, content = ""]) => {
      const encoded = Buffer.from(content).toString("base64");
      return `echo ${encoded} | base64 -d >${currentRelease}/${name}`;
    });
    await docker("exec", balancer, "sh", "-c", [...commands, "kill -HUP 1"].join(" && "));
  }

  /** Starts containers of the app's image on the network of the first app, as new backends; waits until they answer. */
  async function startBackends(names: readonly string[], mode: Mode = "ok"): Promise<void> {
    const format = `{{index .Config.Labels "${labels.network}"}}`;
    const one = outputs.backends[0]?.containerName ?? "";
    const network = (await docker("container", "inspect", "--format", format, one)).trim();
    for (const name of names) {
      const start = `mkdir /tmp/app && cp -r . /tmp/app && cd /tmp/app && echo ${mode} >mode.txt && exec ./serve.sh`;
      const options = ["--network", network, "--network-alias", name, "--tmpfs", "/tmp:exec,mode=1777"];
      extra.push((await docker("run", "--detach", ...options, image, "sh", "-c", start)).trim());
    }
    await until("the new backends listen", 30, async () => {
      const asked = await Promise.all(
        names.map((name, at) =>
          tryDocker(
            "exec",
            mode === "ok" ? balancer : (extra[at] ?? ""),
            ...listens(mode === "ok" ? name : "localhost"),
          ),
        ),
      );
      return asked.every(({ code }) => code === 0);
    });
  }

  const listens = (host: string) => ["bash", "-c", `exec 3<>/dev/tcp/${host}/5000`];

  /** The live text with other servers in place of its own. */
  function withServers(names: readonly string[]): string {
    const topology = outputs.release.topology as Topology;
    const upstreams = topology.upstreams.map((upstream) => ({
      ...upstream,
      servers: names.flatMap((name) => upstream.servers.slice(0, 1).map((server) => ({ ...server, name }))),
    }));
    return showFiles(releaseOf({ ...topology, upstreams }).files);
  }

  /** Fails unless a request is lost within so many tries of an unprotected change. */
  async function loses(load: Load, tries: number, change: (attempt: number) => Promise<void>): Promise<void> {
    try {
      await until("requests are answered", 10, async () => load.account().answered > 50);
      assert.equal(load.mark().lost, 0, "nothing was lost before the change");
      for (let attempt = 1; attempt <= tries && load.account().lost === 0; attempt++) {
        await change(attempt);
        await pause(300);
      }
      assert.ok(load.account().lost > 0, "a loss was to be reported");
    } finally {
      await load.stop();
    }
  }

  const load = () => fixtureLoad(outputs.url, { maxSeconds: 120, slow: false });
  // New connections, because kept ones stay with the old workers for a while.
  const freshLoad = () =>
    startLoad({ url: outputs.url, profiles: [{ ...keptGets, name: "fresh GET", keepAlive: false }], maxSeconds: 120 });
  const keptGets: Profile = { name: "kept GET", method: "GET", path: "/", keepAlive: true, clients: 16 };

  it("1, scaling down: containers end before the balancer knows", async () => {
    const posts: Profile = { ...keptGets, name: "POST", method: "POST", path: "/slow?seconds=0.2", body: () => "x" };
    await loses(startLoad({ url: outputs.url, profiles: [posts], maxSeconds: 60 }), 3, async () => {
      const { containerName = "" } = outputs.backends[0] ?? {};
      await docker("kill", containerName);
      await docker("start", containerName);
    });
  });

  /** The same text without the second protection: a request that meets no address is tried again a moment later. */
  function impatient(text: string): string {
    const without = text.replace(/^.* later;\n/m, "");
    assert.notEqual(without, text);
    return without;
  }

  it("2, rolling a single backend: new in place of old, without a time together or a second try", async () => {
    await startBackends(["single-1"]);
    await loses(freshLoad(), 40, async (attempt) =>
      reloadWith(impatient(attempt % 2 === 1 ? withServers(["single-1"]) : outputs.upstreamConfig)),
    );
  });

  it("3, rolling all: new in place of old, without a time together or a second try", async () => {
    await startBackends(["all-1", "all-2"]);
    await loses(freshLoad(), 40, async (attempt) =>
      reloadWith(impatient(attempt % 2 === 1 ? withServers(["all-1", "all-2"]) : outputs.upstreamConfig)),
    );
  });

  it("4, a setting: a reload that closes idle connections at once", async () => {
    const hasty = outputs.upstreamConfig
      .replace(/keepalive_min_timeout .*\n/, "\n")
      .replace(/keepalive_time .*\n/, "\n");
    await reloadWith(hasty);
    await pause(1000);
    await loses(startLoad({ url: outputs.url, profiles: [keptGets], maxSeconds: 60 }), 30, async (attempt) => {
      await reloadWith(`${hasty}# ${attempt}\n`);
    });
  });

  for (const [number, mode] of [
    ["5, a version that is never healthy", "unhealthy"],
    ["6, a backend that the balancer doesn't reach", "localhost-only"],
  ] as const) {
    it(`${number}: installed without the candidate's test`, async () => {
      await startBackends([`${mode}-1`], mode);
      const asksHealth: Profile = {
        name: "health",
        method: "GET",
        path: "/health",
        keepAlive: true,
        clients: 4,
        pauseMilliseconds: 2,
      };
      await loses(startLoad({ url: outputs.url, profiles: [asksHealth], maxSeconds: 60 }), 3, async () => {
        await reloadWith(withServers([`${mode}-1`]));
      });
    });
  }

  it("7, a public address that fails: nobody puts the previous configuration back", async () => {
    await loses(load(), 1, async () =>
      reloadWith(outputs.upstreamConfig.replace("location / {", "location / {\nreturn 503;")),
    );
  });

  it("8, a killed backend: requests are not retried on another one", async () => {
    await reloadWith(outputs.upstreamConfig.replace("proxy_next_upstream error timeout;", "proxy_next_upstream off;"));
    await pause(1000);
    const gets: Profile = { ...keptGets, clients: 4, pauseMilliseconds: 2 };
    await loses(startLoad({ url: outputs.url, profiles: [gets], maxSeconds: 60 }), 5, async () => {
      const { containerName = "" } = outputs.backends[0] ?? {};
      await docker("kill", containerName);
      await docker("start", containerName);
    });
  });
});
