import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { connect } from "node:tls";
import type { CertificateFiles } from "../../model/certificates";
import { lostOf } from "../../scripts/load/books";
import { startLoad, type Load, type Profile } from "../../scripts/load/load";
import { authority, certificateOf, type Certified } from "../certificates";
import { askPlain, type AnswerPlain } from "./ask";
import { FixtureApp } from "./app";
import { askTls, type AnswerTls, type AskedTls } from "./ask-tls";
import { handshake, type Handshake } from "./handshake";
import { TestStack, takePort, type Outputs } from "./stack";

/** A stack whose certificates come from files, with what asks it. */
export class TlsStack {
  outputs!: Outputs;
  port = takePort();
  private readonly loads = new Set<Load>();
  private readonly sources = new Map<string, FixtureApp>();

  private constructor(
    readonly stack: TestStack,
    readonly folder: string,
    private readonly authorities: Readonly<Record<"ec" | "rsa", Certified>>,
  ) {}

  /** @param names of apps, each with a source whose version is its name */
  static async create(label: string, names: readonly string[]): Promise<TlsStack> {
    const folder = await mkdtemp(join(tmpdir(), "nlb-tls-"));
    const stack = await TestStack.create(label, { backendCount: 2, drainSeconds: 4, healthTimeoutSeconds: 20 });
    const authorities = { ec: await authority("Root"), rsa: await authority("Root RSA", undefined, { kind: "rsa" }) };
    const own = new TlsStack(stack, folder, authorities);
    for (const name of names) own.sources.set(name, await FixtureApp.create());
    for (const name of names) await own.write(name, name);
    return own;
  }

  async remove(): Promise<void> {
    for (const load of this.loads) await load.stop({ graceSeconds: 0 });
    await this.stack.remove();
    for (const source of this.sources.values()) await source.remove();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** The authorities of all certificates, whom clients trust. */
  get ca(): string {
    return Object.values(this.authorities)
      .map(({ certificate }) => certificate)
      .join("\n");
  }

  app(name: string, more: object = {}): object {
    return { name, path: this.sources.get(name)?.path, count: 2, ...more };
  }

  async write(app: string, version: string): Promise<void> {
    await this.sources.get(app)?.write(version);
  }

  files(name: string): CertificateFiles {
    return { certificateFile: join(this.folder, `${name}.crt`), privateKeyFile: join(this.folder, `${name}.key`) };
  }

  /** Writes a certificate's files, and tells the key. */
  async certify(name: string, hosts: readonly string[], kind: "ec" | "rsa" = "ec"): Promise<string> {
    const by = this.authorities[kind];
    const { certificate, key } = await certificateOf(hosts, by, { kind });
    const { certificateFile, privateKeyFile } = this.files(name);
    await writeFile(certificateFile, `${certificate}\n${by.certificate}`);
    await writeFile(privateKeyFile, key);
    return key;
  }

  async up(config: Record<string, unknown> = {}): Promise<void> {
    await this.stack.configure(config);
    this.outputs = await this.stack.up();
  }

  /** Asks each host over and over, on kept and on fresh connections; an answer of another app's is a lost request. */
  load(apps: Readonly<Record<string, string>>, { isTls = true, port = this.port } = {}): Load {
    const url = isTls ? `https://127.0.0.1:${port}` : this.outputs.url;
    const profiles = Object.entries(apps).flatMap(([host, app]) => profilesOf(host, app, isTls));
    const load = startLoad({ url, ca: this.ca, maxSeconds: 1200, profiles });
    this.loads.add(load);
    return load;
  }

  /** Says what became of all requests, by their kind. */
  sayFigures(): void {
    const kinds = new Map<string, { sent: number; lost: number; movedOn: number }>();
    for (const load of this.loads)
      for (const [name, tally] of Object.entries(load.total().byProfile)) {
        const kind = name.replace(/^\S+ /, "");
        const { sent, lost, movedOn } = kinds.get(kind) ?? { sent: 0, lost: 0, movedOn: 0 };
        kinds.set(kind, {
          sent: sent + tally.sent,
          lost: lost + lostOf(tally),
          movedOn: movedOn + tally.movedOn,
        });
      }
    for (const [kind, { sent, lost, movedOn }] of kinds)
      process.stdout.write(`      ${kind}: ${lost} of ${sent} lost, ${movedOn} moved on\n`);
  }

  async ask(servername: string, more: Partial<AskedTls> = {}): Promise<AnswerTls> {
    return askTls({ port: this.port, ca: this.ca, servername, ...more });
  }

  async seenBy(servername: string | undefined, session?: Buffer, patience?: number): Promise<Handshake> {
    const options = { ...(servername !== undefined && { servername }), ...(session !== undefined && { session }) };
    return handshake({ port: this.port, ca: this.ca, ...options }, patience);
  }

  /** The whole answer to a request whose head is written byte for byte. */
  async raw(servername: string, ...head: readonly string[]): Promise<string> {
    const socket = connect({ host: "127.0.0.1", port: this.port, ca: this.ca, servername });
    // Its own side stays open: nginx takes a client that closes it for gone.
    socket.write(`${[...head, "Connection: close"].join("\r\n")}\r\n\r\n`);
    return text(socket);
  }

  /** Asks the plain port. */
  async askPlain(host: string, path: string, method = "GET"): Promise<AnswerPlain> {
    return askPlain(this.outputs.url, host, { path, method });
  }
}

function profilesOf(host: string, app: string, isTls: boolean): Profile[] {
  let number = 0;
  const isRight: Profile["check"] = ({ status, headers, body }, sent) =>
    status === 200 && String(headers["x-version"]).startsWith(app) && (sent === undefined || body === sent)
      ? undefined
      : `${status} ${headers["x-version"]}, ${body.length} bytes`;
  const get = { host, method: "GET", path: "/", check: isRight, clients: 1 } as const;
  const post = {
    ...get,
    method: "POST",
    path: "/echo",
    body: () => `${++number} ${"x".repeat(number % 2000)}`,
  } as const;
  const kept = { keepAlive: true, pauseMilliseconds: 4 };
  const fresh = { keepAlive: false, pauseMilliseconds: 25 };
  const kinds = (label: string, more: Partial<Profile>, streams = 1): Profile[] => [
    { ...get, ...kept, ...more, streams, name: `${host} ${label} kept GET` },
    { ...post, ...kept, ...more, streams, name: `${host} ${label} kept POST` },
    { ...get, ...fresh, ...more, name: `${host} ${label} fresh GET` },
    { ...post, ...fresh, ...more, name: `${host} ${label} fresh POST` },
    { ...get, ...kept, ...more, streams, path: "/slow?seconds=1", name: `${host} ${label} slow GET` },
  ];
  if (!isTls) return kinds("plain", {});
  return [...kinds("h1", {}), ...kinds("h2", { protocol: "http/2" }, 3)];
}
