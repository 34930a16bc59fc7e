import { z } from "zod";
import type { Problem } from "./app";
import { doorsOf, isTakenBy, publicAddress } from "./entry";
import { address, integer, rule } from "./rules";
import type { Settings } from "./settings";

/** Where a Prometheus finds what nginx does. */
export const metricsSchema = rule("an object {port, bindAddress}", (e) =>
  z.strictObject(
    {
      port: integer(1, 65534).default(9112).meta({
        description: "where requests are counted; connections, at the port after it",
        change: "replaces the exporters",
      }),
      bindAddress: address.default("127.0.0.1").meta({
        description: "the address that both are published at; whoever reaches it can read them",
        change: "replaces the exporters",
      }),
    },
    e,
  ),
);

/** What has a port at which a Prometheus asks. */
export interface Exporter {
  /** Role of its container: mtail counts what is in the metrics log, the other one asks nginx for its connections. */
  readonly role: "metrics" | "connections";
  readonly port: number;
  /** The port that it listens on in its container, its own default. */
  readonly listenPort: number;
}

/** Whether a container is one of them, by its role. */
export const isExporter = ({ role }: { readonly role: string }): boolean =>
  role === "metrics" || role === "connections";

/** The exporters that a stack's settings ask for. */
export function exportersOf(metrics: { readonly port: number } | undefined): Exporter[] {
  if (metrics === undefined) return [];
  return [
    { role: "metrics", port: metrics.port, listenPort: 3903 },
    { role: "connections", port: metrics.port + 1, listenPort: 9113 },
  ];
}

/** Whose ports can't be published, since clients' are. */
export function problemsOfMetrics(settings: Pick<Settings, "port" | "bindAddress" | "tls" | "metrics">): Problem[] {
  const { metrics } = settings;
  if (metrics === undefined) return [];
  const ports = exportersOf(metrics).map(({ port }) => port);
  const taken = doorsOf(settings).filter(({ port }) =>
    ports.some((own) =>
      isTakenBy(publicAddress(metrics.bindAddress, own), `${publicAddress(settings.bindAddress, port)}->`),
    ),
  );
  return taken.map(({ name, port }) => ({
    path: ["metrics", "port"],
    expected: `a port that leaves ${port} to \`${name === "tls" ? "tls.port" : "port"}\`: metrics have it and the one after it`,
  }));
}
