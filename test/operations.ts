import type { Operation } from "../rollout/plan";

/** An operation as a line of text, for tests. */
export function formatOperation({ cause, ...operation }: Operation): string {
  return `${wordsOf(operation as Operation)} (${cause})`;
}

function wordsOf(operation: Operation): string {
  switch (operation.op) {
    case "open":
      return `open ${operation.entry} on ${operation.network}${operation.predecessors.length === 0 ? "" : ` in place of ${operation.predecessors.join(", ")}`}`;
    case "join":
      return `join ${operation.container} to ${operation.networks.join(", ")}${operation.alias && ` as ${operation.alias}`}`;
    case "leave":
      return `leave ${operation.networks.join(", ")}`;
    case "publish":
      return `publish ${operation.entry}`;
    case "limit":
      return `limit ${operation.containers.join(", ")}`;
    case "quit":
      return `quit ${operation.containers.join(", ")}`;
    case "close":
      return `close ${operation.entries.join(", ")}`;
    case "revive":
      return `${operation.how} ${operation.container}`;
    case "candidate":
      return operation.must.length === 0 ? "candidate" : `candidate: ${operation.must.join(", ")} must answer`;
    case "reload": {
      const servers = operation.topology.upstreams.flatMap((upstream) => upstream.servers);
      const names = servers.map(({ name, address = name }) => (address === name ? name : `${name}=${address}`));
      const probe = operation.probe.length === 0 ? "" : `, ${operation.probe.join(", ")} must answer`;
      return `${operation.step}: ${names.join(", ")}${probe}`;
    }
    case "canary": {
      const servers = operation.topology.upstreams.flatMap((upstream) => upstream.servers);
      return `canary ${operation.share} %: ${servers.map(({ name, weight }) => `${name} ${weight}`).join(", ")}`;
    }
    case "drain":
      return `drain up to ${operation.seconds} s`;
    case "certificates":
      return `certificates by ${operation.container} for ${operation.acme.hosts.join(", ")}`;
    case "health":
      return `health of ${operation.containers.join(", ")}`;
    case "halt":
    case "stop":
      return `${operation.op} ${operation.containers.join(", ")} within ${operation.seconds} s`;
    case "await":
      return operation.probe.length === 0 ? "await" : `await, ${operation.probe.join(", ")} must answer`;
    case "try":
    case "install":
    case "serve":
    case "resume":
    case "take back":
    case "check":
    case "record":
    case "remove unused":
    case "clean up":
      return operation.op;
  }
}
