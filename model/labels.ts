/** The labels by which the stack's containers are found on a host that runs other things as well. */
export const labels = {
  /** `<project>/<stack>`. */
  stack: "nginx-load-balancer.stack",
  /** balancer or backend. */
  role: "nginx-load-balancer.role",
  app: "nginx-load-balancer.app",
  slot: "nginx-load-balancer.slot",
  /** Hash of all that made a backend what it is. */
  hash: "nginx-load-balancer.hash",
  /** A backend's name on the network. */
  alias: "nginx-load-balancer.alias",
  /** `revision` of the stack's config, when set. */
  revision: "nginx-load-balancer.revision",
} as const;

/** A map of labels in the form that the Docker provider takes, in one order. */
export function labelList(values: Readonly<Record<string, string>>): { label: string; value: string }[] {
  return Object.entries(values)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([label, value]) => ({ label, value }));
}
