import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { Agent } from "node:http";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { run } from "../../lib/process";
import { headerRules } from "../../nginx/render/headers";
import { docker, tryDocker } from "../../rollout/docker";
import { projectRoot } from "../../scripts/setup/project";
import { headersIn } from "./headers";
import { Rig } from "./rig";
import { baseImages } from "../machine";
import { FixtureApp } from "../e2e/app";
import { TestStack, takePort, type Outputs } from "../e2e/stack";
import { until } from "../e2e/until";

const claims = headerRules.map(({ name }) => name).filter((name) => !/^(?:Host|Connection|Upgrade)$/.test(name));

describe("what trusted proxies tell, on the real nginx", function () {
  this.timeout(120_000);
  let rig: Rig;
  let gateway = "";
  before(async () => {
    rig = await Rig.create("trusted", 3, (address) => {
      gateway = address;
      return { method: "ip_hash", trustedProxies: ["10.0.0.0/8", "2001:db8:ffff::/48", address] };
    });
  });
  after(() => rig?.remove());

  /** From this host, whose address is one of theirs. */
  const told = async (...lines: readonly string[]) => {
    const answer = await rig.raw("GET /echo HTTP/1.1", "Host: a", ...lines, "Connection: close");
    return headersIn(answer);
  };

  for (const [what, lines, expected] of [
    ["one that a proxy has added", ["192.0.2.1"], "192.0.2.1"],
    ["after what the client has claimed", ["198.51.100.9, 192.0.2.1"], "192.0.2.1"],
    ["before proxies", ["198.51.100.9, 192.0.2.1, 10.1.2.3, 10.9.9.9"], "192.0.2.1"],
    ["in two lines", ["198.51.100.9", "192.0.2.1, 10.1.2.3"], "192.0.2.1"],
    ["in the first of two lines", ["198.51.100.9,192.0.2.1", "10.1.2.3"], "192.0.2.1"],
    ["with a port", ["192.0.2.1:4711"], "192.0.2.1"],
    ["of IPv6", ["2001:DB8::1, 2001:db8:ffff::7"], "2001:db8::1"],
    ["of IPv6 with a port", ["[2001:db8::1]:4711, 10.1.2.3"], "2001:db8::1"],
    ["a proxy's, where there are only theirs", ["10.1.1.1, 10.2.2.2"], "10.1.1.1"],
    ["the last proxy's, before a word that is none", ["192.0.2.1, unknown, 10.1.1.1"], "10.1.1.1"],
    ["the peer's, for a word that is none", ["192.0.2.1, unknown"], undefined],
    ["the peer's, for nothing", [""], undefined],
  ] as const)
    it(`the client's address is ${what}`, async () => {
      const got = await told(...lines.map((line) => `X-Forwarded-For: ${line}`), "X-Real-IP: 198.51.100.9");
      assert.deepEqual([got.get("x-real-ip"), got.get("x-forwarded-for")], Array(2).fill(expected ?? gateway));
    });

  it("whatever else they tell reaches the backend, but for a path or a proxy that they must not name", async () => {
    const got = await told(...claims.map((name) => `${name}: 192.0.2.9`));
    const lost = claims.filter((name) => got.get(name.toLowerCase()) !== "192.0.2.9");
    assert.deepEqual(lost, ["X-Original-URL", "X-Rewrite-URL", "Proxy"]);
  });

  it("nothing that anybody else tells reaches a backend", async () => {
    const { nginxImage } = await baseImages();
    const ask = async (...headers: readonly string[]) => {
      const options = headers.flatMap((header) => ["--header", header]);
      const command = `hostname -i; curl --silent ${options.map((text) => `'${text}'`).join(" ")} http://${rig.name}:8080/echo`;
      const [address, ...body] = (
        await docker("run", "--rm", "--network", rig.name, nginxImage, "sh", "-c", command)
      ).split("\n");
      const got = headersIn(body.join("\n"));
      assert.deepEqual([got.get("x-real-ip"), got.get("x-forwarded-for")], [address, address]);
      for (const name of ["x-real-ip", "x-forwarded-for"]) got.delete(name);
      return got;
    };
    assert.deepEqual(await ask(...claims.map((name) => `${name}: 192.0.2.9`)), await ask());
  });

  it("each request of a connection has the client that it is told of, and no older one", async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const addressFor = async (headers: Record<string, string>) =>
      headersIn((await rig.ask("/echo", { agent, headers })).text).get("x-real-ip");
    for (const address of ["192.0.2.1", "192.0.2.2"])
      assert.equal(await addressFor({ "X-Forwarded-For": address }), address);
    assert.equal(await addressFor({}), gateway);
    agent.destroy();
  });

  it("ip_hash tells the clients apart, and each stays with a backend", async () => {
    const from = async (address: string) => (await rig.ask("/", { headers: { "X-Forwarded-For": address } })).from;
    const addresses = Array.from({ length: 30 }, (_, at) => `192.0.${at}.1`);
    const first = await Promise.all(addresses.map(from));
    assert.equal(new Set(first).size, rig.backends.length);
    assert.deepEqual(await Promise.all(addresses.map(from)), first);
  });

  it("the log has the client's address", async () => {
    const path = rig.path("/logged");
    await rig.ask(path, { headers: { "X-Forwarded-For": "198.51.100.9, 192.0.2.77, 10.1.2.3" } });
    let line: string | undefined;
    await until("the line is there", 10, async () => {
      line = (await rig.log(1000)).split("\n").find((text) => text.includes(path));
      return line !== undefined;
    });
    assert.match(line ?? "", /^192\.0\.2\.77 \[/);
  });
});

/** This host's addresses to other hosts: those that are none of Docker's networks. */
const addresses = Object.entries(networkInterfaces())
  .filter(([name]) => !/^(?:docker|br-|veth)/.test(name))
  .flatMap(([, own = []]) => own)
  .filter(({ family, internal }) => family === "IPv4" && !internal)
  .map(({ address }) => address);

/** What the fixture app says it was told. */
interface Told {
  readonly client: string;
  readonly forwarded: string;
  readonly scheme: string;
  readonly host: string | null;
}

const readTold = (text: string): Told => {
  const told = JSON.parse(text) as Record<string, string | null>;
  return {
    client: told["HTTP_X_REAL_IP"] ?? "",
    forwarded: told["HTTP_X_FORWARDED_FOR"] ?? "",
    scheme: told["HTTP_X_FORWARDED_PROTO"] ?? "",
    host: told["HTTP_X_FORWARDED_HOST"] ?? null,
  };
};

describe("a proxy in front of a stack on the same host", function () {
  this.timeout(600_000);
  let app: FixtureApp;
  let stack: TestStack;
  let outputs: Outputs;
  let image = "";
  let entryGateway = "";
  const proxyPort = takePort();
  const name = `e2e-front-${process.pid}`;
  const names = { onHost: `${name}-host`, onOwn: `${name}-own` };
  const claim = { "X-Forwarded-For": "198.51.100.9", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "wss" };

  before(async () => {
    app = await FixtureApp.create();
    ({ nginxImage: image } = await baseImages());
    stack = await TestStack.create("front", {
      backendCount: 1,
      bindAddress: "0.0.0.0",
      apps: [{ name: "fixture", path: app.path }],
    });
    outputs = await stack.up();
    const page = await readFile(join(projectRoot, "docs", "headers.md"), "utf8");
    const [, command = ""] = /```sh\n(docker network [^`]*)```/.exec(page) ?? [];
    entryGateway = (
      await run("sh", ["-c", command.replace("nginx-load-balancer/dev", stack.stackLabel)])
    ).stdout.trim();
    await docker("network", "create", name);
    const format = "{{range .IPAM.Config}}{{.Gateway}}{{end}}";
    const ownGateway = (await docker("network", "inspect", "--format", format, name)).trim();
    await startProxy(names.onHost, "host", `127.0.0.1:${proxyPort}`, `127.0.0.1:${stack.port}`);
    await startProxy(names.onOwn, name, "8080", `${ownGateway}:${stack.port}`);
  });
  after(async () => {
    await tryDocker("rm", "--force", "--volumes", ...Object.values(names));
    await tryDocker("network", "rm", name);
    await stack?.remove();
    await app?.remove();
  });

  async function startProxy(container: string, network: string, listen: string, to: string): Promise<void> {
    const text = `events {} pid /tmp/nginx.pid; error_log stderr; http { access_log off; server { listen ${listen};
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto https;
      proxy_set_header X-Forwarded-Host front.example; location / { proxy_pass http://${to}; } } }`;
    const start = `echo "$CONF" >/tmp/nginx.conf && exec nginx -c /tmp/nginx.conf -g 'daemon off;'`;
    await docker("run", "--detach", "--name", container, "--network", network, "--env", `CONF=${text}`, image, "sh", "-c", start); // prettier-ignore
  }

  const fromHere = async (url: string): Promise<Told> =>
    readTold(await (await fetch(`${url}/told`, { headers: claim })).text());

  /** From a container of a network, whose address there comes with the answer. */
  async function fromContainer(network: string, url: string): Promise<{ address: string; told: Told }> {
    const headers = Object.entries(claim).map(([key, value]) => `--header '${key}: ${value}'`);
    const command = `hostname -i; curl --silent --max-time 5 ${headers.join(" ")} ${url}/told`;
    const text = await docker("run", "--rm", "--network", network, image, "sh", "-c", command);
    const [address = "", answer = ""] = text.split("\n");
    return { address, told: readTold(answer) };
  }

  const onHost = () => fromHere(`http://127.0.0.1:${proxyPort}`);
  const onOwn = () => fromContainer(name, `http://${names.onOwn}:8080`);
  const untold = (client: string): Told => ({ client, forwarded: client, scheme: "http", host: null });
  const told = (client: string): Told => ({ client, forwarded: client, scheme: "https", host: "front.example" });

  it("comes from the gateway of the entry's network, and is not believed", async () => {
    await until("the proxies answer", 20, async () => {
      const proxies = await Promise.all([onHost(), onOwn()].map((asked) => asked.catch(() => undefined)));
      return proxies.every((answer) => answer !== undefined);
    });
    assert.deepEqual(await onHost(), untold(entryGateway));
    assert.deepEqual((await onOwn()).told, untold(entryGateway));
    assert.deepEqual(await fromHere(outputs.url), untold(entryGateway));
    for (const own of addresses) assert.deepEqual(await fromHere(`http://${own}:${stack.port}`), untold(own));
  });

  it("is believed once a file names it, and what the client claims behind it is not", async () => {
    const file = join(stack.folder, "proxies.txt");
    await writeFile(file, `# docker network inspect\n${entryGateway}\n`);
    await stack.configure({ trustedProxies: file });
    outputs = await stack.up();
    assert.deepEqual(await onHost(), told("127.0.0.1"));
    const { address, told: own } = await onOwn();
    assert.deepEqual(own, told(address));
  });

  it("is none for who comes from another address", async () => {
    const { entry } = await stack.containers();
    const format = "{{range $name, $network := .NetworkSettings.Networks}}{{$name}} {{$network.IPAddress}}{{end}}";
    const [network = "", to] = (await docker("inspect", "--format", format, entry?.id ?? "")).trim().split(" ");
    const { address, told: direct } = await fromContainer(network, `http://${to}:8080`);
    assert.deepEqual(direct, untold(address));
    for (const own of addresses) assert.deepEqual(await fromHere(`http://${own}:${stack.port}`), untold(own));
  });

  it("is another one in the preview when the file has changed, and the same for another comment", async () => {
    const file = join(stack.folder, "proxies.txt");
    await writeFile(file, `${entryGateway} # of the entry\n`);
    await stack.engineOk("preview", "--expect-no-changes");
    await writeFile(file, `${entryGateway}\n203.0.113.0/24\n`);
    assert.match(await stack.engineOk("preview", "--diff"), /\+ *set_real_ip_from 203\.0\.113\.0\/24;/);
    await writeFile(file, `${entryGateway}\n\n203.0.113.7/24\n`);
    const { code, output } = await stack.engine("preview");
    assert.notEqual(code, 0);
    assert.ok(
      output.includes(`trustedProxies: got "${file}", expected 203.0.113.0/24 in its line 3, not "203.0.113.7/24"`),
      output,
    );
  });
});
