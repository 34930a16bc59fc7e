import assert from "node:assert/strict";
import { currentRelease, doorFolder, volumeFolder } from "../../model/layout";
import { docker, tryDocker } from "../../rollout/docker";
import { baseImages } from "../machine";
import { couldDo, neighbours, type Attempt, type Neighbour } from "./inside";
import { TlsStack } from "../e2e/tls-stack";
import { until } from "../e2e/until";

/** What may listen somewhere: ssh, DNS, HTTP, the Docker API, apps, nginx, debuggers. */
const ports = [22, 53, 80, 443, 2375, 2376, 5000, 8000, 8080, 8443, 9000, 9229];

describe("an app whose backend is taken over", function () {
  this.timeout(600_000);
  const stranger = `e2e-isolation-${process.pid}`;
  let own: TlsStack;
  /** The backend in which all is tried. */
  let taken: Neighbour;
  let others: Neighbour[];
  let key: string;

  const of = (wanted: string, app = "") =>
    others.filter((one) => one.role === wanted && (app === "" || one.app === app));
  const addresses = (from: readonly Neighbour[]) => [...new Set(from.flatMap((one) => one.addresses))];
  const connect = (hosts: readonly string[], asked: readonly number[]): Attempt[] =>
    hosts.flatMap((host) => asked.map((port): Attempt => ["tcp", host, port]));
  const allGateways = () => [...new Set([taken, ...others].flatMap(({ gateways }) => gateways))];
  const look = async () => {
    const { backends, balancer, entry } = await own.stack.containers();
    const ids = [...backends, balancer, entry].flatMap((one) => one?.id ?? []);
    const entries = (await docker("ps", "--quiet", "--filter", `label=nginx-load-balancer.stack=${own.stack.stackLabel}`, "--filter", "label=nginx-load-balancer.role=entry")).split("\n").filter(Boolean); // prettier-ignore
    const found = await neighbours(...new Set([...ids, ...(await Promise.all(entries.map(wholeId)))]), stranger);
    const first = found.find(({ app }) => app === "shop");
    assert.ok(first !== undefined);
    taken = first;
    others = found.filter(({ id }) => id !== taken.id);
  };
  const wholeId = async (id: string) => (await docker("inspect", "--format", "{{.Id}}", id)).trim();

  before(async () => {
    own = await TlsStack.create("isolation", ["shop", "blog"]);
    key = await own.certify("shop", ["shop.example", "blog.example"]);
    await own.up({
      tls: { port: own.port, certificates: [own.files("shop")] },
      apps: [own.app("shop", { hosts: ["shop.example"] }), own.app("blog", { hosts: ["blog.example"] })],
    });
    // Another stack's app is this: a container on a network of its own.
    await docker("network", "create", stranger);
    const { pythonImage } = await baseImages();
    await docker("run", "--detach", "--init", "--name", stranger, "--network", stranger, pythonImage, "python3", "-m", "http.server", "5000"); // prettier-ignore
    await until("the other stack's app answers", 20, async () => {
      const ask = "import urllib.request; urllib.request.urlopen('http://127.0.0.1:5000/')";
      return (await tryDocker("exec", stranger, "python3", "-c", ask)).code === 0;
    });
    await look();
  });
  after(async () => {
    await tryDocker("rm", "--force", "--volumes", stranger);
    await tryDocker("network", "rm", stranger);
    await own?.remove();
  });

  /** What is beyond its reach: what it is, and what is tried. */
  const closed: readonly (readonly [what: string, attempts: () => Attempt[]])[] = [
    ["another app's backends, by their addresses", () => connect(addresses(of("backend", "blog")), ports)],
    [
      "another app's backends, by their names",
      () => of("backend", "blog").flatMap(({ names }) => names.map((name): Attempt => ["name", name])),
    ],
    [
      "another app's backends, through the balancer as a router",
      () =>
        addresses(of("backend", "blog")).flatMap((host) =>
          addresses(of("balancer")).map((router): Attempt => ["tcp", host, 5000, router]),
        ),
    ],
    ["the balancer, on any of its networks", () => connect(addresses(of("balancer")), ports)],
    ["the entries, past the port that is published", () => connect(addresses(of("entry")), ports)],
    [
      "the published ports, which are 127.0.0.1's, by the host's other addresses",
      () => connect(allGateways(), [Number(new URL(own.outputs.url).port), own.port]),
    ],
    ["another stack's app, by its address", () => connect(addresses(of("")), ports)],
    ["another stack's app, by its name", () => [["name", stranger]]],
    ["the Docker API, over TCP", () => connect(allGateways(), [2375, 2376, 4243])],
    [
      "the sockets of Docker, of the entry and of nginx, its configuration and its keys, where they are in other containers",
      () =>
        [
          "/var/run/docker.sock",
          "/run/docker.sock",
          doorFolder,
          "/tmp/nginx/control.sock",
          volumeFolder,
          currentRelease,
        ].map((path): Attempt => ["path", path]),
    ],
    ["any socket in its file system", () => [["sockets"]]],
    ["the certificate's key, in any file that it may read", () => [["text", key.split("\n")[1] ?? ""]]],
    ["processes of others", () => ["nginx", "s6-fdholder", "dockerd"].map((name): Attempt => ["process", name])],
    [
      "packets of its own making, by which it could pass for a neighbour",
      () => [
        ["packet", "ethernet"],
        ["packet", "ip"],
      ],
    ],
    [
      "more rights than it has",
      () => [
        ["right", "NoNewPrivs: 0"],
        ["right", "Seccomp: 0"],
        ["right", "Uid: 0 0 0 0"],
      ],
    ],
    [
      "files of its own image, to change them",
      () => ["/", "/app", "/etc", "/usr/bin"].map((place): Attempt => ["write", place]),
    ],
  ];
  for (const [what, attempts] of closed)
    it(`does not reach ${what}`, async () => {
      const tried = attempts();
      assert.ok(tried.length > 0);
      assert.deepEqual(await couldDo(taken.id, tried), []);
    });

  it("has no capability", async () => {
    const sets = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"];
    const none = sets.map((set): Attempt => ["right", `${set}: 0000000000000000`]);
    assert.equal((await couldDo(taken.id, none)).length, sets.length);
  });

  it("shares no network with an entry", () => {
    const ofApps = new Set([taken, ...of("backend")].flatMap(({ gateways }) => gateways));
    const ofEntries = of("entry").flatMap(({ gateways }) => gateways);
    assert.equal(ofEntries.length, 2);
    assert.ok(ofEntries.every((gateway) => !ofApps.has(gateway)));
  });

  it("finds nothing that listens in the balancer's network namespace", async () => {
    const [balancer] = of("balancer");
    const table = await docker("exec", balancer?.id ?? "", "cat", "/proc/net/tcp", "/proc/net/tcp6");
    const listening = table.split("\n").flatMap((line) => {
      const [, local = "", , state] = line.trim().split(/\s+/);
      return state === "0A" ? local : [];
    });
    // Docker's own DNS is there, at 127.0.0.11.
    assert.deepEqual(
      listening.filter((address) => !address.startsWith("0B00007F:")),
      [],
    );
  });

  /** What it does reach, as users should know; that it does shows that the attempts above are ones. */
  const open: readonly (readonly [what: string, attempts: () => Attempt[]])[] = [
    ["other backends of its own app, by address", () => connect(addresses(of("backend", "shop")), [5000])],
    [
      "other backends of its own app, by name",
      () => of("backend", "shop").flatMap(({ names }) => names.map((name): Attempt => ["name", name])),
    ],
    ["whatever its host reaches: there is a way out", () => [["route"]]],
    [
      "its own files, processes and folder in memory",
      () => [
        ["path", "/app/app.py"],
        ["text", "Stands in for the apps"],
        ["process", "gunicorn"],
        ["write", "/tmp"],
      ],
    ],
    ["the rights that it has", () => [["right", "NoNewPrivs: 1"], ["right", "Seccomp: 2"], ["right", "Uid: 10001 10001 10001 10001"]]], // prettier-ignore
  ];
  for (const [what, attempts] of open)
    it(`reaches ${what}`, async () => {
      const tried = attempts();
      assert.ok(tried.length > 0);
      assert.equal((await couldDo(taken.id, tried)).length, tried.length);
    });

  it("reaches a port that is published on all addresses, as any client does, and nothing else by that", async () => {
    await own.up({ bindAddress: "0.0.0.0" });
    await look();
    const published = [Number(new URL(own.outputs.url).port), own.port];
    const [gateway = ""] = taken.gateways;
    assert.equal((await couldDo(taken.id, connect([gateway], published))).length, 2);
    const behind = addresses([...of("balancer"), ...of("entry"), ...of("backend", "blog")]);
    assert.deepEqual(await couldDo(taken.id, connect(behind, ports)), []);
  });
});
