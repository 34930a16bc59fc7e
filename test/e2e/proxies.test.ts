import assert from "node:assert/strict";
import { Agent } from "node:http";
import { headerRules } from "../../nginx/render/headers";
import { docker } from "../../rollout/docker";
import { Rig } from "../faults/rig";
import { baseImages } from "../machine";
import { until } from "./until";

/** Headers of an answer's body, as the backend has got them, by their names in lower case. */
function headersIn(body: string): Map<string, string> {
  const lines = body.split("\n").map((line) => /^([^:]+): (.*)$/.exec(line));
  return new Map(lines.flatMap((line) => (line ? [[(line[1] ?? "").toLowerCase(), line[2] ?? ""] as const] : [])));
}

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
    return headersIn(answer.split("\r\n\r\n")[1] ?? "");
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
    await until("the line is there", 10, async () => (await rig.log()).includes(path));
    const line = (await rig.log()).split("\n").find((text) => text.includes(path));
    assert.match(line ?? "", /^192\.0\.2\.77 \[/);
  });
});
