import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { volumeFolder } from "../../model/layout";
import { docker, tryDocker } from "../../rollout/docker";
import type { Load } from "../../scripts/load/load";
import { readStatus } from "../../scripts/status";
import { assertNoneLost } from "./books";
import { DerivedImages } from "./derived-images";
import { takePort } from "./stack";
import { TlsStack } from "./tls-stack";
import { until } from "./until";

const asked = { "shop.example": "shop", "blog.example": "blog", "rest.example": "rest" };

describe("TLS under load", function () {
  this.timeout(600_000);
  let own: TlsStack;
  let plain: Load;
  let secure: Load;
  const keys: string[] = [];
  const images = new DerivedImages("tls");

  const shop = { hosts: ["shop.example"] };
  const blog = { hosts: ["blog.example", "*.blog.example"] };
  const api = { hosts: ["api.example"] };
  /** What all tests begin with, and go back to. */
  const apps = () => [own.app("shop", shop), own.app("blog", blog), own.app("rest")];
  const tls = (more: object = {}) => ({
    port: own.port,
    redirect: false,
    certificates: ["shop", "shop-rsa", "blog", "rest"].map((name) => own.files(name)),
    ...more,
  });
  const answerOf = async (host: string, path = "/") => {
    const { status, version } = await own.ask(host, { path });
    return `${status} ${version}`;
  };
  const assertAllAnswered = () => {
    for (const load of [plain, secure]) assertNoneLost(load.mark());
  };
  const change = async (config: Record<string, unknown>) => {
    await own.up(config);
    assertAllAnswered();
  };
  const inBalancer = async (command: string) => {
    const { balancer } = await own.stack.containers();
    return (await docker("exec", balancer?.id ?? "", "sh", "-c", command)).trim();
  };
  const assertKeysAreClosed = async () => {
    const listed = (await inBalancer(`find ${volumeFolder} /tmp -name '*.key' -exec stat -c '%a %u %n' {} +`)).split(
      "\n",
    );
    assert.ok(listed.length >= 4);
    for (const line of listed) assert.ok(line.startsWith(`600 10001 ${volumeFolder}/releases/`), line);
  };

  before(async () => {
    own = await TlsStack.create("tls", ["shop", "blog", "rest", "api"]);
    keys.push(await own.certify("shop", ["shop.example"]), await own.certify("shop-rsa", ["shop.example"], "rsa"));
    keys.push(await own.certify("blog", ["blog.example", "*.blog.example"]));
    keys.push(await own.certify("rest", ["rest.example", "api.example"]));
    await own.up({ apps: apps() });
    plain = own.load({ "shop.example": "shop" }, { isTls: false });
  });
  after(async () => {
    own?.sayFigures();
    await own?.remove();
    await images.remove();
  });

  it("comes beside the plain port", async () => {
    await own.up({ tls: tls() });
    assertNoneLost(plain.mark());
    secure = own.load(asked);
    await own.stack.engineOk("preview", "--expect-no-changes");
    const hosts = ["shop.example", "a.blog.example", "rest.example", "api.example"];
    assert.deepEqual(await Promise.all(hosts.map((host) => answerOf(host))), [
      ...["200 shop", "200 blog", "200 rest", "200 rest"],
    ]);
    for (const host of hosts) {
      const { protocol, alpn } = await own.seenBy(host);
      assert.deepEqual([protocol, alpn], ["TLSv1.3", "h2"]);
    }
  });

  it("refuses the handshake for unknown names and for none, and requests for another name than the handshake's", async () => {
    for (const name of ["other.example", undefined]) await assert.rejects(own.seenBy(name), /alert/i, String(name));
    for (const protocol of ["http/1.1", "http/2"] as const)
      for (const host of ["other.example", "127.0.0.1"]) {
        const { status, version } = await own.ask("shop.example", { host, protocol });
        assert.deepEqual([status, version], [421, "nginx"], `${protocol} ${host}`);
      }
  });

  it("takes a request without a name, as HTTP/1.0 may have it, for nobody's", async () => {
    const first = async (...lines: string[]) => (await own.raw("blog.example", ...lines)).split("\r\n")[0];
    assert.equal(await first("GET / HTTP/1.0", "Host: blog.example"), "HTTP/1.1 200 OK");
    assert.equal(await first("GET / HTTP/1.0"), "HTTP/1.1 421 Misdirected Request");
    assert.equal(await first("GET / HTTP/1.0", "Host:"), "HTTP/1.1 400 Bad Request");
  });

  it("has its keys on the volume, for nginx alone, and nowhere else", async () => {
    // A line from the middle of each, as PEM has it, and as base64 has that.
    const secrets = keys.flatMap((key) => {
      const line = key.split("\n")[1] ?? "";
      assert.ok(line.length >= 60);
      return [line.slice(-40), Buffer.from(key).toString("base64").slice(100, 140)];
    });
    const assertNone = (text: string, where: string) =>
      assert.ok(text.length > 0 && !secrets.some((secret) => text.includes(secret)), where);
    await own.write("shop", "shop of a preview");
    assertNone(await own.stack.engineOk("preview", "--diff"), "preview");
    await own.write("shop", "shop");
    assertNone(await own.stack.engineOk("stack", "export", "--show-secrets"), "state");
    const files = own.stack.stateFiles().filter((path) => path.endsWith(".json"));
    assert.ok(files.length > 0);
    for (const file of files) assertNone(readFileSync(join(own.stack.folder, file), "utf8"), file);
    const { balancer, entry, backends } = await own.stack.containers();
    for (const { id, image } of [balancer, entry, ...backends].flatMap((one) => one ?? [])) {
      const { stdout, stderr } = await tryDocker("logs", id);
      assertNone(`logs\n${stdout}${stderr}`, "logs");
      assertNone(await docker("inspect", id), "container");
      assertNone(await docker("history", "--no-trunc", image), "image's history");
    }
    // A line of start.sh is sought, too: the search works.
    const sought = ["Takes the sockets that the entries keep", ...secrets].map((text) => `-e '${text}'`).join(" ");
    const search = `grep -rlF --exclude-dir=proc --exclude-dir=sys ${sought} / 2>/dev/null`;
    const found = await tryDocker("run", "--rm", "--user", "0", balancer?.image ?? "", "sh", "-c", search);
    assert.equal(found.stdout, "/etc/nginx/start.sh\n");
    await assertKeysAreClosed();
  });

  it("adds a site, and splits a path off", async () => {
    await change({ apps: [...apps(), own.app("api", api)] });
    assert.equal(await answerOf("api.example"), "200 api");
    const split = own.app("api", { hosts: ["shop.example"], paths: ["/api"], stripPrefix: true });
    await change({ apps: [...apps(), split] });
    assert.deepEqual([await answerOf("shop.example", "/api/"), await answerOf("api.example")], ["200 api", "200 rest"]);
  });

  it("removes a site, moves a route to another app, and rolls an image", async () => {
    await change({ apps: apps() });
    assert.deepEqual(
      [await answerOf("shop.example", "/api/"), await answerOf("api.example")],
      ["404 shop", "200 rest"],
    );
    await own.write("api", "shop of another app");
    await own.write("blog", "blog 2");
    const moved = [own.app("shop", { hosts: ["api.example"] }), own.app("blog", blog), own.app("rest")];
    await change({ apps: [...moved, own.app("api", shop)] });
    assert.deepEqual(await Promise.all(["shop.example", "api.example", "blog.example"].map((host) => answerOf(host))), [
      "200 shop of another app",
      "200 shop",
      "200 blog 2",
    ]);
  });

  it("shows another certificate to new connections, and leaves open ones what they are", async () => {
    const { certificate, session } = await own.seenBy("shop.example", undefined, 2000);
    const other = await own.seenBy("rest.example", undefined, 2000);
    keys.push(await own.certify("shop", ["shop.example"]));
    assert.match(await own.stack.engineOk("preview", "--diff"), /ssl_certificate(?:_key)? shop\.example-/);
    let isOver = false;
    const slow: Promise<{ serial: string; status: number; end: number }>[] = [];
    const ask = async (protocol: "http/1.1" | "http/2") => {
      const { serial, status } = await own.ask("shop.example", { path: "/slow?seconds=2", protocol });
      return { serial, status, end: performance.now() };
    };
    let last = 0;
    const begun = until("the other certificate is shown", 60, async () => {
      // As many as backends work on at a time: one that waits for its turn may take longer than the drain.
      if (performance.now() - last > 500) {
        last = performance.now();
        slow.push(ask("http/1.1"), ask("http/2"));
      }
      return (await own.seenBy("shop.example")).certificate.serialNumber !== certificate.serialNumber || isOver;
    }).then(() => performance.now());
    await change({ apps: apps() });
    isOver = true;
    const shown = await begun;
    const answers = await Promise.all(slow);
    assert.ok(answers.every(({ status }) => status === 200));
    const older = answers.filter(({ serial, end }) => serial === certificate.serialNumber && end > shown);
    assert.ok(older.length >= 2, `${older.length} of ${answers.length}`);
    assert.notEqual((await own.seenBy("shop.example")).certificate.serialNumber, certificate.serialNumber);
    // Sessions outlive the reload, but for those of a certificate that is gone.
    assert.equal((await own.seenBy("rest.example", other.session)).isResumed, true);
    assert.equal((await own.seenBy("shop.example", session)).isResumed, false);
  });

  it("is not installed with another key than at first looked at, and loses nothing by that", async () => {
    await own.write("api", "api");
    await own.stack.configure({ apps: [...apps(), own.app("api", api)] });
    const run = own.stack.start("up");
    // The image is being built: the program has read the files, and the step that installs has not.
    await until(
      "the update has begun",
      60,
      () => run.hasEnded() || /RemoteImage images-api creating/.test(run.output()),
    );
    await own.certify("blog", ["blog.example", "*.blog.example"]);
    const { code, output } = await run.ended;
    assert.notEqual(code, 0);
    assert.match(
      output,
      /The certificate of blog\.example, \*\.blog\.example or its key is another one than in the preview/,
    );
    assertAllAnswered();
    await change({});
    assert.equal(await answerOf("api.example"), "200 api");
  });

  it("has a key that is deleted or edited on the volume shown by status, and put back by the next update", async () => {
    const inFolder = (command: string) => inBalancer(`cd ${volumeFolder}/current && ${command}`);
    const drift = async () => (await readStatus(own.stack.stackLabel, own.outputs)).drift;
    const before = await inFolder("sha256sum *.key");
    const edited = ["The configuration on the volume was edited."];
    await inFolder("mv shop.example-*.key /tmp");
    assert.deepEqual(await drift(), edited);
    await inFolder("mv /tmp/shop.example-*.key .");
    assert.deepEqual(await drift(), []);
    await inFolder("sed -i 2s/^./-/ rest.example-*.key");
    assert.deepEqual(await drift(), edited);
    await inFolder("rm shop.example-*.key");
    await change({});
    assert.deepEqual([await inFolder("sha256sum *.key"), await drift()], [before, []]);
    await assertKeysAreClosed();
  });

  it("goes on with another balancer, which begins without sessions", async () => {
    const { session } = await own.seenBy("shop.example", undefined, 2000);
    assert.equal((await own.seenBy("shop.example", session)).isResumed, true);
    const before = (await own.stack.containers()).balancer?.id;
    await change({ nginxImage: await images.make((await own.stack.baseImages()).nginxImage) });
    assert.notEqual((await own.stack.containers()).balancer?.id, before);
    assert.equal((await own.seenBy("shop.example", session)).isResumed, false);
  });

  it("moves to another port: both answer, then the old one is closed", async () => {
    const port = takePort();
    await own.stack.configure({ tls: tls({ port }) });
    const update = own.stack.up();
    await until("the new port answers", 60, () =>
      own.ask("shop.example", { port }).then(
        ({ status }) => status === 200,
        () => false,
      ),
    );
    const moved = secure.stop();
    const older = own.port;
    own.port = port;
    secure = own.load(asked);
    own.outputs = await update;
    assertNoneLost(await moved);
    assertAllAnswered();
    await assert.rejects(own.ask("shop.example", { port: older }), /ECONNREFUSED/);
  });

  it("goes away from beside the plain port, and comes back with clients sent on to it", async () => {
    assertNoneLost(await secure.stop(), 0);
    await own.up({ tls: undefined });
    assertNoneLost(await plain.stop());
    await assert.rejects(own.ask("shop.example"), /ECONNREFUSED/);
    await own.up({ tls: tls({ redirect: true }) });
    for (const method of ["GET", "POST"]) {
      const location = `https://shop.example:${own.port}/a%20b?c=/d`;
      assert.deepEqual(await own.askPlain("shop.example", "/a%20b?c=/d", method), {
        status: 308,
        version: "nginx",
        backend: "",
        location,
      });
    }
    assert.equal(await answerOf("shop.example"), "200 shop");
    assert.equal((await own.askPlain("a.blog.example", "/")).location, `https://a.blog.example:${own.port}/`);
  });
});
