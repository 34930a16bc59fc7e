import assert from "node:assert/strict";
import { X509Certificate, createPrivateKey } from "node:crypto";
import { docker, tryDocker, type DockerResult } from "../../rollout/docker";
import { baseImages } from "../machine";
import { Pebble } from "../e2e/pebble";
import { takePort } from "../e2e/stack";
import { until } from "../e2e/until";

const name = "shop.example.test";
const certificates = "/data/certificates";
const user = "10000:10000";
const lifetimeSeconds = 30;

describe("lego and the tests' certificate authority", function () {
  this.timeout(300_000);
  const web = `e2e-webroot-${process.pid}`;
  const volumes = ["webroot", "data"].flatMap((volume) => ["--volume", `${web}-${volume}:/${volume}`]);
  const httpPort = takePort();
  let pebble: Pebble;
  let images: Awaited<ReturnType<typeof baseImages>>;

  /** Runs lego to its end, with the rights that it needs and no more. */
  async function lego(...args: string[]): Promise<DockerResult> {
    const options = ["--rm", "--user", user, "--read-only", "--cap-drop", "ALL", "--tmpfs", "/tmp", ...volumes];
    const withAuthority = 'echo "$CA" >/tmp/ca.pem && LEGO_CA_CERTIFICATES=/tmp/ca.pem exec /lego "$@"';
    const shell = ["--entrypoint", "sh", images.legoImage, "-c", withAuthority, "lego"];
    const account = ["--path", "/data", "--server", pebble.directoryUrl, "--accept-tos", "--email", "a@example.test"];
    const challenge = ["--http", "--http.webroot", "/webroot"];
    const ca = `CA=${await pebble.caCertificate()}`;
    return tryDocker("run", ...options, "--env", ca, ...shell, ...account, ...challenge, ...args);
  }
  const renew = (...when: string[]) => lego("--domains", name, "renew", "--ari-disable", "--no-random-sleep", ...when);
  const file = (path: string) => docker("exec", web, "cat", path);
  const certificate = async () => new X509Certificate(await file(`${certificates}/${name}.crt`));
  const ok = ({ code, stderr }: DockerResult) => assert.equal(code, 0, stderr);

  before(async () => {
    images = await baseImages();
    const serve = `chown ${user} /webroot /data && exec python -m http.server --directory /webroot 8000`;
    const published = ["--publish", `127.0.0.1:${httpPort}:8000`];
    await docker("run", "--detach", "--name", web, ...published, ...volumes, images.pythonImage, "sh", "-c", serve);
    pebble = await Pebble.create({ httpPort, lifetimeSeconds, refused: ["refused.example.test"] });
    await until("the webroot is served", 20, () => fetch(`http://127.0.0.1:${httpPort}`).catch(() => undefined));
  });
  after(async () => {
    await pebble?.remove();
    await tryDocker("rm", "--force", web);
    await tryDocker("volume", "rm", `${web}-webroot`, `${web}-data`);
  });

  it("make a certificate of the authority's root, with its key, for as long as wanted", async () => {
    ok(await lego("--domains", name, "run"));
    assert.ok((await pebble.log()).includes(`w/ HTTP: http://${name}:${httpPort}/.well-known/acme-challenge/`));
    const leaf = await certificate();
    assert.equal(leaf.subjectAltName, `DNS:${name}`);
    assert.equal(Date.parse(leaf.validTo) - Date.parse(leaf.validFrom), (lifetimeSeconds - 1) * 1000);
    assert.ok(leaf.checkPrivateKey(createPrivateKey(await file(`${certificates}/${name}.key`))));
    const issuer = new X509Certificate(await file(`${certificates}/${name}.issuer.crt`));
    assert.ok(leaf.verify(issuer.publicKey));
    assert.ok(issuer.verify(new X509Certificate(await pebble.root()).publicKey));
  });

  it("renew it when half of its time is over, and not before", async () => {
    const first = await certificate();
    const half = (Date.parse(first.validFrom) + Date.parse(first.validTo)) / 2;
    const second = await until("the certificate is renewed", 60, async () => {
      const asked = Date.now();
      ok(await renew("--dynamic"));
      const current = await certificate();
      if (current.serialNumber !== first.serialNumber) return current;
      assert.ok(asked < half, `nothing happened ${asked - half} ms after half of its time`);
      return undefined;
    });
    // Its times are whole seconds, rounded down.
    assert.ok(Date.parse(second.validFrom) + 1000 > half, `from ${second.validFrom}`);
  });

  it("make none for a name that is refused, and leave the others' files", async () => {
    const { serialNumber } = await certificate();
    const { code, stderr } = await lego("--domains", name, "--domains", "refused.example.test", "run");
    assert.equal(code, 1);
    assert.match(stderr, /rejectedIdentifier :: .*refused\.example\.test is a forbidden domain/);
    assert.equal((await certificate()).serialNumber, serialNumber);
  });

  it("know each other again after the authority was away", async () => {
    const { serialNumber } = await certificate();
    await pebble.stop();
    await assert.rejects(fetch(pebble.directoryUrl), ({ cause }: Error) => (cause as { code: string }).code === "ECONNREFUSED"); // prettier-ignore
    await pebble.start();
    ok(await renew("--days", "1"));
    assert.notEqual((await certificate()).serialNumber, serialNumber);
  });

  it("know nothing of each other after it was killed", async () => {
    const root = await pebble.root();
    await pebble.kill();
    await pebble.start();
    assert.notEqual(await pebble.root(), root);
    const { code, stderr } = await renew("--days", "1");
    assert.equal(code, 1);
    assert.match(stderr, /accountDoesNotExist/);
  });
});
