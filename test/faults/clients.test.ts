import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { listenPort, tlsListenPort } from "../../model/layout";
import { docker, tryDocker } from "../../rollout/docker";
import type { Account } from "../../scripts/load/books";
import { startLoad, type Load } from "../../scripts/load/load";
import { settings as defaults } from "../components";
import { busyness, until } from "../e2e/until";
import { CertifiedHost } from "./certified";
import { Crowd, type Kind } from "./crowd";
import { Rig } from "./rig";
import { residentIn } from "./table/memory";

/** A crowd, and what it may cost. */
interface Row {
  readonly kind: Kind;
  readonly count: number;
  readonly path?: string;
  /** How many of them come in a second. Default 1,000. */
  readonly perSecond?: number;
  /** KiB of nginx's own memory for each of them, at the most. */
  readonly most: number;
}

/** By nginx's memory limit, MiB: the default, and the least that may be set. The figures are in docs/clients.md. */
const rows: Readonly<Record<number, readonly Row[]>> = {
  [defaults.balancerMemoryMb]: [
    { kind: "idle", count: 5000, most: 2 },
    { kind: "kept", count: 5000, most: 2 },
    { kind: "handshaken", count: 5000, most: 32 },
    { kind: "passing", count: 20_000, most: 1, perSecond: 20_000 },
    { kind: "bodies", count: 2000, most: 164 },
    { kind: "readers", count: 500, path: "/?bytes=8000000", most: 72, perSecond: 50 },
  ],
  64: [
    { kind: "headers", count: 500, most: 12 },
    { kind: "headers", count: 2000, most: 12 },
    { kind: "large headers", count: 500, most: 80 },
    { kind: "bodies", count: 500, most: 34 },
    { kind: "bodies", count: 1000, most: 34 },
  ],
};

/** As users ask: on kept connections and on new ones, with bodies and without. */
function usual(host: string): Load {
  const often = { path: "/", pauseMilliseconds: 10, clients: 3 };
  return startLoad({
    ...{ url: `http://${host}:${listenPort}`, allowHost: host, maxSeconds: 120 },
    profiles: [
      { ...often, name: "kept GET", method: "GET", keepAlive: true },
      { ...often, name: "fresh GET", method: "GET", keepAlive: false },
      { ...often, name: "kept POST", method: "POST", keepAlive: true, body: () => "b".repeat(20_000) },
    ],
  });
}

for (const [memoryMb, own] of Object.entries(rows))
  describe(`with ${memoryMb} MiB, others are answered as ever while there are`, function () {
    this.timeout(120_000);
    let host: CertifiedHost;
    let rig: Rig;
    before(async () => {
      host = await CertifiedHost.create();
      const { spoolMb, maxBodyMb, requestTimeoutSeconds } = defaults;
      const common = { tls: host.settings(), accessLog: "errors", spoolMb, maxBodyMb, requestTimeoutSeconds } as const;
      const serverConfig = "location = /head { return 200; }";
      rig = await Rig.create("clients", 2, { ...common, serverConfig }, { memoryMb: Number(memoryMb) });
    });
    after(async () => {
      await rig?.remove();
      await host?.remove();
    });

    /** What is not nginx's own can be had back: pages of files. In KiB. */
    const memory = async () => {
      const files = "/sys/fs/cgroup/memory.stat /sys/fs/cgroup/memory/memory.stat";
      const { stdout } = await tryDocker("exec", rig.name, "sh", "-c", `cat ${files}`);
      return residentIn(stdout) / 1024;
    };
    /** Sockets to backends, in whatever state. */
    const toBackends = async () =>
      (await docker("exec", rig.name, "cat", "/proc/net/tcp")).match(/^ *\d+: \S+ [0-9A-F]+:1388 /gm)?.length ?? 0;
    /** New workers have nothing of what others have left behind. */
    const renew = async () => {
      await docker("kill", "--signal", "HUP", rig.name);
      await pause(500);
      await until("old workers are gone", 15, async () => !(await docker("top", rig.name)).includes("shutting down"));
      await rig.whole();
    };

    for (const { kind, count, path, most, perSecond = 1000 } of own)
      it(`${count} ${kind}`, async () => {
        await renew();
        const [empty, sockets] = [await memory(), await toBackends()];
        const load = usual(rig.host);
        await pause(1000);
        load.mark();
        await pause(4000);
        const before = load.mark();
        const port = kind === "handshaken" ? tlsListenPort : listenPort;
        const start = performance.now();
        const crowd = await Crowd.gather({ kind, count, path, perSecond, host: rig.host, port });
        const seconds = (performance.now() - start) / 1000;
        try {
          const arrival = load.mark();
          await pause(kind === "passing" ? 0 : 4000);
          const during = kind === "passing" ? arrival : load.mark();
          const { arrived, open, answers } = await crowd.counts();
          const each = ((await memory()) - empty) / count;
          const added = (await toBackends()) - sockets;
          const { stderr: log } = await tryDocker("logs", rig.name);
          const p99 = [before, arrival, during].map((one) => one.p99.toFixed(1)).join(", ");
          const rate = Math.round(count / seconds);
          process.stdout.write(
            `      ${count} ${kind}, ${rate} a second: others' p99 before, meanwhile, then ${p99} ms; ` +
              `${each.toFixed(1)} KiB each, ${Math.round((await memory()) / 1024)} MiB in all; ${added} more sockets to backends\n`,
          );
          assert.deepEqual([arrived, open], [count, kind === "passing" ? 0 : count], JSON.stringify(answers));
          assertSame(before, [arrival, during]);
          // Those that come and go take the processors that answer others, too.
          if (kind !== "passing")
            for (const [{ p99 }, least] of [
              [arrival, 50],
              [during, 25],
            ] as const)
              assert.ok(p99 <= Math.max(2 * before.p99, least) * busyness(), `${before.p99} ms, then ${p99} ms`);
          assert.ok(each <= most, `${each} KiB`);
          assert.ok(added < 600, `${added} sockets`);
          assert.doesNotMatch(log, /exited on signal|worker_connections are not enough|Too many open files/);
        } finally {
          await crowd.leave();
          await load.stop();
        }
      });

    function assertSame(before: Account, others: readonly Account[]): void {
      for (const { lost, byReason } of [before, ...others]) assert.equal(lost, 0, JSON.stringify(byReason));
    }

    if (memoryMb === "64")
      for (const [what, expected, ...lines] of [
        ["a long address", 200, `GET /head?${"a".repeat(30_000)} HTTP/1.1`],
        ["too long an address", 414, `GET /head?${"a".repeat(33_000)} HTTP/1.1`],
        ["two long lines", 200, "GET / HTTP/1.1", `A: ${"a".repeat(30_000)}`, `B: ${"b".repeat(30_000)}`],
        ["too long a line", 400, "GET / HTTP/1.1", `A: ${"a".repeat(33_000)}`],
        [
          "too many long lines",
          400,
          "GET / HTTP/1.1",
          ...["A", "B", "C"].map((one) => `${one}: ${"a".repeat(30_000)}`),
        ],
      ] as const)
        it(`${what} in a request's head: ${expected}`, async () => {
          const answer = await rig.raw(...(lines as readonly string[]), "Host: localhost", "Connection: close");
          assert.equal(Number(answer.slice(9, 12)), expected);
        });
  });
