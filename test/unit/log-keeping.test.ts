import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import {
  appendFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { start, type Started } from "../../lib/process";
import { until } from "../../lib/until";
import { projectRoot } from "../../scripts/setup/project";

/** Answers as Docker's DNS does: with an address, or that there is none; nothing at all for a name that it asks others for. */
async function serveNames(addresses: ReadonlyMap<string, string>): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.on("message", (question, { port, address: asker }) => {
    const labels: string[] = [];
    let at = 12;
    for (let length = question[at] ?? 0; length > 0; length = question[at] ?? 0) {
      labels.push(question.toString("latin1", at + 1, at + 1 + length));
      at += 1 + length;
    }
    const address = addresses.get(labels.join("."));
    if (address === undefined) return;
    // Another name comes first, as for one that leads to one.
    const name = question.subarray(12, at + 1);
    const other = Buffer.concat([name, Buffer.from([0, 5, 0, 1, 0, 0, 0, 9, 0, 2, 0xc0, 12])]);
    const own = Buffer.concat([
      Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4]),
      Buffer.from(address.split(".").map(Number)),
    ]);
    const head = Buffer.from([...question.subarray(0, 2), 0x81, 0x80, 0, 1, 0, 2, 0, 0, 0, 0]);
    socket.send(Buffer.concat([head, question.subarray(12, at + 5), other, own]), port, asker);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket;
}

describe("what keeps the logs", function () {
  this.timeout(30_000);
  let folder: string;
  let dns: Socket;
  let addresses: Map<string, string>;
  const running: Started[] = [];
  const logs = () => join(folder, "logs");
  const release = () => join(folder, "release");
  const run = (...args: string[]) => {
    const DNS = `127.0.0.1:${(dns.address() as AddressInfo).port}`;
    const started = start("perl", [join(projectRoot, "nginx", "image", "log.pl"), ...args], {
      env: { DNS, SECONDS: "2" },
    });
    running.push(started);
    return started;
  };
  const done = async (...args: string[]) => {
    const { outcome, stderr } = await run(...args).ended;
    assert.deepEqual([outcome, stderr], ["succeeded", ""]);
  };
  const plan = (...lines: string[]) => writeFile(join(release(), "log.txt"), `# Read by log.pl\n${lines.join("\n")}\n`);
  const read = (name: string) => readFile(join(logs(), name), "utf8");
  const files = async () => (await readdir(logs())).filter((name) => /-\d+\.log$/.test(name)).sort();
  const server = (name: string, app: string) => `server ${name} ${app} ${name} 5000 1 localhost /health`;

  before(function () {
    if (process.platform !== "linux") this.skip();
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "nlb-log-"));
    await Promise.all([mkdir(logs()), mkdir(release())]);
    addresses = new Map();
    dns = await serveNames(addresses);
  });
  afterEach(async () => {
    for (const one of running.splice(0)) one.killAll("SIGKILL");
    dns?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it("begins a file of each kind once, which nginx finds by a link", async () => {
    await done("begin", logs());
    await appendFile(join(logs(), "access.log"), "a request\n");
    await done("begin", logs());
    assert.deepEqual(await files(), ["access-1.log", "metrics-1.log", "metrics-2.log"]);
    assert.equal(await readlink(join(logs(), "access.log")), "access-1.log");
    assert.equal(await readlink(join(logs(), "metrics.log")), "metrics-1.log");
    assert.equal(await read("access-1.log"), "a request\n");
  });

  it("writes down whose an address is, in each log that there is, and waits for no name that nobody answers for", async () => {
    await done("begin", logs());
    addresses.set("shop-0-aaaaaaaaaa", "10.0.0.1").set("other", "10.0.0.3");
    const servers = [server("shop-0-aaaaaaaaaa", "shop"), server("gone-0-aaaaaaaaaa", "gone"), server("other", "-")];
    await plan("log access 4 4", "log metrics 32 2", ...servers, "upstream shop_spare shop");
    const begun = performance.now();
    await done("names", logs(), release());
    assert.ok(performance.now() - begun < 5000);
    assert.equal(
      await read("metrics.log"),
      "b|10.0.0.1:5000|shop|shop-0-aaaaaaaaaa\nb|10.0.0.3:5000||other\nb|shop_spare|shop|\n",
    );
    const told = (await read("access.log")).trimEnd().split("\n");
    assert.deepEqual(
      told.map((line) => ({ ...(JSON.parse(line) as object), time: 0 })),
      [
        { time: 0, address: "10.0.0.1:5000", app: "shop", backend: "shop-0-aaaaaaaaaa" },
        { time: 0, address: "10.0.0.3:5000", app: "", backend: "other" },
      ],
    );
    await plan("log metrics 32 2", server("shop-0-aaaaaaaaaa", "shop"));
    await done("names", logs(), release());
    assert.equal((await read("access.log")).trimEnd().split("\n").length, 2);
  });

  it("has three files of metrics in turn, the next one long before it is written to, and each a new one", async () => {
    await done("begin", logs());
    addresses.set("shop-0-aaaaaaaaaa", "10.0.0.1");
    await plan("log metrics 1 2", server("shop-0-aaaaaaaaaa", "shop"));
    const nginx = start("sh", ["-c", "trap 'echo reopened' USR1; echo started; while :; do sleep 0.1; done"]);
    running.push(nginx);
    await until("the other one runs", 10, () => nginx.output() === "started\n");
    const keeping = run("keep", logs(), release(), String(nginx.pid));
    const isFor = (number: number) =>
      until(
        `file ${number}`,
        20,
        async () => (await readlink(join(logs(), "metrics.log"))) === `metrics-${number}.log`,
      );
    const fill = () => appendFile(join(logs(), "metrics.log"), `${"x".repeat(1 << 20)}\n`);
    let since = performance.now();
    for (const [at, from, to, spare] of [
      [1, 1, 2, 3],
      [2, 2, 3, 1],
      [3, 3, 1, 2],
    ] as const) {
      const next = await stat(join(logs(), `metrics-${to}.log`));
      assert.equal(next.size, 0);
      await fill();
      await isFor(to);
      // Whole seconds: two are more than one.
      assert.ok(performance.now() - since > 1000);
      since = performance.now();
      assert.equal((await stat(join(logs(), "metrics.log"))).ino, next.ino);
      assert.match(await read("metrics.log"), /^b\|10\.0\.0\.1:5000\|shop\|shop-0-aaaaaaaaaa\n/);
      await until(
        "the next one",
        10,
        async () => (await stat(join(logs(), `metrics-${spare}.log`)).catch(() => undefined))?.size === 0,
      );
      assert.ok((await stat(join(logs(), `metrics-${from}.log`))).size > 1 << 20);
      await until("nginx is told", 10, () => nginx.output() === `started\n${"reopened\n".repeat(at)}`);
    }
    assert.deepEqual(await files(), ["access-1.log", "metrics-1.log", "metrics-2.log", "metrics-3.log"]);
    assert.equal(keeping.output(), "");
    // A balancer that was killed between two steps.
    await rm(join(logs(), "metrics-2.log"));
    await done("begin", logs());
    assert.equal(await read("metrics-2.log"), "");
  });

  it("goes on where there is no release, no log, or no DNS", async () => {
    await done("names", logs(), join(folder, "none"));
    await plan("log access 4 4", server("a-0-aaaaaaaaaa", "a"));
    await done("names", join(folder, "none"), release());
    dns.close();
    dns = createSocket("udp4").bind(0);
    await once(dns, "listening");
    await done("names", logs(), release());
  });

  it("refuses what it doesn't know", async () => {
    const { outcome, stderr } = await run("begni", logs()).ended;
    assert.deepEqual([outcome, stderr], ["failed", "log.pl: got 'begni', expected begin, names or keep\n"]);
  });

  it("begins the next file when one is full, tells nginx, keeps as many as it is to, and tells of what has moved", async () => {
    await done("begin", logs());
    addresses.set("shop-0-aaaaaaaaaa", "10.0.0.1");
    await plan("log access 1 2", server("shop-0-aaaaaaaaaa", "shop"));
    const nginx = start("sh", ["-c", "trap 'echo reopened' USR1; echo started; while :; do sleep 0.1; done"]);
    running.push(nginx);
    await until("the other one runs", 10, () => nginx.output() === "started\n");
    const keeping = run("keep", logs(), release(), String(nginx.pid));
    const name = (at: number, address: string) =>
      until(`the ${at}. file's names`, 10, async () =>
        (await read(`access-${at}.log`).catch(() => "")).includes(address),
      );
    await name(1, "10.0.0.1:5000");
    for (const number of [2, 3]) {
      await appendFile(join(logs(), "access.log"), `${"x".repeat((1 << 20) + 1)}\n`);
      await name(number, "10.0.0.1:5000");
      await until("nginx is told", 10, () => nginx.output() === `started\n${"reopened\n".repeat(number - 1)}`);
    }
    assert.deepEqual(await files(), ["access-2.log", "access-3.log", "metrics-1.log", "metrics-2.log"]);
    assert.equal(await readlink(join(logs(), "access.log")), "access-3.log");
    addresses.set("shop-0-aaaaaaaaaa", "10.0.0.2");
    await name(3, "10.0.0.2:5000");
    addresses.set("blog-0-aaaaaaaaaa", "10.0.0.2").set("shop-0-aaaaaaaaaa", "10.0.0.3");
    await plan("log access 1 2", server("shop-0-aaaaaaaaaa", "shop"), server("blog-0-aaaaaaaaaa", "blog"));
    await name(3, '"10.0.0.2:5000","app":"blog"');
    // As the balancer that runs beside this one does.
    await plan();
    await writeFile(join(logs(), "access-4.log"), "");
    await rm(join(logs(), "access.log"));
    await symlink("access-4.log", join(logs(), "access.log"));
    await until("nginx is told", 10, () => nginx.output() === `started\n${"reopened\n".repeat(3)}`);
    assert.equal(keeping.output(), "");
  });
});
