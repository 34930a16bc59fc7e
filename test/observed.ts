import type { Release } from "../model/release";
import { serversOf } from "../model/topology";
import type { Observed, ObservedContainer } from "../rollout/observed";
import { identity } from "./components";

/** The entry, as it should run. */
export const entryOf = (more: Partial<ObservedContainer> = {}): ObservedContainer =>
  containerOf("", {
    ...{ id: "entry-id", name: "entry-made", role: "entry", hash: "entryhash", health: "none", networks: ["front"] },
    volumes: ["door"],
    ...{ ports: "127.0.0.1:8080->8080/tcp", listen: "127.0.0.1:8080" },
    ...more,
  });

/** A container that runs as it should, named like its alias; the balancer for none. */
export function containerOf(alias = "", more: Partial<ObservedContainer> = {}): ObservedContainer {
  const name = alias === "" ? "lb" : alias;
  return {
    id: `${name}-id`,
    name: `${name}-made`,
    role: alias === "" ? "balancer" : "backend",
    app: alias === "" ? "" : (alias.split("-")[0] ?? ""),
    slot: alias.split("-").slice(0, 2).join("-"),
    hash: alias.split("-")[2] ?? "",
    alias,
    ...identity,
    state: "running",
    health: "healthy",
    networks: alias === "" ? ["front", "net"] : ["net"],
    volumes: alias === "" ? ["config", "door"] : [],
    network: alias === "" ? "" : "net",
    image: "image",
    reference: "",
    pinned: "",
    ports: "",
    listen: "",
    age: "2 minutes ago",
    ...more,
  };
}

/** A host on which a release serves as it was installed by its first attempt; newest containers first, balancer and entry last. */
export function observedOf({ id, topology, files }: Release): Observed {
  const names = serversOf(topology).map(({ name }) => name);
  return {
    containers: [...names.map((name) => containerOf(name)), containerOf(), entryOf()],
    volume: {
      release: {
        id,
        files: Object.fromEntries(files.map(({ name }) => [name, "hash"])),
        upstreams: topology.upstreams,
        containers: Object.fromEntries(names.map((name) => [name, `${name}-id`])),
        attempt: 1,
      },
      intact: true,
    },
    served: id,
    serving: "lb-id",
    unreachable: [],
    unlimited: [],
  };
}
