import { setTimeout as pause } from "node:timers/promises";
import { assertBalanced } from "../../load";
import { addTally, emptyTally, lostOf, type Account, type Tally } from "../../../scripts/load/books";
import { startLoad, type Load, type Profile } from "../../../scripts/load/load";

export const apps = ["alpha", "beta"] as const;
export type App = (typeof apps)[number];
export const hostOf = (app: App) => `${app}.example`;

/** The two addresses, and whom to trust at the second one. */
export interface Doors {
  readonly plain: string;
  readonly tls: string;
  readonly ca: string;
}

/** What became of the requests of a stretch of time. */
export interface Stretch {
  readonly sent: number;
  readonly lost: number;
  /** The longest time in which an app gave no right answer at one of the two ports, in milliseconds. */
  readonly longestGap: number;
  /** The longest time that a right answer took, in milliseconds. */
  readonly max: number;
  readonly byProfile: Readonly<Record<string, Readonly<Tally>>>;
  readonly byReason: Readonly<Record<string, number>>;
}

/** Requests at the same time of a client that keeps its connection by HTTP/2. */
const streams = 2;

/** Requests under way to one app, at most: GET as many as POST. */
export const inFlight = { GET: 5 + streams, POST: 5 + streams };

/** One app's clients at one port: GET and POST, each on kept connections and on a new one for each request. */
function profilesOf(app: App, label: string, more: Partial<Profile>): Profile[] {
  let number = 0;
  const about = (method: "GET" | "POST"): Pick<Profile, "method" | "check" | "host" | "clients"> => ({
    method,
    host: hostOf(app),
    clients: 1,
    check: ({ status, headers, body }, sent) => {
      const version = headers["x-version"];
      if (status !== 200) return `${method} ${status} by ${version === undefined ? "nginx" : "the app"}`;
      if (!String(version).startsWith(app)) return `${method} misrouted: answered by ${version ?? "nobody"}`;
      return sent === undefined || sent === body ? undefined : `${method} misrouted: the body of another one`;
    },
  });
  const body = () => `${++number} ${"x".repeat(number % 2000)}`;
  const several = more.protocol === "http/2" ? streams : 1;
  const kept = { keepAlive: true, pauseMilliseconds: 20, streams: several };
  const fresh = { keepAlive: false, pauseMilliseconds: 50 };
  // Those that last a while are under way when something happens.
  const [get, post] = [{ path: "/slow?seconds=0.05" }, { path: "/echo?seconds=0.1", body }];
  return [
    { ...about("GET"), ...kept, ...get, ...more, name: `GET kept ${label} ${app}` },
    { ...about("GET"), ...fresh, path: "/", ...more, name: `GET new ${label} ${app}` },
    { ...about("POST"), ...kept, ...post, ...more, name: `POST kept ${label} ${app}` },
    { ...about("POST"), ...fresh, ...post, ...more, name: `POST new ${label} ${app}` },
  ];
}

/** HTTP/1.1, and with TLS HTTP/1.1 and HTTP/2, each in four ways. */
const kindsOfRequests = apps.length * 3 * 4;

const start = (url: string, profiles: Profile[], ca?: string): Load =>
  startLoad({ url, profiles, maxSeconds: 14_400, timeoutSeconds: 20, ...(ca !== undefined && { ca }) });

/** Both apps asked at both ports, GET and POST, on kept and on new connections, by HTTP/1.1, and by HTTP/2 with TLS. */
export class TableLoad {
  private plain: readonly Load[];
  private readonly secure: readonly Load[];
  private moved: readonly Load[] = [];

  constructor({ plain, tls, ca }: Doors) {
    this.plain = this.startPlain(plain);
    this.secure = apps.map((app) => {
      const profiles = [
        ...profilesOf(app, "TLS HTTP/1.1", {}),
        ...profilesOf(app, "TLS HTTP/2", { protocol: "http/2" }),
      ];
      return start(tls, profiles, ca);
    });
  }

  /** Has the clients of the plain port ask at another address, each after its request. */
  async move(url: string): Promise<void> {
    const before = this.plain;
    this.plain = this.startPlain(url);
    this.moved = [...this.moved, ...before];
    await Promise.all(before.map((load) => load.stop()));
  }

  /** Closes the books, and opens new ones. */
  mark(): Stretch {
    const accounts = [...this.plain, ...this.secure, ...this.moved].map((load) => load.mark());
    this.moved = [];
    return sumOf(accounts);
  }

  /** Waits until each kind of request has been answered so many times more: what was under way before has ended by then. */
  async answered(seconds: number, times = 3): Promise<boolean> {
    const loads = [...this.plain, ...this.secure];
    const counts = () => loads.flatMap((load) => Object.values(load.total().byProfile).map(({ answered }) => answered));
    const before = counts();
    const end = performance.now() + seconds * 1000;
    for (;;) {
      const now = counts();
      if (now.length >= kindsOfRequests && now.every((count, at) => count >= (before[at] ?? 0) + times)) return true;
      if (performance.now() > end) return false;
      await pause(100);
    }
  }

  /** Whether each kind of request is answered, in books of its own. */
  async steady(seconds: number): Promise<Stretch> {
    this.mark();
    const isAnswered = await this.answered(seconds);
    const stretch = this.mark();
    if (isAnswered) return stretch;
    return { ...stretch, byReason: { ...stretch.byReason, "kind of request or more is not answered": 1 } };
  }

  async stop(): Promise<void> {
    await Promise.all([...this.plain, ...this.secure].map((load) => load.stop({ graceSeconds: 0 })));
  }

  private startPlain(url: string): Load[] {
    return apps.map((app) => start(url, profilesOf(app, "HTTP/1.1", {})));
  }
}

function sumOf(accounts: readonly Account[]): Stretch {
  const byProfile: Record<string, Tally> = {};
  const byReason: Record<string, number> = {};
  for (const account of accounts) {
    for (const [name, tally] of Object.entries(account.byProfile)) addTally((byProfile[name] ??= emptyTally()), tally);
    for (const [reason, count] of Object.entries(account.byReason)) byReason[reason] = (byReason[reason] ?? 0) + count;
    assertBalanced(account);
  }
  const tallies = Object.values(byProfile);
  return {
    sent: tallies.reduce((sum, tally) => sum + tally.sent, 0),
    lost: tallies.reduce((sum, tally) => sum + lostOf(tally), 0),
    longestGap: Math.max(...accounts.map(({ longestGap }) => longestGap)),
    max: Math.max(...accounts.map(({ max }) => max)),
    byProfile,
    byReason,
  };
}
