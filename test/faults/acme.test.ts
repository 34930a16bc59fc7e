import assert from "node:assert/strict";
import { docker } from "../../rollout/docker";
import { AcmeStack } from "../e2e/acme-stack";
import { assertNoneLost } from "../e2e/books";
import { Handshakes } from "../e2e/handshake";
import { until } from "../e2e/until";

/** How long certificates are valid, seconds: they are renewed in the middle of it. */
const lifetimeSeconds = 120;

describe("renewals of certificates, while handshakes go on", function () {
  this.timeout(1_800_000);
  const shop = "shop.example.test";
  const www = "www.example.test";
  let own: AcmeStack;
  let handshakes: Handshakes;
  const seen = () => handshakes.seen(shop) + handshakes.seen(www);

  before(async () => {
    own = await AcmeStack.create("renewals", shop, lifetimeSeconds);
    await own.up({ tls: own.tls(), redirects: [{ from: www, to: shop }] });
    handshakes = new Handshakes(own.tlsPort, await own.pebble.root(), [shop, www]);
    await until("the first certificates are seen", 20, () => Promise.resolve(seen() === 2));
  });
  after(async () => {
    await handshakes?.stop();
    await own?.remove();
  });
  afterEach(() => {
    process.stdout.write(`      ${handshakes.failed.length} of ${handshakes.made} handshakes failed\n`);
    assert.deepEqual(handshakes.failed, []);
    assertNoneLost(own.load.mark());
  });

  const renewals = async (count: number) => {
    const before = seen();
    await until("renewals", 2 * count * lifetimeSeconds, () => Promise.resolve(seen() >= before + count));
  };

  it("of both hosts, three times", () => renewals(6));

  it("which the authority can't be asked for at first: status says so, and they come after all", async () => {
    await own.pebble.stop();
    const failing = async () => (await own.certificates()).find(({ failure }) => failure !== undefined);
    const { failure } = await until("a renewal fails", 2 * lifetimeSeconds, failing);
    await own.pebble.start();
    assert.match(failure ?? "", /^1 attempt has failed, the next one is at \d{4}-.*connection refused/s);
    assert.match(
      (await own.stack.script("status")).output,
      /Certificates that can't be had:\n.*: 1 attempt has failed/,
    );
    await renewals(2);
    const healed = async () => (await own.certificates()).every((one) => one.failure === undefined);
    await until("nothing fails any more", lifetimeSeconds, healed);
  });

  it("whose lego is killed in the middle of an order", async () => {
    const orders = async () => (await own.pebble.log()).match(/order/gi)?.length ?? 0;
    const before = await orders();
    await until("an order is made", 2 * lifetimeSeconds, async () => (await orders()) > before);
    const kill = 'for p in /proc/[0-9]*; do [ "$(cat $p/comm)" != lego ] || kill -9 ${p#/proc/}; done';
    await docker("exec", await own.keeper(), "sh", "-c", kill);
    await renewals(3);
  });

  it("whose container is killed, and started again by the next update", async () => {
    await docker("kill", await own.keeper());
    assert.match((await own.stack.script("status")).output, /The container that gets certificates is exited/);
    await own.up();
    await renewals(2);
  });
});
