import type { Release } from "../model/release";
import { topologyOf } from "../model/topology";
import { releaseOf } from "../nginx/render/config";
import { emptyVolume, type Observed, type ObservedContainer } from "../rollout/observed";
import type { Wanted } from "../rollout/plan";
import { identity, settings, stackLabel } from "./components";
import { containerOf, entryOf, observedOf } from "./observed";

/** The release of a pool; names are also those of its containers. */
export const pool = (names: readonly string[], maxBodyMb = 10): Release =>
  releaseOf(
    topologyOf(
      { ...settings, maxBodyMb },
      names.map((name) => ({ name, port: 5000, weight: 1, health: { path: "/health", host: "localhost" } })),
    ),
  );

const door = { id: "entry-id", url: "http://127.0.0.1:8080", network: "front" };

/** What an update wants whose containers the engine has made. */
export const wantedOf = (
  release: Release,
  containers: Record<string, string> = {},
  balancer = "lb-id",
  entries = [door],
): Wanted => ({
  release,
  attachments: [],
  isSecret: false,
  destination: {
    balancer,
    entries,
    containers: {
      ...Object.fromEntries(
        release.topology.upstreams.flatMap(({ servers }) => servers.map((s) => [s.name, `${s.name}-id`])),
      ),
      ...containers,
    },
    url: "http://127.0.0.1:8080",
    stack: stackLabel,
    owners: [identity.owner, ""],
  },
  policy: { drainSeconds: 7, healthTimeoutSeconds: 60 },
  attempt: 2,
});

export const two = pool(["a-0-h1", "a-1-h1"]);

/** A host that serves two, where the engine has made some more. */
export const host = (more: readonly string[] = [], change: Partial<Observed> = {}): Observed => {
  const whole = observedOf(two);
  return { ...whole, containers: [...more.map((name) => containerOf(name)), ...whole.containers], ...change };
};

const withContainer = (observed: Observed, id: string, to: Partial<ObservedContainer>): Observed => ({
  ...observed,
  containers: observed.containers.map((one) => (one.id === id ? { ...one, ...to } : one)),
});

export const without = (observed: Observed, id: string): Observed => ({
  ...observed,
  containers: observed.containers.filter((one) => one.id !== id),
});

const fresh: Observed = {
  containers: [
    containerOf("a-0-h1"),
    containerOf("a-1-h1"),
    containerOf("", { networks: ["front"] }),
    entryOf({ state: "created", ports: "" }),
  ],
  volume: emptyVolume,
  served: undefined,
  serving: "",
  unreachable: [],
  unlimited: [],
};
export const newBalancer = containerOf("", {
  id: "new-id",
  name: "new",
  health: "starting",
  networks: ["front"],
});
const newEntry = entryOf({
  id: "new-entry-id",
  name: "new-entry",
  hash: "newhash",
  state: "created",
  listen: "127.0.0.1:9090",
  ports: "",
});
const tlsEntry = entryOf({
  ...{ id: "tls-id", name: "tls", hash: "tlshash", state: "created", listen: "127.0.0.1:8443", ports: "" },
});
const tlsDoor = { id: "tls-id", url: "https://127.0.0.1:8443", network: "front" };
const lego = containerOf("", { id: "lego-id", name: "lego", role: "acme", health: "none" });
const commandOf = (hash: string) =>
  containerOf("", { id: `command-${hash}-id`, role: "before-switch", app: "a", state: "exited", health: "none" });
const acmeTls = {
  port: 8443,
  redirect: true,
  hsts: 0,
  hstsPreload: false,
  profile: "modern",
  certificates: [],
} as const;
const certified = releaseOf({ ...two.topology, tls: { ...acmeTls, acme: { folder: "f", hosts: ["a.example"] } } });
const withLego = (wanted: Wanted): Wanted => ({
  ...wanted,
  release: certified,
  destination: { ...wanted.destination, acme: "lego-id" },
});
const exporterOf = (id: string, more: Partial<ObservedContainer> = {}) =>
  containerOf("", {
    ...{ id, name: id, role: "metrics", health: "none", networks: ["figures"], volumes: ["log"] },
    ...{ listen: "127.0.0.1:9112", ports: "127.0.0.1:9112->3903/tcp" },
    ...more,
  });
const withExporter = (wanted: Wanted, id = "mtail-id"): Wanted => ({
  ...wanted,
  destination: { ...wanted.destination, exporters: [{ id, url: "http://127.0.0.1:9112/metrics" }] },
});
const newDoor = { id: "new-entry-id", url: "http://127.0.0.1:9090", network: "front" };
const replaced = { ...host(), containers: [newBalancer, ...host().containers] };
export const other = pool(["a-0-h1", "a-1-h1"], 11);
const paused = releaseOf({ ...two.topology, pause: { sites: [], holdSeconds: 6 } });
export const rolled = pool(["a-0-h2", "a-1-h2"]);
const twin = "feedfacecafe0000";
const twins = {
  ...host(),
  containers: [containerOf("a-1-h1", { id: twin, name: "twin" }), ...host().containers],
};
export const tried = (release: Release) => `(release ${release.id} is tried beside the live one)`;
const answered = "await (nothing goes on before it answers)";
export const checked = "check (the last word has the address that clients use)";
export const cleaned = "clean up (images and releases that nothing uses)";
export const retired = "(no request can reach them any more)";
const ended = "quit lb-id (only the new balancer is to answer what is asked next)";
const joinedBy = (balancer: string) => `join ${balancer} to net (backends are there)`;
const drained = "drain up to 7 s (older workers know servers that go)";
const live = `(${two.id} is live)`;
const installed = "install (nothing is installed that could serve)";
const noted = "record (for the next look at the host)";

export const changes: [what: string, observed: Observed, wanted: Wanted, operations: string[]][] = [
  [
    "a first update",
    fresh,
    wantedOf(two),
    [
      joinedBy("lb-id"),
      `candidate: a-0-h1, a-1-h1 must answer ${tried(two)}`,
      installed,
      "serve (the balancer is new)",
      "open entry-id on front (the entry of 127.0.0.1:8080 is created)",
      "await, a-0-h1, a-1-h1 must answer (nothing goes on before it answers)",
      checked,
      cleaned,
    ],
  ],
  ["nothing", host(), { ...wantedOf(two), attempt: 1 }, [`candidate ${tried(two)}`, checked, cleaned]],
  [
    "a setting",
    host(),
    wantedOf(other),
    [`candidate ${tried(other)}`, `reload: a-0-h1, a-1-h1 ${live}`, checked, cleaned],
  ],
  [
    "one backend more",
    host(["a-2-h1"]),
    wantedOf(pool(["a-0-h1", "a-1-h1", "a-2-h1"])),
    [
      `candidate: a-2-h1 must answer ${tried(pool(["a-0-h1", "a-1-h1", "a-2-h1"]))}`,
      `switch: a-0-h1, a-1-h1, a-2-h1, a-2-h1 must answer ${live}`,
      checked,
      cleaned,
    ],
  ],
  [
    "containers that may have any number of processes: those that stay get the limit",
    { ...host(["a-2-h1"]), unlimited: ["a-2-h1-id", "a-1-h1-id", "entry-id", "lb-id"] },
    wantedOf(pool(["a-0-h1", "a-2-h1"])),
    [
      "limit a-2-h1-id, entry-id, lb-id (one that starts processes without end is to stop at some)",
      `candidate: a-2-h1 must answer ${tried(pool(["a-0-h1", "a-2-h1"]))}`,
      "together: a-0-h1, a-1-h1, a-2-h1, a-2-h1 must answer (new servers answer before old ones go)",
      `switch: a-0-h1, a-2-h1 ${live}`,
      drained,
      checked,
      "health of a-2-h1-id (Docker is to show as many healthy backends as before)",
      `stop a-1-h1-id within 7 s ${retired}`,
      cleaned,
    ],
  ],
  [
    "one backend fewer",
    host(),
    wantedOf(pool(["a-0-h1"])),
    [
      `candidate ${tried(pool(["a-0-h1"]))}`,
      `switch: a-0-h1 ${live}`,
      drained,
      checked,
      `stop a-1-h1-id within 7 s ${retired}`,
      cleaned,
    ],
  ],
  [
    "a roll",
    host(["a-0-h2", "a-1-h2"]),
    wantedOf(rolled),
    [
      `candidate: a-0-h2, a-1-h2 must answer ${tried(rolled)}`,
      "together: a-0-h1, a-0-h2, a-1-h1, a-1-h2, a-0-h2, a-1-h2 must answer (new servers answer before old ones go)",
      `switch: a-0-h2, a-1-h2 ${live}`,
      drained,
      checked,
      "health of a-0-h2-id, a-1-h2-id (Docker is to show as many healthy backends as before)",
      `stop a-0-h1-id, a-1-h1-id within 7 s ${retired}`,
      cleaned,
    ],
  ],
  [
    "a roll before which a command was run: the container of now stays, that of before goes",
    {
      ...host(["a-0-h2", "a-1-h2"]),
      containers: [...host(["a-0-h2", "a-1-h2"]).containers, commandOf("h1"), commandOf("h2")],
    },
    { ...wantedOf(rolled), destination: { ...wantedOf(rolled).destination, prepared: ["command-h2-id"] } },
    [
      `candidate: a-0-h2, a-1-h2 must answer ${tried(rolled)}`,
      "together: a-0-h1, a-0-h2, a-1-h1, a-1-h2, a-0-h2, a-1-h2 must answer (new servers answer before old ones go)",
      `switch: a-0-h2, a-1-h2 ${live}`,
      drained,
      checked,
      "health of a-0-h2-id, a-1-h2-id (Docker is to show as many healthy backends as before)",
      `stop a-0-h1-id, a-1-h1-id, command-h1-id within 7 s ${retired}`,
      cleaned,
    ],
  ],
  [
    "another balancer",
    replaced,
    wantedOf(two, {}, "new-id"),
    [
      joinedBy("new-id"),
      "try (a new balancer is to serve)",
      "serve (the balancer is new)",
      answered,
      `candidate ${tried(two)}`,
      ended,
      checked,
      "stop lb-id within 7 s (another balancer answers)",
      noted,
      cleaned,
    ],
  ],
  [
    "another address: a second entry, and a balancer that has its socket",
    { ...replaced, containers: [newEntry, ...replaced.containers] },
    wantedOf(two, {}, "new-id", [newDoor]),
    [
      joinedBy("new-id"),
      "try (a new balancer is to serve)",
      "serve (the balancer is new)",
      "open new-entry-id on front (the entry of 127.0.0.1:9090 is created)",
      answered,
      `candidate ${tried(two)}`,
      checked,
      "close entry-id (the balancer has another address)",
      "stop lb-id within 7 s (another balancer answers)",
      noted,
      `stop entry-id within 7 s ${retired}`,
      cleaned,
    ],
  ],
  [
    "an address that Docker can't publish beside the one of now",
    { ...replaced, containers: [{ ...newEntry, listen: "0.0.0.0:8080" }, ...replaced.containers] },
    wantedOf(two, {}, "new-id", [newDoor]),
    [
      joinedBy("new-id"),
      "try (a new balancer is to serve)",
      "serve (the balancer is new)",
      "open new-entry-id on front in place of entry-id (the entry of 0.0.0.0:8080 is created)",
      answered,
      `candidate ${tried(two)}`,
      checked,
      "close entry-id (the balancer has another address)",
      "stop lb-id within 7 s (another balancer answers)",
      noted,
      `stop entry-id within 7 s ${retired}`,
      cleaned,
    ],
  ],
  [
    "the takeover of a balancer of before there were entries",
    {
      ...replaced,
      serving: "",
      containers: [
        newBalancer,
        { ...newEntry, id: "entry-id", listen: "127.0.0.1:8080" },
        ...without(withContainer(host(), "lb-id", { ports: "127.0.0.1:8080->8080/tcp" }), "entry-id").containers,
      ],
    },
    wantedOf(two, {}, "new-id"),
    [
      joinedBy("new-id"),
      "try (a new balancer is to serve)",
      "serve (the balancer is new)",
      "open entry-id on front in place of lb-id (the entry of 127.0.0.1:8080 is created)",
      answered,
      `candidate ${tried(two)}`,
      checked,
      "stop lb-id within 7 s (another balancer answers)",
      noted,
      cleaned,
    ],
  ],
  [
    "TLS switched on: a second entry, and a balancer that has both sockets",
    { ...replaced, containers: [tlsEntry, ...replaced.containers] },
    wantedOf(two, {}, "new-id", [door, tlsDoor]),
    [
      joinedBy("new-id"),
      "try (a new balancer is to serve)",
      "serve (the balancer is new)",
      "open tls-id on front (the entry of 127.0.0.1:8443 is created)",
      answered,
      `candidate ${tried(two)}`,
      ended,
      checked,
      "stop lb-id within 7 s (another balancer answers)",
      noted,
      cleaned,
    ],
  ],
  [
    "TLS switched off",
    {
      ...replaced,
      containers: [{ ...tlsEntry, state: "running", ports: "127.0.0.1:8443->8443/tcp" }, ...replaced.containers],
    },
    wantedOf(two, {}, "new-id"),
    [
      joinedBy("new-id"),
      "try (a new balancer is to serve)",
      "serve (the balancer is new)",
      answered,
      `candidate ${tried(two)}`,
      ended,
      checked,
      "close tls-id (the balancer has another address)",
      "stop lb-id within 7 s (another balancer answers)",
      noted,
      `stop tls-id within 7 s ${retired}`,
      cleaned,
    ],
  ],
  [
    "certificates from an authority, whose container has ended",
    host([], { containers: [{ ...lego, state: "exited" }, ...host().containers] }),
    withLego(wantedOf(two)),
    [
      "start lego-id (the container that gets certificates is exited)",
      answered,
      `candidate ${tried(certified)}`,
      `reload: a-0-h1, a-1-h1 ${live}`,
      checked,
      "certificates by lego-id for a.example (hosts are to have them)",
      cleaned,
    ],
  ],
  [
    "what counts requests, before anything is changed that it is to count",
    host([], { containers: [exporterOf("mtail-id", { state: "created", ports: "" }), ...host().containers] }),
    withExporter(wantedOf(other)),
    [
      "start mtail-id (what answers at http://127.0.0.1:9112/metrics is created)",
      `candidate ${tried(other)}`,
      `reload: a-0-h1, a-1-h1 ${live}`,
      checked,
      cleaned,
    ],
  ],
  [
    "another image of what counts requests, and the end of what asks for connections elsewhere",
    host([], {
      containers: [
        exporterOf("new-mtail-id", { state: "created", ports: "" }),
        exporterOf("mtail-id"),
        exporterOf("old-id", { role: "connections", listen: "127.0.0.1:9113", ports: "127.0.0.1:9113->9113/tcp" }),
        ...host().containers,
      ],
    }),
    withExporter(wantedOf(two), "new-mtail-id"),
    [
      "stop mtail-id within 1 s (it has the address of its successor)",
      "start new-mtail-id (what answers at http://127.0.0.1:9112/metrics is created)",
      `candidate ${tried(two)}`,
      checked,
      noted,
      `stop old-id within 7 s ${retired}`,
      cleaned,
    ],
  ],
  [
    "the end of all counting",
    host([], { containers: [exporterOf("mtail-id"), ...host().containers] }),
    wantedOf(two),
    [`candidate ${tried(two)}`, checked, noted, `stop mtail-id within 7 s ${retired}`, cleaned],
  ],
  [
    "the repair of a dead port of TLS",
    host([], {
      unreachable: ["https://127.0.0.1:8443"],
      containers: [{ ...tlsEntry, state: "running" }, ...host().containers],
    }),
    wantedOf(two, {}, "lb-id", [door, tlsDoor]),
    [
      "publish tls-id (nothing accepts connections at https://127.0.0.1:8443)",
      `candidate ${tried(two)}`,
      checked,
      noted,
      cleaned,
    ],
  ],
  [
    "apps with networks of their own, where all were on one: a new balancer reaches both until it has let go of that",
    {
      ...replaced,
      containers: [
        containerOf("a-0-h2", { networks: ["net-a"], network: "net-a" }),
        containerOf("a-1-h2", { networks: ["net-a", "database"], network: "net-a" }),
        newBalancer,
        ...["a-0-h1", "a-1-h1"].map((name) => containerOf(name, { networks: ["all"], network: "" })),
        containerOf("", { networks: ["all"] }),
        entryOf(),
      ],
    },
    wantedOf(rolled, {}, "new-id"),
    [
      "join new-id to net-a, all (backends are there)",
      "try (a new balancer is to serve)",
      "serve (the balancer is new)",
      answered,
      `candidate: a-0-h2, a-1-h2 must answer ${tried(rolled)}`,
      "together: a-0-h1, a-0-h2, a-1-h1, a-1-h2, a-0-h2, a-1-h2 must answer (new servers answer before old ones go)",
      `switch: a-0-h2, a-1-h2 ${live}`,
      drained,
      ended,
      checked,
      "stop lb-id within 7 s (another balancer answers)",
      "health of a-0-h2-id, a-1-h2-id (Docker is to show as many healthy backends as before)",
      `stop a-0-h1-id, a-1-h1-id within 7 s ${retired}`,
      "leave all (no backend is on them any more)",
      cleaned,
    ],
  ],
  [
    "an app that goes: its network is left when no nginx sends anything there",
    withContainer(withContainer(host(), "a-1-h1-id", { networks: ["net-b"], network: "net-b" }), "lb-id", {
      networks: ["front", "net", "net-b"],
    }),
    wantedOf(pool(["a-0-h1"])),
    [
      `candidate ${tried(pool(["a-0-h1"]))}`,
      `switch: a-0-h1 ${live}`,
      drained,
      checked,
      `stop a-1-h1-id within 7 s ${retired}`,
      "leave net-b (no backend is on them any more)",
      cleaned,
    ],
  ],
  [
    "a backend that is off its network by hand",
    withContainer(host(), "a-1-h1-id", { networks: ["database"] }),
    wantedOf(two),
    [
      "join a-1-h1-id to net as a-1-h1 (a-1-h1 is off its network)",
      `candidate: a-1-h1 must answer ${tried(two)}`,
      checked,
      noted,
      cleaned,
    ],
  ],
  [
    "a balancer that is off a network by hand",
    withContainer(host(), "lb-id", { networks: ["front"] }),
    wantedOf(two),
    [joinedBy("lb-id"), `candidate ${tried(two)}`, checked, noted, cleaned],
  ],
  [
    "what an update has left that was interrupted when the new balancer had begun to serve",
    { ...replaced, serving: "new-id" },
    wantedOf(two, {}, "new-id"),
    [
      joinedBy("new-id"),
      `candidate ${tried(two)}`,
      ended,
      checked,
      "stop lb-id within 7 s (another balancer answers)",
      noted,
      cleaned,
    ],
  ],
  [
    "what an update has left that was interrupted when the old balancer had been stopped",
    { ...without(replaced, "lb-id"), serving: "new-id" },
    wantedOf(two, {}, "new-id"),
    [joinedBy("new-id"), `candidate ${tried(two)}`, checked, noted, cleaned],
  ],
  [
    "an entry anew, as --replace makes it",
    { ...host(), containers: [{ ...newEntry, hash: "entryhash", listen: "127.0.0.1:8080" }, ...host().containers] },
    wantedOf(two, {}, "lb-id", [newDoor]),
    [
      "open new-entry-id on front in place of entry-id (the entry of 127.0.0.1:8080 is created)",
      "stop entry-id within 0 s (nginx has its socket, and is to take that of its successor)",
      answered,
      `candidate ${tried(two)}`,
      checked,
      noted,
      cleaned,
    ],
  ],
  [
    "an entry that an update has started, which was interrupted before it published the port",
    {
      ...replaced,
      serving: "new-id",
      unreachable: [newDoor.url],
      containers: [
        { ...newEntry, listen: "127.0.0.1:8080", state: "running", networks: [] },
        ...without(replaced, "lb-id").containers,
      ],
    },
    wantedOf(two, {}, "new-id", [newDoor]),
    [
      joinedBy("new-id"),
      "open new-entry-id on front in place of entry-id (the entry of 127.0.0.1:8080 is on no network)",
      answered,
      `candidate ${tried(two)}`,
      checked,
      noted,
      `stop entry-id within 7 s ${retired}`,
      cleaned,
    ],
  ],
  [
    "the same, where a refresh of the engine's has made one more, since that one publishes nothing",
    {
      ...replaced,
      serving: "new-id",
      containers: [
        { ...newEntry, listen: "127.0.0.1:8080" },
        { ...newEntry, id: "left-id", listen: "127.0.0.1:8080", state: "running", networks: [] },
        ...without(replaced, "lb-id").containers,
      ],
    },
    wantedOf(two, {}, "new-id", [newDoor]),
    [
      joinedBy("new-id"),
      "open new-entry-id on front in place of entry-id (the entry of 127.0.0.1:8080 is created)",
      "stop left-id within 0 s (nginx has its socket, and is to take that of its successor)",
      answered,
      `candidate ${tried(two)}`,
      checked,
      noted,
      `stop entry-id within 7 s ${retired}`,
      cleaned,
    ],
  ],
  [
    "the repair of a balancer and an entry that ended",
    withContainer(withContainer(host([], { served: undefined }), "lb-id", { state: "exited" }), "entry-id", {
      state: "exited",
      ports: "",
    }),
    wantedOf(two),
    [
      "start lb-id (the balancer is exited)",
      "open entry-id on front (the entry of 127.0.0.1:8080 is exited)",
      answered,
      `candidate ${tried(two)}`,
      checked,
      noted,
      cleaned,
    ],
  ],
  [
    "the repair of a paused entry",
    withContainer(host(), "entry-id", { state: "paused" }),
    wantedOf(two),
    ["unpause entry-id (the entry is paused)", answered, `candidate ${tried(two)}`, checked, noted, cleaned],
  ],
  [
    "a container anew under the same name, as --replace makes it",
    twins,
    wantedOf(two, { "a-1-h1": twin }),
    [
      `candidate: a-1-h1 must answer ${tried(two)}`,
      "together: a-0-h1, a-1-h1=feedfacecafe, a-1-h1-old=a-1-h1-id, a-1-h1 must answer (new servers answer before old ones go)",
      `switch: a-0-h1, a-1-h1=feedfacecafe ${live}`,
      drained,
      "stop a-1-h1-id within 7 s (their names are those of containers that serve)",
      "settle: a-0-h1, a-1-h1, a-1-h1-new=feedfacecafe, a-1-h1 must answer (names lead to one container again)",
      "settle: a-0-h1, a-1-h1 (all answer by their names)",
      checked,
      cleaned,
    ],
  ],
  [
    "the repair of an edited configuration",
    host([], { volume: { ...host().volume, intact: false } }),
    wantedOf(two),
    [
      `candidate ${tried(two)}`,
      "reload: a-0-h1, a-1-h1 (the files on the volume were edited)",
      drained,
      checked,
      cleaned,
    ],
  ],
  [
    "the repair of a balancer that has found nothing to serve when it started",
    host([], { served: undefined, volume: { ...host().volume, intact: false } }),
    wantedOf(other),
    [`candidate ${tried(other)}`, installed, answered, checked, cleaned],
  ],
  [
    "the same, where the engine has made another balancer as well: one that waits takes no connection before it is tried",
    { ...replaced, served: undefined, volume: emptyVolume },
    wantedOf(two, {}, "new-id"),
    [
      joinedBy("new-id"),
      `candidate: a-0-h1, a-1-h1 must answer ${tried(two)}`,
      installed,
      "serve (the balancer is new)",
      "await, a-0-h1, a-1-h1 must answer (nothing goes on before it answers)",
      ended,
      checked,
      "stop lb-id within 7 s (another balancer answers)",
      cleaned,
    ],
  ],
  [
    "the repair of a volume whose record is gone, beside an nginx that serves",
    host([], { volume: emptyVolume }),
    wantedOf(two),
    [
      `candidate: a-0-h1, a-1-h1 must answer ${tried(two)}`,
      "switch: a-0-h1, a-1-h1, a-0-h1, a-1-h1 must answer (the volume has no record of what is live)",
      drained,
      checked,
      "health of a-0-h1-id, a-1-h1-id (Docker is to show as many healthy backends as before)",
      cleaned,
    ],
  ],
  [
    "the repair of an nginx that serves another one",
    host([], { served: "0".repeat(16) }),
    wantedOf(two),
    [
      `candidate ${tried(two)}`,
      `resume (nginx serves ${"0".repeat(16)}, the volume holds ${two.id})`,
      checked,
      noted,
      cleaned,
    ],
  ],
  [
    "the repair of a dead port",
    host([], { unreachable: ["http://127.0.0.1:8080"] }),
    wantedOf(two),
    [
      "publish entry-id (nothing accepts connections at http://127.0.0.1:8080)",
      `candidate ${tried(two)}`,
      checked,
      noted,
      cleaned,
    ],
  ],
  [
    "the repair of backends that ended, are paused and are stuck",
    withContainer(withContainer(host(), "a-0-h1-id", { state: "exited" }), "a-1-h1-id", { health: "unhealthy" }),
    wantedOf(two),
    [
      "start a-0-h1-id (a-0-h1 is exited)",
      "restart a-1-h1-id (a-1-h1 is unhealthy)",
      `candidate: a-0-h1 must answer ${tried(two)}`,
      checked,
      noted,
      cleaned,
    ],
  ],
  [
    "the repair of a paused balancer",
    withContainer(host(), "lb-id", { state: "paused" }),
    wantedOf(two),
    ["unpause lb-id (the balancer is paused)", answered, `candidate ${tried(two)}`, checked, noted, cleaned],
  ],
  [
    "what an interrupted update has left: under a name that is about to serve, and under another one",
    {
      ...host(["a-2-h1", "a-9-h9"]),
      containers: [containerOf("a-2-h1", { id: "stray-id" }), ...host(["a-2-h1", "a-9-h9"]).containers],
    },
    wantedOf(pool(["a-0-h1", "a-1-h1", "a-2-h1"])),
    [
      "stop stray-id within 0 s (left by an update that did not finish, under a name that is about to serve)",
      `candidate: a-2-h1 must answer ${tried(pool(["a-0-h1", "a-1-h1", "a-2-h1"]))}`,
      `switch: a-0-h1, a-1-h1, a-2-h1, a-2-h1 must answer ${live}`,
      checked,
      `stop a-9-h9-id within 7 s ${retired}`,
      cleaned,
    ],
  ],
  [
    "another state's stack beside it: untouched",
    { ...host(), containers: [containerOf("a-7-h7", { owner: "another" }), ...host().containers] },
    { ...wantedOf(two), attempt: 1 },
    [`candidate ${tried(two)}`, checked, cleaned],
  ],
  [
    "a pause",
    host(),
    wantedOf(paused),
    [
      `candidate ${tried(paused)}`,
      `reload: a-0-h1, a-1-h1 ${live}`,
      "drain up to 7 s (backends have requests that came before the pause)",
      checked,
      cleaned,
    ],
  ],
];
