import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { accessRule } from "../../model/policies/access";
import { docker } from "../../rollout/docker";
import { settings } from "../components";
import { until } from "../e2e/until";
import { Rig } from "../faults/rig";

const [app] = settings.apps as [(typeof settings.apps)[number]];
const apps = [
  { ...app, name: "shop" },
  { ...app, name: "gate", paths: ["/gate"] },
];
/** All of the password `correct horse`. */
const users = `# who may
bcrypt:$2y$10$abcdefghijklmnopqrstuu23JPZtHcGhwXSF41f93o/7vBdDut3Xu
bcrypt-b:$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2
sha512:$6$saltsaltsaltsalt$GkzgkzVbauGAKXpOTbypQEKy/9yJWVjcvXvDw7CxoJjnJ1.w.g1rV8bhCVTpHrRrO/h6b3DAwPN3y5qmHXZ1R1
`;
const authRequest = { app: "gate", path: "/gate", headers: ["X-User", "X-Saw"] };

describe("access", function () {
  this.timeout(120_000);
  const folder = mkdtempSync(join(tmpdir(), "nlb-access-"));
  const file = join(folder, "users");
  writeFileSync(file, users);
  let rig: Rig;
  const access = accessRule.parse([
    { paths: ["/net"], allow: ["192.0.2.0/24"], deny: ["192.0.2.7"] },
    { paths: ["/users"], users: file, realm: "the back" },
    { paths: ["/users/health"], open: true },
    { paths: ["/ask", "/drop"], authRequest },
    { paths: ["/any"], allow: ["192.0.2.0/24"], authRequest, satisfy: "any" },
    { paths: ["/direct"], authRequest },
  ]);
  const locations = [{ hosts: [], paths: ["/direct"], locationConfig: "limit_rate 0;" }];

  before(async () => {
    const answers = { "X-Frame-Options": "DENY" };
    const headers = [
      { hosts: [], paths: ["/"], requests: { "X-Env": "everywhere" }, answers: {} },
      { hosts: [], paths: ["/ask", "/direct"], requests: { "X-Env": "asked" }, answers },
    ];
    rig = await Rig.create("access", 2, (gateway) => ({ apps, access, locations, headers, trustedProxies: [gateway], serverConfig: "error_page 404 /none;" })); // prettier-ignore
  });
  after(() => {
    rmSync(folder, { recursive: true });
    return rig?.remove();
  });

  const ask = async (path: string, headers: Record<string, string> = {}, method = "GET") =>
    rig.ask(path, { headers: { "X-Forwarded-For": "198.51.100.1", ...headers }, method, ...(method === "POST" && { body: Buffer.from("abc") }) }); // prettier-ignore
  const basic = (name: string, password = "correct horse") => ({
    Authorization: `Basic ${Buffer.from(`${name}:${password}`).toString("base64")}`,
  });
  const echo = ({ text }: { readonly text: string }) =>
    new Map(text.split("\n").map((line) => line.split(": ") as [string, string]));

  it("is for addresses of true clients, refused ones before others", async () => {
    const statusOf = async (address: string) => (await ask("/net/a", { "X-Forwarded-For": address })).status;
    const statuses = ["192.0.2.1", "192.0.2.7", "198.51.100.1", "2001:db8::1"].map(statusOf);
    assert.deepEqual(await Promise.all(statuses), [200, 403, 403, 403]);
    assert.equal((await ask("/netto")).status, 200);
  });

  it("is for users whose password is hashed by bcrypt or SHA-512 crypt, but not below an open path", async () => {
    const statusOf = async (name: string, password?: string) => (await ask("/users/a", basic(name, password))).status;
    assert.deepEqual(
      await Promise.all(["bcrypt", "bcrypt-b", "sha512", "nobody"].map((name) => statusOf(name))),
      [200, 200, 200, 401],
    );
    assert.deepEqual(await Promise.all([statusOf("bcrypt", "x"), statusOf("sha512", "x")]), [401, 401]);
    const { status, headers } = await ask("/users");
    assert.deepEqual([status, headers["www-authenticate"]], [401, 'Basic realm="the back"']);
    assert.deepEqual([(await ask("/users/health")).status, (await ask("/users/healthy")).status], [200, 401]);
  });

  for (const path of ["/ask", "/direct"])
    it(`is what an app says, asked once for each request, and its headers go on to the backend: ${path}`, async () => {
      const before = (await rig.seen())("/gate");
      const headers = { Cookie: "a=b", "X-User": "forged", "If-None-Match": '"1"' };
      const got = echo(await ask(`${path}/echo?b=%20`, headers, "POST"));
      assert.deepEqual(
        [got.get("X-User"), got.get("X-Saw"), got.get("Content-Length"), got.get("X-Env")],
        ["someone", `GET POST ${path}/echo?b=%20 - a=b -`, "3", "asked"],
      );
      const answer = await ask(`${path}/a`);
      assert.deepEqual([answer.status, answer.headers["x-frame-options"]], [200, "DENY"]);
      assert.equal((await rig.seen())("/gate"), before + 2);
      const statusOf = async (say: string) => (await ask(`${path}/a`, { "X-Say": say })).status;
      assert.deepEqual(await Promise.all(["204", "401", "403", "302", "404", "500"].map(statusOf)), [200, 401, 403, 503, 503, 503]); // prettier-ignore
      const refused = await ask(`${path}/a`, { "X-Say": "401", "X-Balancer-Check": "0".repeat(16) });
      assert.equal(refused.headers["x-balancer-check"]?.toString().trim(), "0".repeat(16));
      assert.deepEqual(
        [refused.headers["www-authenticate"], refused.headers["set-cookie"], refused.headers["x-frame-options"]],
        ["Bearer", ["session=1; Path=/"], "DENY"],
      );
    });

  it("is not asked again when a request begins anew", async () => {
    const before = await rig.seen();
    const length = 5;
    for (let at = 0; at < length; at++) assert.equal((await ask("/drop")).status, 502);
    const asked = async (path: string) => (await rig.seen())(path) - before(path);
    await until("all of it is in the logs", 5, async () => (await asked("/drop")) >= 2 * length);
    // Where it has begun anew, a colon stands between the backends that nginx has asked.
    await until("some have begun anew", 5, async () => /"GET \/drop .* upstream=\S+ : \S/.test(await rig.log(40)));
    assert.equal(await asked("/gate"), length);
  });

  it("is one of several with satisfy any, where nobody hands on what a client says of itself", async () => {
    const inside = { "X-Forwarded-For": "192.0.2.1", "X-User": "forged" };
    const got = echo(await ask("/any/echo", { ...inside, "X-Say": "403" }));
    assert.equal(got.get("X-User"), undefined);
    assert.equal(echo(await ask("/any/echo")).get("X-User"), "someone");
    assert.equal((await ask("/any", { "X-Say": "403" })).status, 403);
  });

  it("costs a worker a check at each request, by bcrypt many times as much as by SHA-512 crypt", async () => {
    const each = "for pid in $(cat /proc/1/task/1/children); do cat /proc/$pid/schedstat; done";
    /** Nanoseconds that nginx's workers have had a processor. */
    const taken = async () => {
      const lines = (await docker("exec", rig.name, "sh", "-c", each)).trim().split("\n");
      return lines.reduce((sum, line) => sum + Number(line.split(" ")[0]), 0);
    };
    const costOf = async (name: string) => {
      const before = await taken();
      for (let at = 0; at < 20; at++) assert.equal((await ask("/users/a", basic(name))).status, 200);
      return ((await taken()) - before) / 20;
    };
    const [bcrypt, sha512] = [await costOf("bcrypt"), await costOf("sha512")];
    assert.ok(bcrypt > 5 * sha512, `${bcrypt} and ${sha512} ns`);
  });

  it("loses nothing when it comes, changes and goes", async () => {
    const own = (more: object) => ({ apps, access: accessRule.parse([{ paths: ["/"], ...more }]) });
    await rig.assertNoneLost(
      "/a",
      [own({ authRequest }), own({ users: file }), own({ deny: ["192.0.2.0/24"] }), { apps }],
      { headers: basic("sha512") },
    );
  });

  it("is 503 where the app that is asked has gone", async () => {
    await rig.change({ apps, access: accessRule.parse([{ paths: ["/ask"], authRequest }]) });
    await Promise.all(rig.backends.filter((_, at) => at % 2 === 1).map((name) => docker("kill", name)));
    assert.deepEqual([(await ask("/ask")).status, (await ask("/other")).status], [503, 200]);
  });
});
