/** The labels by which the stack's containers are found on a host that runs other things as well. */
export const labels = {
  /** `<project>/<stack>`. */
  stack: "nginx-load-balancer.stack",
  /** `<project>/<stack>` of what stays when the stack goes. */
  kept: "nginx-load-balancer.kept",
  /** entry, balancer, backend, acme, which gets certificates, metrics and connections, which count, or before-switch, which runs a command once. */
  role: "nginx-load-balancer.role",
  app: "nginx-load-balancer.app",
  slot: "nginx-load-balancer.slot",
  /** Hash of all that made a backend or an entry what it is; of the release that a command is run for. */
  hash: "nginx-load-balancer.hash",
  /** A backend's image as the config names it, and what that name stood for when it was made; none where it is built here. */
  image: "nginx-load-balancer.image",
  pinned: "nginx-load-balancer.pinned",
  /** A backend's name on the network. */
  alias: "nginx-load-balancer.alias",
  /** Name of the network on which the balancer reaches a backend: its app's own. */
  network: "nginx-load-balancer.network",
  /** The address that an entry is to publish, or what a Prometheus asks, for example 127.0.0.1:8080. */
  listen: "nginx-load-balancer.listen",
  /** Identity of the stack that made the container: another stack of the same name has another one. */
  owner: "nginx-load-balancer.owner",
  /** USER@HOST of who gave the stack its identity. */
  by: "nginx-load-balancer.by",
  /** `revision` of the stack's config, when set. */
  revision: "nginx-load-balancer.revision",
} as const;

/** A map of labels in the form that the Docker provider takes, in one order. */
export function labelList<T>(values: Readonly<Record<string, T>>): { label: string; value: T }[] {
  return Object.entries(values)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([label, value]) => ({ label, value }));
}
