import { isTakenBy } from "../model/entry";
import { isExporter } from "../model/metrics";
import type { Destination } from "../model/release";
import type { ObservedContainer } from "./observed";
import type { Operation } from "./plan";

/** What has those run that a Prometheus asks. They come first, so that nothing is logged that they don't count. */
export function exporterOperations(
  own: readonly ObservedContainer[],
  { exporters = [] }: Pick<Destination, "exporters">,
): Operation[] {
  const wanted = new Set(exporters.map(({ id }) => id));
  return exporters.flatMap(({ id, url }): Operation[] => {
    const container = own.find((one) => one.id === id);
    if (container === undefined || container.state === "running") return [];
    const { listen, state } = container;
    const inTheWay = own.filter(
      (one) => isExporter(one) && !wanted.has(one.id) && one.state === "running" && isTakenBy(listen, one.ports),
    );
    const containers = inTheWay.map((one) => one.id);
    const how = state === "paused" ? "unpause" : "start";
    return [
      ...(containers.length > 0
        ? [{ op: "stop", containers, seconds: 1, cause: "it has the address of its successor" } as const]
        : []),
      { op: "revive", container: id, how, cause: `what answers at ${url} is ${state}` },
    ];
  });
}
