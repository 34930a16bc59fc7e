import assert from "node:assert/strict";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { get as getPlain, type IncomingMessage } from "node:http";
import { get } from "node:https";
import { join } from "node:path";
import { docker, tryDocker } from "../../rollout/docker";
import { projectRoot } from "../../scripts/setup/project";
import { spread } from "../../scripts/spread";
import { authority, certificateOf } from "../certificates";
import { baseImages } from "../machine";
import { readSitesPage, rowsOf, type SitesPage } from "../sites-page";
import { handshake } from "../e2e/handshake";
import { TestStack, takePort } from "../e2e/stack";
import { until } from "../e2e/until";

const images = [
  ["shop", "registry.example/shop:1.4"],
  ["api", "registry.example/api:2.0"],
] as const;

describe("docs/sites.md, step by step", function () {
  this.timeout(1_200_000);
  const web = `e2e-web-${process.pid}`;
  /** What takes the place of the page's ports, and of its names that others on this host may have. */
  const ports: Record<string, number> = { 80: takePort(), 443: takePort(), 8080: takePort(), 8443: takePort() };
  let stack: TestStack;
  let page: SitesPage;
  let ca: string;
  let curlImage: string;

  const here = (text: string) =>
    text
      .replaceAll("../", `${stack.folder}/`)
      .replaceAll("web_", `${web}_`)
      .replace(/\b(?:80|443|8080|8443)\b/g, (port) => String(ports[port]));

  before(async () => {
    page = readSitesPage();
    stack = await TestStack.create("sites-page", { port: undefined, drainSeconds: 4 });
    const source = join(projectRoot, "test", "fixtures", "site");
    const { pythonImage, nginxImage } = await baseImages();
    curlImage = nginxImage;
    const build = ["build", "--quiet", "--build-arg", `PYTHON_IMAGE=${pythonImage}`, source];
    for (const [name, image] of images) await docker(...build, "--build-arg", `NAME=${name}`, "--tag", image);
    await cp(source, join(stack.folder, "blog"), { recursive: true });
    await makeCertificates(join(stack.folder, "certificates"));
    await composeUp();
    const config = await readFile(stack.configFile, "utf8");
    await writeFile(stack.configFile, config.replace("config:\n", here(page.config)));
  });
  after(async () => {
    await stack?.remove();
    await tryDocker("rm", "--force", "--volumes", `${web}-db-1`, `${web}-proxy-1`);
    await tryDocker("network", "rm", `${web}_data`);
    await tryDocker("volume", "rm", `${web}_media`);
    await tryDocker("rmi", ...images.map(([, image]) => image));
  });

  async function makeCertificates(folder: string): Promise<void> {
    const root = await authority("an authority of one's own");
    ca = root.certificate;
    await mkdir(folder);
    await writeFile(join(folder, "ca.pem"), ca);
    for (const [file, names] of [
      ["shop", ["shop.example", "www.shop.example", "old-shop.example"]],
      ["blog", ["blog.example", "*.blog.example"]],
    ] as const) {
      const { certificate, key } = await certificateOf(names, root);
      await writeFile(join(folder, `${file}.crt`), `${certificate}\n${ca}\n`);
      await writeFile(join(folder, `${file}.key`), key);
    }
  }

  /** What the page's compose file has besides the apps, as Compose makes it: network, volume, database, and a proxy. */
  async function composeUp(): Promise<void> {
    const [[, image]] = images;
    await docker("network", "create", `${web}_data`);
    await docker("volume", "create", `${web}_media`);
    const filling = ["--user", "0", "--volume", `${web}_media:/media`, image, "sh", "-c", "echo logo >/media/logo.txt"];
    await docker("run", "--rm", ...filling);
    const joined = ["--network", `${web}_data`, "--network-alias", "db"];
    await docker("run", "--detach", "--name", `${web}-db-1`, ...joined, image, "python3", "db.py");
    const published = [80, 443].flatMap((port) => ["--publish", `0.0.0.0:${ports[port]}:8000`]);
    const server = ["python3", "-m", "http.server", "8000"];
    await docker("run", "--detach", "--name", `${web}-proxy-1`, ...published, image, ...server);
    await until("the old proxy answers", 20, async () => (await plain(80).catch(() => undefined))?.statusCode === 200);
  }

  /** Does what a reader of the page does, and gives what is to be seen. */
  async function perform(command: string): Promise<string> {
    const args = here(command).split(" ");
    if (command.startsWith("npx pulumi ")) return stack.engineOk(...args.slice(2));
    if (command === "npm run up") {
      const { urls, release } = await stack.up();
      return spread(urls, release.topology);
    }
    if (command.startsWith("npm run verify -- ")) {
      const { code, output } = await stack.script("verify", "--config-file", stack.configFile, ...args.slice(4));
      assert.equal(code, 0, output);
      return output;
    }
    if (command.startsWith("curl ")) {
      const trusting = [
        "--volume",
        `${stack.folder}/certificates/ca.pem:/ca.pem:ro`,
        "--env",
        "CURL_CA_BUNDLE=/ca.pem",
      ];
      return docker(
        "run",
        "--rm",
        "--network",
        "host",
        ...trusting,
        "--entrypoint",
        "curl",
        curlImage,
        ...args.slice(1),
      );
    }
    if (command === "docker compose stop proxy") return docker("stop", "--time", "1", `${web}-proxy-1`);
    throw new Error(`${command}: nothing here that does it`);
  }

  const asked = (start: (answered: (answer: IncomingMessage) => void) => ReturnType<typeof get>) =>
    new Promise<IncomingMessage>((resolve, reject) => void start(resolve).on("error", reject));
  const plain = (port: number, host = "localhost", path = "/") =>
    asked((answered) =>
      getPlain({ host: "127.0.0.1", port: ports[port], path, headers: { Host: host }, agent: false }, answered),
    );
  /** Asks with TLS; what the stand-in tells, or the status and where the client is sent. */
  const secure = async (port: number, host: string, path = "/"): Promise<Record<string, unknown>> => {
    const where = { host: "127.0.0.1", port: ports[port], path, agent: false, ca };
    const answer = await asked((answered) => get({ ...where, servername: host, headers: { Host: host } }, answered));
    if (answer.statusCode !== 200) return { status: answer.statusCode, location: answer.headers.location };
    let body = "";
    for await (const chunk of answer.setEncoding("utf8")) body += chunk;
    return JSON.parse(body) as Record<string, unknown>;
  };

  it("has the steps that are taken here", () => {
    assert.deepEqual(
      page.steps.map((commands) => commands.map((command) => command.split(" ").slice(0, 3).join(" "))),
      [
        ["docker login registry.example"],
        ["npx pulumi config", "npx pulumi config", "npm run up", "curl --resolve shop.example:8443:127.0.0.1"],
        ["npm run verify"],
        ["docker compose stop", "npx pulumi config", "npx pulumi config", "npm run up"],
      ],
    );
  });

  it("brings the apps up beside the old proxy", async () => {
    const seen: string[] = [];
    for (const command of page.steps[1] ?? []) seen.push(await perform(command));
    const [, , answers = "", answer = ""] = seen;
    assert.match(answers, new RegExp(`answer to GET https://shop\\.example:${ports[8443]}/ \\(20 requests\\)`));
    assert.match(answers, /│ 200 \{"app": "shop", "path": "\/", .*│ +20 │/);
    assert.deepEqual(JSON.parse(answer), { app: "shop", path: "/", scheme: "https" });
    assert.equal((await plain(80)).statusCode, 200, "the old proxy still answers");
  });

  it("gives the shop what it had in Compose", async () => {
    assert.deepEqual(await secure(8443, "shop.example", "/reached"), {
      ...{ app: "shop", path: "/reached", scheme: "https" },
      ...{ database: "the database", media: "logo\n", user: "1000:1000" },
      ...{ "media, written": "OSError", "cache, written": 4 },
    });
    assert.equal((await secure(8443, "shop.example", "/api/reached"))["database"], "the database");
    assert.notEqual((await secure(8443, "blog.example", "/reached"))["database"], "the database");
  });

  it("shows in the status who answers what, and it is so", async () => {
    const { code, output } = await stack.script("status");
    assert.equal(code, 0, output);
    const [, sites = ""] = output.split(/^(?=┌)/m).slice(1);
    const shown = rowsOf(sites).map((row) => row.map((cell) => cell.replace(/-[0-9a-f]{10}\b/g, "-...")));
    assert.deepEqual(shown, page.status);
    for (const [host, path, app, got] of [
      ["shop.example", "/a?b=c", "shop", "/a?b=c"],
      ["www.shop.example", "/", "shop", "/"],
      ["shop.example", "/api/orders", "api", "/orders"],
      ["www.shop.example", "/api", "api", "/"],
      ["shop.example", "/apis", "shop", "/apis"],
      ["blog.example", "/api/orders", "blog", "/api/orders"],
      ["a.blog.example", "/", "blog", "/"],
    ] as const)
      assert.deepEqual(await secure(8443, host, path), { app, path: got, scheme: "https" }, host + path);
    assert.equal((await plain(8080, "other.example")).statusCode, 421);
    await assert.rejects(handshake({ port: ports[8443] ?? 0, servername: "other.example", ca }), /unrecognized name/);
  });

  it("loses no request", async () => {
    const output = await perform(page.steps[2]?.[0] ?? "");
    assert.match(output, /^Verified: 0 of \d+ requests lost\.$/m);
  });

  it("takes the old proxy's place", async () => {
    for (const command of page.steps[3] ?? []) await perform(command);
    assert.equal((await secure(443, "shop.example"))["app"], "shop");
    const to = (host: string, path: string) => ({ status: 308, location: `https://${host}:${ports[443]}${path}` });
    const sentOn = async (host: string, path: string) => {
      const { statusCode: status, headers } = await plain(80, host, path);
      return { status, location: headers.location };
    };
    assert.deepEqual(await sentOn("a.blog.example", "/a?b=c"), to("a.blog.example", "/a?b=c"));
    assert.deepEqual(await sentOn("old-shop.example", "/a"), to("shop.example", "/a"));
    assert.deepEqual(await secure(443, "old-shop.example", "/a?b=c"), {
      ...to("shop.example", "/a?b=c"),
      location: `https://shop.example/a?b=c`,
    });
    await stack.engineOk("preview", "--expect-no-changes");
  });
});
