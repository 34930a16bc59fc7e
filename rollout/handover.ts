import { isTakenBy } from "../model/entry";
import type { Observed, ObservedContainer } from "./observed";
import type { Operation, Wanted } from "./plan";

/** The way to a balancer that serves: what comes before anything else, its start, the end of an older one's work, and of that one. */
export interface Handover {
  readonly prepare: readonly Operation[];
  readonly start: readonly Operation[];
  readonly quit: readonly Operation[];
  readonly end: readonly Operation[];
}

/**
 * The way to a balancer that serves. A new one waits beside its predecessor until it is told to serve; then both take
 * connections until the new one serves the release; the older one then finishes what it has, with the servers that it knows.
 *
 * @param first names of the servers that have to answer through an nginx that starts with the release itself, since there is
 *   nothing else to start with; undefined where there is
 */
export function balancerOperations(
  observed: Observed,
  own: readonly ObservedContainer[],
  { destination, policy }: Wanted,
  first: readonly string[] | undefined,
): Handover {
  const balancer = own.find(({ id }) => id === destination.balancer);
  const entries = destination.entries.flatMap(({ id, url, network }) => {
    const container = own.find((one) => one.id === id);
    return container === undefined ? [] : { url, network, container };
  });
  const wanted = new Set([balancer, ...entries.map(({ container }) => container)]);
  const older = (role: string) => own.filter((one) => one.role === role && one.state === "running" && !wanted.has(one));
  const isServing = observed.serving !== "" && destination.balancer.startsWith(observed.serving);
  const predecessors = older("balancer").map(({ id }) => id);
  const prepare: Operation[] = [];
  const start: Operation[] = [];
  const revive = (what: string, { id, state }: ObservedContainer) => {
    const how = state === "paused" ? "unpause" : "start";
    prepare.push({ op: "revive", container: id, how, cause: `the ${what} is ${state}` });
  };
  if (balancer !== undefined && balancer.state !== "running") revive("balancer", balancer);
  for (const { container } of entries) if (container.state === "paused") revive("entry", container);
  const acme = own.find(({ id }) => id === destination.acme);
  if (acme !== undefined && acme.state !== "running") revive("container that gets certificates", acme);
  if (first !== undefined) start.push({ op: "install", cause: "nothing is installed that could serve" });
  else if (!isServing && predecessors.length > 0) start.push({ op: "try", cause: "a new balancer is to serve" });
  if (!isServing) start.push({ op: "serve", cause: "the balancer is new" });
  // One that an interrupted update has left running on no network publishes nothing yet.
  const isOpen = ({ container: { state, networks } }: (typeof entries)[number]) =>
    (state === "running" && networks.length > 0) || state === "paused";
  for (const { network, container } of entries.filter((entry) => !isOpen(entry))) {
    const { id: entry, listen, hash, state } = container;
    const inTheWay = [...older("entry"), ...older("balancer")].filter(({ ports }) => isTakenBy(listen, ports));
    const predecessors = inTheWay.map(({ id }) => id);
    const how = state === "running" ? "on no network" : state;
    start.push({ op: "open", entry, network, predecessors, cause: `the entry of ${listen} is ${how}` });
    // One may publish nothing: see above.
    const twins = older("entry").flatMap((one) => (one.hash === hash ? one.id : []));
    const cause = "nginx has its socket, and is to take that of its successor";
    if (twins.length > 0) start.push({ op: "stop", containers: twins, seconds: 0, cause });
  }
  if (prepare.length + start.length > 0)
    start.push({ op: "await", probe: first ?? [], cause: "nothing goes on before it answers" });
  for (const { url, container } of entries.filter(isOpen))
    if (observed.unreachable.includes(url))
      start.push({ op: "publish", entry: container.id, cause: `nothing accepts connections at ${url}` });
  const quit: Operation[] = [];
  const end: Operation[] = [];
  if (predecessors.length > 0) {
    // Two that take connections from one socket: on an idle host, the kernel gives all of them to the older one.
    if (entries.some(isOpen))
      quit.push({
        op: "quit",
        containers: predecessors,
        cause: "only the new balancer is to answer what is asked next",
      });
    const closed = older("entry").map(({ id }) => id);
    if (closed.length > 0) end.push({ op: "close", entries: closed, cause: "the balancer has another address" });
    const cause = "another balancer answers";
    end.push({ op: "stop", containers: predecessors, seconds: policy.drainSeconds, cause });
  }
  return { prepare, start, quit, end };
}
