import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo, type Server } from "node:net";
import { hostname } from "node:os";
import { balancerOf } from "../../rollout/containers";
import { problemOf } from "../../rollout/engine";
import { assertOwned, dockerHostOf, lookAtHost, urlOf } from "../../rollout/preflight";
import { identity, settings } from "../components";
import { FakePrograms } from "../fake-programs";
import { containerOf, entryOf } from "../observed";

describe("the address for clients", () => {
  for (const [bindAddress, port, remote, url] of [
    ["127.0.0.1", 8080, undefined, "http://127.0.0.1:8080"],
    ["0.0.0.0", 80, undefined, "http://127.0.0.1:80"],
    ["::", 8080, undefined, "http://[::1]:8080"],
    ["::1", 8080, undefined, "http://[::1]:8080"],
    ["192.0.2.7", 8080, undefined, "http://192.0.2.7:8080"],
    ["0.0.0.0", 8080, "docker.example", "http://docker.example:8080"],
    ["::", 8080, "docker.example", "http://docker.example:8080"],
    // Nobody but that host reaches it there: the URL says so.
    ["127.0.0.1", 8080, "docker.example", "http://127.0.0.1:8080"],
    ["192.0.2.7", 8080, "docker.example", "http://192.0.2.7:8080"],
  ] as const)
    it(`is ${url} when bound to ${bindAddress}${remote === undefined ? "" : ` of ${remote}`}`, () =>
      assert.equal(urlOf(bindAddress, { name: "socket", port }, remote), url));

  it("has https where it is that of TLS", () =>
    assert.equal(urlOf("0.0.0.0", { name: "tls", port: 443 }, undefined), "https://127.0.0.1:443"));
});

describe("Docker's host", () => {
  const own = hostname();
  for (const [what, args, remote, here] of [
    ["a socket", ["unix:///var/run/docker.sock", undefined, "linux"], undefined, true],
    ["the host's socket in a container", ["unix:///var/run/docker.sock", "another", "linux"], undefined, false],
    ["the socket of an engine in the same container", ["unix:///var/run/docker.sock", own, "linux"], undefined, true],
    ["a socket of Docker Desktop", ["unix:///run/docker.sock", "docker-desktop", "darwin"], undefined, true],
    ["ssh", ["ssh://me@docker.example", undefined, "linux"], "docker.example", false],
    ["TCP", ["tcp://docker.example:2376", undefined, "linux"], "docker.example", false],
    ["TCP on the loopback", ["tcp://127.0.0.1:2375", undefined, "linux"], "127.0.0.1", true],
    ["TCP on the IPv6 loopback", ["tcp://[::1]:2375", undefined, "linux"], "[::1]", true],
  ] as const)
    it(`is ${here ? "this one" : "another one"} by ${what}`, () => {
      const [endpoint, engineName, platform] = args;
      assert.deepEqual(dockerHostOf(endpoint, engineName, platform), { remote, here });
    });
});

describe("the port, on Docker's host", () => {
  const { DOCKER_HOST } = process.env;
  let programs: FakePrograms;
  const info = `if [ "$1" = info ]; then case "$3" in *OSType*) echo linux runc local ;; *Pools*) echo null ;; *) echo '${hostname()}' ;; esac; fi\n`;
  let other: Server;
  let where: Parameters<typeof lookAtHost>[1];
  beforeEach(async () => {
    // A docker that finds no container, and whose engine is in this very machine or container.
    programs = await FakePrograms.create();
    await programs.write("docker", `#!/bin/sh\n${info}`);
    other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const { apps, backendCount, keepImages, subnets, balancerMemoryMb } = settings;
    where = { bindAddress: "127.0.0.1", port, apps, backendCount, keepImages, subnets, balancerMemoryMb };
  });
  afterEach(async () => {
    if (DOCKER_HOST === undefined) delete process.env["DOCKER_HOST"];
    else process.env["DOCKER_HOST"] = DOCKER_HOST;
    other.close();
    await programs.remove();
  });

  it("is refused where something else has it", async () => {
    process.env["DOCKER_HOST"] = "unix:///var/run/docker.sock";
    await assert.rejects(lookAtHost("nginx-load-balancer/dev", where), {
      message: `port: got ${where.port}, which something else on this host uses already (on 127.0.0.1). End it, or choose another port: npx pulumi config set port PORT. Nothing has been changed.`,
    });
  });

  for (const [what, row, said] of [
    ["a container", "web\\t", "which container web uses already (on 127.0.0.1). End it, or"],
    [
      "the stack under the name that it had before",
      "entry-1a\\tnginx-load-balancer/old",
      "PORT. Where this stack was called so before, it needs its name back: npx pulumi stack rename old. Nothing",
    ],
  ] as const)
    it(`is refused where ${what} has it, and says so`, async () => {
      process.env["DOCKER_HOST"] = "unix:///var/run/docker.sock";
      await programs.write(
        "docker",
        `#!/bin/sh\n${info}case "$*" in *publish=${where.port}*) printf '${row}\\n' ;; esac\n`,
      );
      await assert.rejects(lookAtHost("nginx-load-balancer/dev", where), ({ message }: Error) =>
        message.includes(said),
      );
    });

  it("is one of those that metrics are published at", async () => {
    process.env["DOCKER_HOST"] = "unix:///var/run/docker.sock";
    // An address that no client has: the port below is free there, however many connections others have on this host.
    const metrics = { port: where.port - 1, bindAddress: "127.0.0.9" };
    const second = createServer().listen(where.port, metrics.bindAddress);
    await once(second, "listening");
    await assert
      .rejects(lookAtHost("nginx-load-balancer/dev", { ...where, port: 0, metrics }), {
        message: `metrics.port, or the one after it: got ${where.port}, which something else on this host uses already (on 127.0.0.9). End it, or choose another port: npx pulumi config set --path metrics.port PORT. Nothing has been changed.`,
      })
      .finally(() => second.close());
    const elsewhere = { ...metrics, bindAddress: "192.0.2.7" };
    await assert.rejects(lookAtHost("nginx-load-balancer/dev", { ...where, port: 0, metrics: elsewhere }), {
      message: 'metrics.bindAddress: got "192.0.2.7", expected an address of this host. Nothing has been changed.',
    });
    process.env["DOCKER_HOST"] = "tcp://192.0.2.1:2375";
    const { exporters } = await lookAtHost("nginx-load-balancer/dev", { ...where, metrics: elsewhere });
    assert.deepEqual(
      exporters,
      [where.port - 1, where.port].map((port) => ({
        listen: `192.0.2.7:${port}`,
        url: `http://192.0.2.7:${port}/metrics`,
      })),
    );
  });

  it("is not the only thing that is looked for: apps' networks and volumes are", async () => {
    process.env["DOCKER_HOST"] = "tcp://192.0.2.1:2375";
    const [app] = settings.apps as [(typeof settings.apps)[number]];
    const apps = [{ ...app, networks: ["web_data"], volumes: ["media:/srv", "/nowhere:/var/lib/elsewhere"] }];
    await assert.rejects(lookAtHost("nginx-load-balancer/dev", { ...where, apps }), {
      message: `Docker's host lacks what apps ask for:
  apps[0].networks[0]: got "web_data", expected a network that Docker has (docker network ls), other than host and none
  apps[0].volumes[0]: got "media:/srv", expected a volume that Docker has (docker volume ls)`,
    });
  });

  it("is not asked for here when Docker is elsewhere", async () => {
    process.env["DOCKER_HOST"] = "tcp://192.0.2.1:2375";
    assert.deepEqual(await lookAtHost("nginx-load-balancer/dev", where), {
      containers: [],
      urls: [`http://127.0.0.1:${where.port}`],
      listens: [`127.0.0.1:${where.port}`],
      exporters: [],
      images: new Map(),
      subnets: new Map(),
      moved: [],
    });
  });

  it("is looked at together with the addresses that apps' networks can have", async () => {
    process.env["DOCKER_HOST"] = "tcp://192.0.2.1:2375";
    const { subnets } = await lookAtHost("nginx-load-balancer/dev", { ...where, subnets: "10.83.0.0/16" });
    assert.deepEqual([...subnets], [["app1", "10.83.0.0/23"], ["app2", "10.83.2.0/23"]]); // prettier-ignore
  });
});

describe("an engine", () => {
  const engine = { os: "linux", runtime: "runc", volumeDrivers: ["local", "other"] };
  for (const [change, problem] of [
    [{}, undefined],
    [{ runtime: "crun" }, undefined],
    [{ os: "windows" }, "runs containers of windows, expected linux"],
    [{ runtime: "runsc" }, "has runsc for its default runtime, expected one whose containers share a kernel (runc)"],
    [
      { runtime: "kata-runtime" },
      "has kata-runtime for its default runtime, expected one whose containers share a kernel (runc)",
    ],
    [{ volumeDrivers: ["other"] }, "has no volume driver local, only other"],
    [{ volumeDrivers: [] }, "has no volume driver local, only none"],
  ] as const)
    it(`${problem === undefined ? "hands sockets over" : "does not hand sockets over"}: ${JSON.stringify(change)}`, () =>
      assert.equal(problemOf({ ...engine, ...change }), problem));
});

describe("the balancer of a stack", () => {
  const older = containerOf("", { id: "older" });
  const newer = containerOf("", { id: "newer", health: "starting" });

  it("is the one that is healthy, also where a newer one waits beside it", () =>
    assert.equal(balancerOf([newer, older])?.id, "older"));
  it("is the one that the engine knows, where it runs", () => {
    assert.equal(balancerOf([newer, older], "newer")?.id, "newer");
    assert.equal(balancerOf([{ ...newer, state: "created" }, older], "newer")?.id, "older");
  });
  it("is the newest that runs, where none is healthy, and else the newest", () => {
    assert.equal(balancerOf([newer, { ...older, health: "unhealthy" }])?.id, "newer");
    assert.equal(
      balancerOf([
        { ...newer, state: "exited" },
        { ...older, health: "unhealthy" },
      ])?.id,
      "older",
    );
    assert.equal(balancerOf([newer, older].map((one) => ({ ...one, state: "exited", health: "none" })))?.id, "newer");
    assert.equal(balancerOf([containerOf("a-0-h1"), entryOf()]), undefined);
  });
});

describe("whose containers run", () => {
  const stack = "nginx-load-balancer/dev";
  const own = { owner: identity.owner, adopted: "", containers: new Set<string>() };
  const others = "99999999-2222-4333-8444-555555555555";
  const foreign = containerOf("a-0-h1", { owner: others, by: "other@elsewhere" });
  const older = containerOf("a-0-h1", { owner: "", by: "" });

  it("is the stack's own business where it made them, or none run", () => {
    assertOwned(stack, [], { ...own, owner: undefined }, "");
    assertOwned(stack, [containerOf("a-0-h1"), containerOf()], own, "");
  });

  it("is another state's where they carry another identity: named, with its age and both ways out", () => {
    for (const owner of [identity.owner, undefined])
      assert.throws(() => assertOwned(stack, [foreign], { ...own, owner }, ""), {
        message: `Stack ${stack} runs on this Docker host already, from another state: a-0-h1-made, made 2 minutes ago by other@elsewhere (identity ${others}). Nothing has been changed.
Give this stack another name, or go on with the state that made it. Where that state is lost: npx pulumi config set adopt ${others} takes over what runs.`,
      });
  });

  it("is taken over by its very identity, and no other", () => {
    assertOwned(stack, [foreign], own, others);
    assert.throws(() => assertOwned(stack, [foreign], own, "00000000-2222-4333-8444-555555555555"), /identity 9999/);
    assert.throws(() => assertOwned(stack, [foreign, older], own, others), /\(no identity\)/);
  });

  it("is its own where an entry was kept when it took over, or when the one did that it takes over now", () => {
    const entry = entryOf({ owner: "older" });
    assertOwned(stack, [containerOf(), entry], own, "");
    assertOwned(stack, [containerOf("", { owner: others }), entry], { ...own, owner: undefined }, others);
    assertOwned(stack, [entry], { ...own, adopted: "older" }, "");
    assert.throws(
      () => assertOwned(stack, [containerOf(), { ...entry, volumes: ["another"] }], own, ""),
      /identity older/,
    );
    assert.throws(() => assertOwned(stack, [containerOf(), { ...entry, role: "balancer" }], own, ""), /identity older/);
  });

  it("is its own where a takeover has not ended: its state knows the new ones, and no more the old", () => {
    const made = containerOf("a-0-h2", { id: "new" });
    assertOwned(stack, [made, older], { ...own, containers: new Set(["new"]) }, "");
    assert.throws(() => assertOwned(stack, [made, older], own, ""), /\(no identity\)/);
  });

  it("is its own where they carry none and its state knows one of them, as before there were identities", () => {
    assertOwned(
      stack,
      [older, { ...older, id: "stray" }],
      { ...own, owner: undefined, containers: new Set([older.id]) },
      "",
    );
    assert.throws(() => assertOwned(stack, [older], { ...own, containers: new Set(["another"]) }, ""), {
      message: `Stack ${stack} runs on this Docker host already, from another state: a-0-h1-made, made 2 minutes ago (no identity). Nothing has been changed.
Give this stack another name, or go on with the state that made it.`,
    });
  });
});
