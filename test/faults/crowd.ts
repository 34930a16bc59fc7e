import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { constants, setPriority } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { connect as connectTls } from "node:tls";

/** What each client of a crowd does. */
export type Kind = keyof typeof kinds;

/** Where a crowd goes, and how large it is. */
export interface Crowding {
  readonly kind: Kind;
  readonly count: number;
  readonly host: string;
  readonly port: number;
  /** Path that is asked for. Default: /. */
  readonly path?: string | undefined;
  /** How many come in a second, at the most. */
  readonly perSecond: number;
}

/** What has become of the clients of a crowd. */
export interface Counts {
  /** They have come as far as they go. */
  readonly arrived: number;
  /** Connections that are still open. */
  readonly open: number;
  /** How many were answered with which status. */
  readonly answers: Readonly<Record<string, number>>;
}

/** Bytes of a body that come at once: more than any buffer, so that it is full while the rest of the body drips. */
const start = 150_000;

const head = (method: string, path = "/", ...more: string[]) =>
  [`${method} ${path} HTTP/1.1`, "Host: localhost", ...more].join("\r\n");

/** Each gives what it sends at first, whether it is answered then, and what goes on each second. */
const kinds = {
  /** Connects, and says nothing. */
  idle: {},
  /** Is answered once, and keeps its connection. */
  kept: { first: (path?: string) => `${head("GET", path)}\r\n\r\n`, isAnswered: true },
  /** Is answered once, and another one comes. */
  passing: {
    first: (path?: string) => `${head("GET", path, "Connection: close")}\r\n\r\n`,
    isAnswered: true,
    goes: true,
  },
  /** Has had its handshake, and says nothing. */
  handshaken: { isTls: true },
  /** Sends a byte of its headers each second. */
  headers: { first: (path?: string) => `${head("GET", path)}\r\nX-Slow: `, drips: true },
  /** Has sent almost as many headers as may be. */
  "large headers": {
    first: (path?: string) => head("GET", path, ...["A", "B"].map((name) => `${name}: ${"x".repeat(30_000)}`), "C: "),
    drips: true,
  },
  /** Sends the first part of its body at once, then a byte each second. */
  bodies: {
    first: (path?: string) => `${head("POST", path, "Content-Length: 1000000")}\r\n\r\n${"b".repeat(start)}`,
    drips: true,
  },
  /** Takes some bytes of its answer each second. */
  readers: { first: (path?: string) => `${head("GET", path)}\r\n\r\n`, reads: true },
} as const satisfies Record<string, Behaviour>;

interface Behaviour {
  readonly first?: (path?: string) => string;
  readonly isTls?: boolean;
  readonly isAnswered?: boolean;
  readonly goes?: boolean;
  readonly drips?: boolean;
  readonly reads?: boolean;
}

/** Clients that take a connection's time, in a process of their own: what they cost there is no slowness of the balancer. */
export class Crowd {
  private constructor(private readonly process: ChildProcess) {}

  /** Resolves when each has come as far as it goes, or has failed. */
  static async gather(crowding: Crowding): Promise<Crowd> {
    const crowd = new Crowd(fork(__filename, { execArgv: ["-r", require.resolve("../../scripts/typescript.cjs")] }));
    crowd.process.send(crowding);
    await once(crowd.process, "message");
    return crowd;
  }

  async counts(): Promise<Counts> {
    this.process.send("count");
    const [counts] = (await once(this.process, "message")) as [Counts];
    return counts;
  }

  /** All go at once. */
  async leave(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const gone = once(this.process, "exit");
    this.process.kill("SIGKILL");
    await gone;
  }
}

/** So many connect at the same time: more than a queue of connections holds would wait for each other. */
const atOnce = 200;

async function gather({ kind, count, host, port, path, perSecond }: Crowding): Promise<() => Counts> {
  const { first, isTls, isAnswered, goes, drips, reads }: Behaviour = kinds[kind];
  const open = new Set<Socket>();
  const answers: Record<string, number> = {};
  let arrived = 0;
  const come = async (): Promise<void> => {
    const socket = isTls === true ? connectTls({ host, port, servername: "shop.example", rejectUnauthorized: false }) : connect({ host, port }); // prettier-ignore
    open.add(socket);
    const closed = new Promise<void>((resolve) => {
      socket.on("error", () => undefined);
      socket.on("close", () => resolve(void open.delete(socket)));
    });
    const answered = new Promise<void>((resolve) => {
      if (reads === true) socket.once("readable", resolve);
      else
        socket.once("data", (bytes: Buffer) => {
          const status = bytes.toString("latin1", 9, 12);
          answers[status] = (answers[status] ?? 0) + 1;
          resolve();
        });
    });
    const connected = new Promise<void>((resolve) => {
      socket.once(isTls === true ? "secureConnect" : "connect", () => {
        if (first === undefined) resolve();
        else socket.write(first(path), () => resolve());
      });
    });
    const way = isAnswered === true || reads === true ? answered : connected;
    if (!(await Promise.race([way.then(() => true), closed.then(() => false)]))) return;
    arrived++;
    if (goes === true) await closed;
    if (drips === true || reads === true) setInterval(() => (reads === true ? socket.read(1000) : socket.write("b")), 1000); // prettier-ignore
  };
  let begun = 0;
  const start = performance.now();
  const comers = Array.from({ length: Math.min(atOnce, count) }, async () => {
    for (let own = ++begun; own <= count; own = ++begun) {
      await pause(Math.max(0, start + (own * 1000) / perSecond - performance.now()));
      await Promise.race([come(), pause(20_000)]);
    }
  });
  await Promise.all(comers);
  return () => ({ arrived, open: open.size, answers });
}

if (require.main === module) {
  // What clients take of this machine's processors is not to be nginx's lack.
  setPriority(constants.priority.PRIORITY_LOW);
  let counts: Promise<() => Counts> | undefined;
  process.on("message", (message: Crowding | "count") => {
    if (message !== "count") counts = gather(message);
    void counts?.then((now) => process.send?.(now()));
  });
  process.on("disconnect", () => process.exit());
}
