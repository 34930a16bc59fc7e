import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Socket } from "node:net";
import { parseSettings } from "../../../model/settings";
import { docker, tryDocker } from "../../../rollout/docker";
import { listenPort } from "../../../model/layout";
import { busyness, until } from "../../e2e/until";
import { CertifiedHost } from "../certified";
import { Rig } from "../rig";
import { answersIn, gathered } from "./answers";
import { heardIn } from "./frames";
import { haproxyConfig } from "./haproxy";
import { ambiguities, recordedAt, told, type Recorded } from "./recorded";
import { message, type Row, type Section } from "./row";

/** What has come of a row. */
export interface Outcome {
  readonly gets: string;
  readonly out: readonly string[];
  /** What the backends got, byte for byte. */
  readonly requests: readonly Recorded[];
  /** What is wrong with that, whatever the client has sent; or with what others got after it. */
  readonly problems: readonly string[];
  /** How many requests of others have used a connection that the row's have used. */
  readonly shared: number;
}

type Protocol = Section["protocol"];

/** Milliseconds without a byte after which nothing is awaited, nothing more after something, and after what was expected; on a busy machine as much longer, at most. */
const patience = { nothing: 500, more: 500, expected: 40, most: 3 };
/** The same of a proxy of which nothing is expected. */
const impatience = { nothing: 500, more: 150, expected: 40, most: 1 };

/** Paths by which others ask each backend. */
const others = ["/innocent", "/api/innocent"];

/** nginx with the product's configuration before two backends that record what they get, and, on demand, HAProxy before the same. */
export class HostileLab {
  private marks = 0;
  private usual: string[] = [];
  private address = "";
  private patience = patience;

  private constructor(
    private readonly host: CertifiedHost,
    private readonly rig: Rig,
    private readonly backends: readonly string[],
  ) {
    this.address = rig.host;
  }

  static async create(): Promise<HostileLab> {
    const host = await CertifiedHost.create();
    const apps = JSON.stringify([
      { name: "rest", path: "rest" },
      { name: "api", path: "api", paths: ["/api"], stripPrefix: true },
    ]);
    const settings = parseSettings({ apps, backendCount: "2" }, { isApp: () => true });
    const rig = await Rig.create(
      "hostile",
      2,
      { apps: settings.apps, tls: host.settings() },
      { program: "recorder.py", workers: 1 },
    ).catch(async (error: unknown) => {
      await host.remove();
      throw error;
    });
    return new HostileLab(host, rig, await Promise.all(rig.backends.map(addressOf)));
  }

  async remove(): Promise<void> {
    await this.rig.remove();
    await this.host.remove();
  }

  /** Runs HAProxy before the same backends while `work` does, and asks that one in place of nginx. */
  async besideHaproxy<T>(image: string, work: () => Promise<T>): Promise<T> {
    const folder = await mkdtemp(join(tmpdir(), "nlb-haproxy-"));
    const name = `${this.rig.name}-haproxy`;
    const ours = this.address;
    try {
      const files = this.host.settings().certificates.flatMap((one) => [one.certificateFile, one.privateKeyFile]);
      await writeFile(join(folder, "tls.pem"), (await Promise.all(files.map((file) => readFile(file)))).join("\n"));
      await writeFile(join(folder, "haproxy.cfg"), haproxyConfig(this.rig.backends));
      await docker("run", "--detach", "--name", name, "--network", this.rig.name, "--volume", `${folder}:/conf:ro`, image, "haproxy", "-f", "/conf/haproxy.cfg"); // prettier-ignore
      this.address = await addressOf(name);
      this.usual = [];
      this.patience = impatience;
      await until("HAProxy answers", 10, async () => /^200/.test(await this.ask("/").catch(() => "")));
      return await work();
    } finally {
      this.address = ours;
      this.patience = patience;
      this.usual = [];
      await tryDocker("rm", "--force", "--volumes", name);
      await rm(folder, { recursive: true });
    }
  }

  /** Sends a row, and others' requests while its connection is open and after it. */
  async send(protocol: Protocol, { raw, gets: expected }: Row): Promise<Outcome> {
    if (this.usual.length === 0) this.usual = (await this.innocents()).got;
    await this.recorded();
    const { socket, gets } = await this.say(protocol, raw, expected);
    const { requests, strays } = await this.recorded();
    const during = await this.innocents();
    socket.destroy();
    const after = await this.innocents();
    const problems = [
      ...requests.flatMap(ambiguities),
      ...strays.map((stray) => `no request: ${JSON.stringify(stray.slice(0, 200))}`),
      ...[during, after].flatMap(({ got, more }) => [
        ...got.flatMap((one, at) => (one === this.usual[at] ? [] : `another's: ${one}`)),
        ...more.map((one) => `late: ${JSON.stringify(one.slice(0, 200))}`),
      ]),
    ];
    const used = new Set(requests.map(({ connection }) => connection));
    const shared = [...during.connections, ...after.connections].filter((connection) => used.has(connection)).length;
    return { gets, out: requests.map(told), requests, problems, shared };
  }

  /** Requests of somebody else, one for each backend: what came of each, and what else the backends have got. */
  private async innocents() {
    const marks = others.map(() => `mark-${++this.marks}.`);
    const answers: string[] = [];
    for (const [at, path] of others.entries()) answers.push(await this.ask(path, `X-Mark: ${marks[at]}`));
    const { requests, strays } = await this.recorded();
    const theirs = marks.map((mark) =>
      requests.filter(({ head }) => head.toLowerCase().includes(`\r\nx-mark: ${mark}\r\n`)),
    );
    const got = theirs.map((own, at) =>
      [answers[at], ...own.map(({ head, body }) => `${head}${body}`)].join("\n").replaceAll(marks[at] ?? "", "mark"),
    );
    const known = theirs.flat();
    const more = [...strays, ...requests.filter((request) => !known.includes(request)).map(told)];
    const isWhole = theirs.every(({ length }, at) => length === 1 && answers[at]?.startsWith(`200 ${marks[at]} GET `));
    if (!isWhole)
      more.push(`others got ${answers}, and backends ${theirs.map(({ length }) => length)} requests of theirs`);
    return { got, more, connections: known.map(({ connection }) => connection) };
  }

  /** A request on a connection of its own: the answer's status, mark and body. */
  private async ask(path: string, ...headers: readonly string[]): Promise<string> {
    const raw = message([`GET ${path} HTTP/1.1`, "Host: shop.example", "Connection: close", ...headers]);
    const { socket, bytes } = await this.say("http/1.1", raw, "200 closed");
    socket.destroy();
    return answersIn(bytes)
      .map(({ status, head, body }) => [status, /^x-mark: (.*)$/im.exec(head)?.[1], body].join(" "))
      .join(", ");
  }

  /** What all backends have got since they were asked last. */
  private async recorded() {
    const reports = await Promise.all(this.backends.map(recordedAt));
    const requests = reports.flatMap((report, at) =>
      report.requests.map((one) => ({ ...one, connection: `${at}.${one.connection}` })),
    );
    return { requests, strays: reports.flatMap(({ strays }) => strays) };
  }

  /** Sends bytes and takes what comes, until the connection ends, or what was expected has come and no more, or nothing comes. */
  private async say(protocol: Protocol, raw: string, expected: string) {
    const socket = await this.open(protocol);
    let bytes = Buffer.alloc(0);
    let isClosed = false;
    let last = performance.now();
    const close = () => (isClosed = true);
    socket.on("data", (more: Buffer) => {
      bytes = Buffer.concat([bytes, more]);
      last = performance.now();
    });
    socket.on("end", close).on("close", close).on("error", close);
    socket.write(Buffer.from(raw, "latin1"));
    for (;;) {
      const heard = protocol === "h2" ? heardIn(bytes) : answersIn(bytes).map(({ status }) => status);
      const gets = gathered([...heard, ...(isClosed ? ["closed"] : [])]) || "nothing";
      const quiet = performance.now() - last;
      const isExpected = expected.split(" or ").includes(gets) && gets !== "nothing";
      const { nothing, more, expected: enough, most } = this.patience;
      const bound = isExpected ? enough : heard.length > 0 ? more : nothing;
      if (isClosed || quiet > bound * Math.min(most, busyness())) return { socket, bytes, gets };
      await pause(5);
    }
  }

  private async open(protocol: Protocol): Promise<Socket> {
    if (protocol === "h2") {
      const plain = await this.host.connect(this.address);
      return this.host.handshake(plain, "h2");
    }
    return this.host.connect(this.address, listenPort);
  }
}

async function addressOf(container: string): Promise<string> {
  const format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
  return (await docker("inspect", "--format", format, container)).trim();
}
