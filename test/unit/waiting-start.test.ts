import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { start, type Started } from "../../lib/process";
import { until } from "../../lib/until";
import { projectRoot } from "../../scripts/setup/project";

describe("what waits for backends before nginx starts", () => {
  let folder: string;
  const open: (Server | Started)[] = [];
  beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), "nlb-waiting-"))));
  afterEach(async () => {
    for (const one of open.splice(0))
      if ("close" in one) one.close();
      else one.kill("SIGKILL");
    await rm(folder, { recursive: true });
  });

  /** Listens at a port, at any free one by default. */
  async function listen(port = 0): Promise<number> {
    const server = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    open.push(server);
    return (server.address() as AddressInfo).port;
  }

  /** A port at which nobody listens. */
  async function closed(): Promise<number> {
    const port = await listen();
    const server = open.pop() as Server;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }

  async function waitFor(upstreams: Readonly<Record<string, readonly string[]>>): Promise<Started> {
    const blocks = Object.entries(upstreams).map(
      ([name, servers]) =>
        `  upstream ${name} {\n    zone ${name} 2m;\n${servers.join("\n")}\n    keepalive 128;\n  }\n`,
    );
    const file = join(folder, "nginx.conf");
    await writeFile(file, `http {\n${blocks.join("")}  server {\n    listen 8080;\n  }\n}\n`);
    const started = start("perl", [join(projectRoot, "nginx", "image", "backends.pl"), file]);
    open.push(started);
    return started;
  }
  const server = (port: number, more = "weight=1") => `    server 127.0.0.1:${port} resolve ${more} route=x;`;

  async function ends(started: Started): Promise<void> {
    const { outcome, stderr } = await started.ended;
    assert.equal(outcome, "succeeded", stderr);
  }

  it("waits for nobody where there are none, or none but those that drain", async () => {
    await ends(await waitFor({}));
    await ends(await waitFor({ a: [server(await closed(), "drain")] }));
  });

  it("has enough with one of each app", async () => {
    const [dead, alive] = [await closed(), await listen()];
    await ends(await waitFor({ a: [server(dead), server(alive)], a_spare: [server(alive)], b: [server(alive)] }));
  });

  it("waits as long as an app has none", async () => {
    const later = await closed();
    let asked = 0;
    const other = createServer(() => asked++).listen(0, "127.0.0.1");
    open.push(other);
    await until("another app's listens", 5, () => other.listening);
    const waiting = await waitFor({ a: [server(later)], b: [server((other.address() as AddressInfo).port)] });
    await until("the other one was asked", 5, () => asked > 0);
    assert.equal(waiting.hasEnded(), false);
    await listen(later);
    await ends(waiting);
    assert.equal(asked, 1);
  });
});
