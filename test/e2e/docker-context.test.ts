import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { docker } from "../../rollout/docker";
import { dockerEndpoint } from "../../scripts/setup/environment";
import { TestStack } from "./stack";

/** A socket of its own that leads to an engine. */
class SecondSocket {
  /** What has been asked for through it, as far as a connection's first bytes and each later piece show it. */
  readonly requests: string[] = [];
  private server: Server | undefined;

  async listen(path: string, engine: string): Promise<void> {
    const server = createServer((client) => {
      const upstream = connect(engine);
      client.on("data", (data: Buffer) => {
        const request = /^[A-Z]+ \S+/.exec(data.subarray(0, 500).toString("latin1"))?.[0];
        if (request !== undefined) this.requests.push(request);
      });
      client.pipe(upstream).pipe(client);
      const end = () => [client, upstream].map((socket) => socket.destroy());
      client.on("error", end);
      upstream.on("error", end);
    });
    this.server = server;
    await new Promise<void>((resolve) => server.listen(path, resolve));
  }

  close(): void {
    this.server?.close();
  }
}

describe("another Docker context", function () {
  this.timeout(600_000);
  const socket = new SecondSocket();
  const usual = process.env;
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "nlb-context-"));
    const { host = "unix:///var/run/docker.sock" } = dockerEndpoint(process.env);
    const path = join(folder, "docker.sock");
    await socket.listen(path, host.replace("unix://", ""));
    const others = Object.entries(usual).filter(([name]) => !name.startsWith("DOCKER_"));
    process.env = { ...Object.fromEntries(others), DOCKER_CONFIG: folder };
    await docker("context", "create", "elsewhere", "--docker", `host=unix://${path}`);
    await docker("context", "use", "elsewhere");
  });
  after(async () => {
    process.env = usual;
    socket.close();
    await rm(folder, { recursive: true, force: true });
  });

  it("that the docker client uses is where everything is made, and removed", async () => {
    const stack = await TestStack.create("context", { backendCount: 1 });
    try {
      const { url } = await stack.up();
      assert.equal((await fetch(url)).status, 200);
      const asked = (pattern: RegExp) => socket.requests.filter((request) => pattern.test(request)).length;
      assert.equal(asked(/^POST \S+\/containers\/create/), 3, "entry, balancer and a backend");
      assert.equal(asked(/^POST \S+\/networks\/create/), 2);
      assert.ok(asked(/^POST \/session/) >= 2, "a build of each one's image");
      await stack.engineOk("destroy");
      assert.equal(asked(/^DELETE \S+\/containers\//), 3);
      assert.deepEqual(await stack.leftovers(), []);
    } finally {
      await stack.remove();
    }
  });
});
