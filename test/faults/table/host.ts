import { docker } from "../../../rollout/docker";
import type { Allowance, Fault } from "./fault";
import type { SecondEngine } from "./second-engine";
import type { Ward } from "./ward";

const group = "host";

/** Only for an engine that nobody else uses. */
export const unlessOwnEngine = async (ward: Ward): Promise<string | undefined> =>
  ward.engine === undefined ? "needs an engine of its own: `--second-engine`" : undefined;

/** The engine that nobody else uses. */
export function engineOf({ engine }: Ward): SecondEngine {
  if (engine === undefined) throw new Error("there is no second engine");
  return engine;
}

const cut = ["refused", "reset", "truncated"] as const;

const nobodyThere: Allowance = {
  GET: cut,
  POST: cut,
  why: "what is under way ends with the containers, and nothing listens at the port until the entry does again",
};

type Signal = "SIGTERM" | "SIGKILL";

async function restart(ward: Ward, signal: Signal, liveRestore: boolean): Promise<void> {
  const engine = engineOf(ward);
  await engine.stop(signal);
  await engine.start(liveRestore);
}

const restarts = (
  [
    ["dockerd restarted", "SIGTERM"],
    ["dockerd killed (SIGKILL), and started", "SIGKILL"],
  ] as const
).flatMap(([what, signal]): Fault[] => [
  {
    group,
    name: what,
    cannot: unlessOwnEngine,
    inject: (ward) => restart(ward, signal, false),
    allowed: nobodyThere,
  },
  {
    group,
    name: `${what}, with live-restore`,
    cannot: unlessOwnEngine,
    prepare: (ward) => engineOf(ward).liveRestore(true),
    inject: (ward) => restart(ward, signal, true),
    restore: (ward) => engineOf(ward).liveRestore(false),
    allowed: {
      GET: cut,
      POST: cut,
      why: "connections to a published port of 127.0.0.1 go through a process of dockerd's, which ends with it",
    },
  },
]);

const reboots: Fault[] = [
  {
    group,
    name: "rebooted: all stopped in order, and started",
    cannot: unlessOwnEngine,
    async inject(ward) {
      await engineOf(ward).stop("SIGTERM");
      await engineOf(ward).cutPower();
      await engineOf(ward).start();
    },
    allowed: nobodyThere,
  },
  {
    group,
    name: "without power: all killed at once, and started",
    cannot: unlessOwnEngine,
    async inject(ward) {
      await engineOf(ward).cutPower();
      await engineOf(ward).start();
    },
    allowed: nobodyThere,
  },
];

const roles = ["balancer", "entry", "backend"] as const;
type Role = (typeof roles)[number];
const words = { balancer: "balancer", entry: "entries", backend: "backends" } as const;

const orders: [Role, Role, Role][] = roles.flatMap((first) =>
  roles
    .filter((role) => role !== first)
    .map((second, at, two): [Role, Role, Role] => [first, second, two[1 - at] ?? first]),
);

const startedByHand = orders.map((order): Fault => ({
  group,
  name: `all its containers killed, and started by hand: ${order.map((role) => words[role]).join(", ")}`,
  async inject(ward) {
    const ids = await ward.roles();
    // One is ended after the other: a balancer without backends would answer 502.
    for (const role of roles) await docker("kill", ...ids[role]);
    for (const role of order) await docker("start", ...ids[role]);
  },
  allowed: nobodyThere,
}));

/** Of the engine and of all containers at once. */
export const hostFaults: readonly Fault[] = [...restarts, ...reboots, ...startedByHand];
