import assert from "node:assert/strict";
import { acmeVolumeName } from "../../model/names";
import { removeKept } from "../../rollout/destroy";
import { tryDocker } from "../../rollout/docker";
import { stackFaults } from "../cis";
import { AcmeStack } from "./acme-stack";
import { assertNoneLost } from "./books";
import { handshake } from "./handshake";

describe("certificates from an authority", function () {
  this.timeout(600_000);
  const [shop, www, blog, refused] = ["shop", "www", "blog", "refused"].map((name) => `${name}.example.test`) as [
    ...[string, string, string, string],
  ];
  let own: AcmeStack;
  let root: string;

  before(async () => {
    own = await AcmeStack.create("acme", shop, 86_400, [refused]);
  });
  after(() => own?.remove());

  const seenBy = async (servername?: string) =>
    handshake({ port: own.tlsPort, ca: root, ...(servername !== undefined && { servername }) });

  it("come to a running plain stack, which loses nothing", async () => {
    await own.up({ tls: own.tls(), redirects: [{ from: www, to: shop }] });
    assertNoneLost(own.load.mark());
    root = await own.pebble.root();
    for (const name of [shop, www]) {
      const { certificate, alpn, protocol } = await seenBy(name);
      assert.deepEqual([certificate.subjectaltname, alpn, protocol], [`DNS:${name}`, "h2", "TLSv1.3"]);
    }
    for (const name of [blog, undefined]) await assert.rejects(seenBy(name), /unrecognized name|alert/i);
    await own.stack.engineOk("preview", "--expect-no-changes");
    // lego is hardened as all others are.
    assert.deepEqual(await stackFaults(own.stack.stackLabel), []);
  });

  it("that are refused fail the update, which names host and cause, and keep nobody else from theirs", async () => {
    await own.stack.configure({ apps: [own.app("shop", shop), own.app("blog", blog, refused)] });
    const { code, output } = await own.stack.engine("up");
    assert.notEqual(code, 0);
    assert.match(output, /No certificate for 1 of 4 hosts:\s+refused\.example\.test: .*rejectedIdentifier/s);
    assertNoneLost(own.load.mark());
    assert.equal((await seenBy(blog)).certificate.subjectaltname, `DNS:${blog}`);
    assert.equal((await own.ask(refused)).status, 200);
    await own.up({ apps: [own.app("shop", shop), own.app("blog", blog)] });
    const states = (await own.certificates()).map(({ names, failure }) => [names.join(), failure]);
    assert.deepEqual(states, [[blog, undefined], [shop, undefined], [www, undefined]]); // prettier-ignore
    assertNoneLost(own.load.mark());
  });

  it("have clients of the plain port sent on, but for the authority's questions", async () => {
    await own.load.stop();
    await own.up({ tls: own.tls({ redirect: true }) });
    const to = (host: string, path: string) => ({
      status: 308,
      version: "nginx",
      backend: "",
      location: `https://${host}:${own.tlsPort}${path}`,
    });
    assert.deepEqual(await own.ask(shop, "/a?b=c"), to(shop, "/a?b=c"));
    assert.deepEqual(await own.ask(www, "/a"), to(shop, "/a"));
    assert.equal((await own.ask(shop, "/.well-known/acme-challenge/none")).status, 404);
    assert.deepEqual(await own.ask("other.example.test"), { status: 421, version: "nginx", backend: "", location: "" });
  });

  it("outlive the stack, unless told otherwise", async () => {
    const issued = async () => (await own.pebble.log()).match(/Issued certificate serial/g)?.length ?? 0;
    const before = await issued();
    assert.ok(before >= 3);
    await own.stack.engineOk("destroy");
    await own.up();
    assert.equal((await own.certificates()).filter(({ until }) => until !== undefined).length, 3);
    assert.equal(await issued(), before);
    await own.stack.engineOk("destroy");
    const isThere = async () => (await tryDocker("volume", "inspect", acmeVolumeName(own.stack.stackLabel))).code === 0;
    assert.equal(await isThere(), true);
    await removeKept(own.stack.stackLabel);
    assert.equal(await isThere(), false);
  });
});
