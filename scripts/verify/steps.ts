import type { Entrance } from "../entrance";
import type { Profile } from "../load/load";

/** A step of the run: what it does to the stack, while the load goes on. */
export type Step =
  /** Nothing. */
  | { readonly kind: "steady"; readonly name: string }
  /** An update that has to work. */
  | {
      readonly kind: "change";
      readonly name: string;
      /** What differs from the stack's own config, by key. */
      readonly config: Config;
      /** Backends afterwards. */
      readonly backends: number;
      /** Whether no backend of before may be left. */
      readonly replacesAll: boolean;
    }
  /** An update that nginx has to refuse. */
  | { readonly kind: "refusal"; readonly name: string; readonly config: Config; readonly words: string }
  /** An update that makes the balancer's container anew. */
  | { readonly kind: "replacement"; readonly name: string; readonly config: Config }
  /** A backend that dies. */
  | { readonly kind: "kill"; readonly name: string }
  /** An update to what there was before. */
  | { readonly kind: "restore"; readonly name: string };

export type Config = Readonly<Record<string, string>>;

const mostBackends = 200;
const directive = "refused_by_verify";

/**
 * The steps for a stack of so many backends. The config of each step is a difference from the stack's own.
 *
 * @param shared how many of them `backendCount` counts; 0 where no app shares any: then nothing is scaled
 * @param revision a value of the config key `revision` that the stack doesn't have
 */
export function planSteps(backends: number, shared: number, revision: string): Step[] {
  const more = shared + 2 <= mostBackends ? 2 : -2;
  const names = more > 0 ? ["scale up", "scale down"] : ["scale down", "scale up"];
  const config = { backendCount: String(shared + more) };
  const scaling: Step[] = [
    { kind: "change", name: names[0] ?? "", config, backends: backends + more, replacesAll: false },
    { kind: "change", name: names[1] ?? "", config: {}, backends, replacesAll: false },
  ];
  return [
    { kind: "steady", name: "steady" },
    ...(shared === 0 ? [] : scaling),
    { kind: "change", name: "roll", config: { revision }, backends, replacesAll: true },
    {
      kind: "refusal",
      name: "refused config",
      config: { revision, serverConfig: `${directive} on;` },
      words: `unknown directive "${directive}"`,
    },
    { kind: "kill", name: "killed backend" },
    { kind: "replacement", name: "replaced balancer", config: { revision } },
    { kind: "restore", name: "restore" },
  ];
}

/** Name of the profile whose requests are not repeated on another backend once they were sent. */
export const postProfile = "kept POST";

/** Pause of a client between two requests: the load shall be noticed, not take the machine. */
const pauseMilliseconds = 5;

/**
 * The load: the clients dealt to kept-alive GETs, GETs with a connection each, with TLS to those of one HTTP/2 connection, and
 * to POSTs, if there is a path for them.
 */
export function planLoad(
  { host, path, isTls }: Pick<Entrance, "host" | "path" | "isTls">,
  post: string | undefined,
  clients: number,
): Profile[] {
  const site = host === undefined ? {} : { host };
  const get = { ...site, method: "GET", path, keepAlive: true, pauseMilliseconds } as const;
  const kinds: Omit<Profile, "clients">[] = [
    { ...get, name: "kept GET" },
    { ...get, name: "fresh GET", keepAlive: false },
    ...(isTls ? [{ ...get, name: "HTTP/2 GET", protocol: "http/2" } as const] : []),
  ];
  if (post !== undefined) {
    let number = 0;
    const body = () => `verify ${++number} ${"x".repeat(number % 1000)}`;
    kinds.push({ ...site, name: postProfile, method: "POST", path: post, keepAlive: true, pauseMilliseconds, body });
  }
  return kinds
    .map((kind, index) => ({ kind, share: Math.floor((clients + kinds.length - 1 - index) / kinds.length) }))
    .filter(({ share }) => share > 0)
    .map(({ kind, share }) =>
      kind.protocol === "http/2" ? { ...kind, clients: 1, streams: share } : { ...kind, clients: share },
    );
}

/** After so many failures nginx sends a backend nothing more for a while: max_fails in its configuration. */
const failuresUntilOut = 3;

/** How many losses are not held against a step. */
export interface Excusable {
  /** POSTs, whatever became of them. */
  readonly posts: number;
  /** Other requests whose answer had begun. */
  readonly truncated: number;
}

export const noneExcusable: Excusable = { posts: 0, truncated: 0 };

/**
 * What may be lost with a backend that is killed. POSTs: those that bring nginx to take it out, and what the clients have
 * under way by then. Of other requests, those under way whose answer had begun: nginx can't start another one.
 */
export function excusableOfKill(profiles: readonly Pick<Profile, "name" | "clients" | "streams">[]): Excusable {
  const clients = (ofPosts: boolean) =>
    profiles
      .filter(({ name }) => (name === postProfile) === ofPosts)
      .reduce((sum, profile) => sum + profile.clients * (profile.streams ?? 1), 0);
  return { posts: clients(true) === 0 ? 0 : failuresUntilOut + clients(true), truncated: clients(false) };
}
