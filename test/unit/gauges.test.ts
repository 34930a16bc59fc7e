import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { start, type Started } from "../../lib/process";
import { until } from "../../lib/until";
import { projectRoot } from "../../scripts/setup/project";
import { certificateOf, daysFromNow } from "../certificates";

describe("what writes down how the stack is", function () {
  this.timeout(60_000);
  let folder: string;
  let running: Started | undefined;
  let server: Server;
  let asked: (string | undefined)[] = [];

  before(function () {
    if (process.platform !== "linux") this.skip();
  });
  beforeEach(async () => {
    asked = [];
    folder = await mkdtemp(join(tmpdir(), "nlb-gauges-"));
    server = createServer(({ url, headers }, answer) => {
      asked.push(`${headers.host} ${url}`);
      answer.writeHead(url?.startsWith("/sick") === true ? 503 : 200).end("x");
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    await mkdir(join(folder, "releases", "0123456789abcdef"), { recursive: true });
    await symlink("releases/0123456789abcdef", join(folder, "current"));
  });
  afterEach(async () => {
    running?.killAll("SIGKILL");
    server.close();
    await rm(folder, { recursive: true, force: true });
  });

  const plan = (...lines: string[]) => writeFile(join(folder, "current", "log.txt"), `${lines.join("\n")}\n`);
  const backend = (app: string, path: string, weight = 1, port = (server.address() as AddressInfo).port) =>
    `server ${app}-0 ${app} 127.0.0.1 ${port} ${weight} shop.example:81 ${path}`;
  const written = async () => (await readFile(join(folder, "metrics.log"), "utf8").catch(() => "")).split("\n");
  /** What it has written of the last round that is whole. */
  async function write(): Promise<string[]> {
    const script = join(projectRoot, "nginx", "image", "gauges.sh");
    const places = ["current", "history.jsonl", "metrics.log"].map((name) => join(folder, name));
    running = start("sh", [script, ...places, "0.1"]);
    const begins = async () => (await written()).filter((line) => line.startsWith("g|configuration|")).length;
    await until("two rounds", 20, async () => (await begins()) > 1);
    const lines = await written();
    return lines
      .slice(
        0,
        lines.findLastIndex((line) => line.startsWith("g|configuration|")),
      )
      .sort();
  }

  it("tells the configuration, and of each app the backends that it is to have and those that answer", async () => {
    await plan(
      "log metrics 32 2",
      backend("shop", "/health?a=%22[b]..%2f"),
      backend("shop", "/sick"),
      backend("shop", "/not-asked", 0),
      backend("blog", "/", 1, 1),
      backend("-", '/a"b\\'),
    );
    const expected = [
      "g|backends_healthy|blog|0",
      "g|backends_healthy|shop|1",
      "g|backends_healthy||1",
      "g|backends_wanted|blog|1",
      "g|backends_wanted|shop|2",
      "g|backends_wanted||1",
      "g|configuration|0123456789abcdef|1",
    ];
    assert.deepEqual([...new Set(await write())], expected);
    const questions = ["/health?a=%22[b]..%2f", "/sick", '/a"b\\'].map((path) => `shop.example:81 ${path}`);
    assert.deepEqual([...new Set(asked)].sort(), questions.sort());
  });

  it("tells of each host the days until its first certificate ends", async () => {
    const [long, short] = [
      await certificateOf(["shop.example"]),
      await certificateOf(["shop.example"], undefined, { until: daysFromNow(3) }),
    ];
    await writeFile(join(folder, "current", "a.crt"), long.certificate);
    await writeFile(join(folder, "current", "b.crt"), short.certificate);
    await plan("log metrics 32 2", "certificate shop.example b.crt", "certificate shop.example a.crt", "certificate none.example c.crt"); // prettier-ignore
    const told = new Set((await write()).filter((line) => line.startsWith("g|certificate_days|")));
    assert.equal(told.size, 1);
    const [, days = ""] = /^g\|certificate_days\|shop\.example\|([\d.]+)$/.exec([...told][0] ?? "") ?? [];
    assert.ok(Number(days) > 2.9 && Number(days) <= 3, [...told].join());
  });

  it("tells how the last change went, and when", async () => {
    await plan("log metrics 32 2");
    const change = { n: 2, at: "2026-11-29T10:00:00.500Z", seconds: { look: 0.25, switch: 1.5 }, result: "put back", failure: 'a "result":"done"' }; // prettier-ignore
    await writeFile(join(folder, "history.jsonl"), `${JSON.stringify({ ...change, n: 1, result: "done" })}\n${JSON.stringify(change)}\n`); // prettier-ignore
    const lines = new Set((await write()).filter((line) => line.startsWith("g|change_")));
    assert.deepEqual([...lines], ["g|change_seconds|put back|1.750", "g|change_time||1795946400"]);
  });

  it("says nothing where nothing is counted", async () => {
    await plan("log access 4 4", backend("shop", "/"));
    const places = ["current", "history.jsonl", "metrics.log"].map((name) => join(folder, name));
    running = start("sh", ["-x", join(projectRoot, "nginx", "image", "gauges.sh"), ...places, "0.1"]);
    await until("it has looked", 10, () => (running?.output().match(/sleep 0\.1/g) ?? []).length > 2);
    assert.deepEqual(await written(), [""]);
    assert.deepEqual(asked, []);
  });
});
