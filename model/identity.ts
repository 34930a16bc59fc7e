import { hashValue } from "../lib/tree-hash";

/** A backend container that exists, as its labels tell. */
export interface ExistingBackend {
  readonly id: string;
  /** The slot that it was made for, for example app1-0. */
  readonly slot: string;
  /** Hash of all that made it what it is. */
  readonly hash: string;
  /** Its name on the network. */
  readonly alias: string;
  /** Identity of the stack that made it; empty where it was made before there were any. */
  readonly owner: string;
}

/**
 * The network alias for a slot's container: known before the container is made, so that the previewed configuration is
 * the installed one, and never that of another container that still runs. A second one is needed when a change failed
 * or was interrupted: going back then makes a container of the same hash again while the first still serves. So does one with
 * another identity or none, whose successor has that of the stack in its labels.
 *
 * @param existing the stack's containers, newest first
 * @param owner identity of the stack; undefined before it has one
 * @returns `<slot>-<hash>`, with a number where that one is taken
 */
export function chooseAlias(
  slot: string,
  hash: string,
  existing: readonly ExistingBackend[],
  owner: string | undefined,
): string {
  const newest = existing.find((backend) => backend.slot === slot);
  if (newest?.hash === hash && newest.owner === owner) return newest.alias;
  const taken = new Set(existing.map((backend) => backend.alias));
  const plain = `${slot}-${hash}`;
  for (let number = 1; ; number++) {
    const alias = number === 1 ? plain : `${plain}-${number}`;
    if (!taken.has(alias)) return alias;
  }
}

/** Slot's number, hash, and the number of one that was made again, as {@link chooseAlias} makes them after the app's name. */
const ending = /^\d+-[0-9a-f]{10}(?:-\d+)?$/;

/** Whether a server is one of an app's, as its name says. */
export function isServerOf(app: string, { name }: { readonly name: string }): boolean {
  return name.startsWith(`${app}-`) && ending.test(name.slice(app.length + 1));
}

/** The app whose a server is, as its name says; empty where it says nothing. */
export function appOf(server: string): string {
  return /^(.+)-\d+-[0-9a-f]{10}(?:-\d+)?$/.exec(server)?.[1] ?? "";
}

/** What servers run, as their names say: the same for more or fewer of them, and for such as were made again. */
export function versionOf(servers: readonly { readonly name: string }[]): string {
  const versions = servers.map(({ name }) => /-([0-9a-f]{10})(?:-\d+)?$/.exec(name)?.[1] ?? name.replace(/^.*-/, ""));
  return hashValue([...new Set(versions)].sort());
}

/** What the balancer's volume holds, and how the stack is. */
export interface LiveRelease {
  /** Id of the release that was installed last; undefined where that can't be read. */
  readonly id: string | undefined;
  /** Number of the install that left it; undefined where that can't be read. */
  readonly attempt: number | undefined;
  /** Whether anything keeps the stack from serving as it was installed. */
  readonly isAiling: boolean;
}

/**
 * The number of the install that a release asks for. It stays as long as the balancer's volume holds that very release and all
 * of it runs, and counts up otherwise: so a configuration that was edited by hand, or that an interrupted change left behind,
 * and what has ended show up in the preview and are mended.
 *
 * @param id of the wanted release
 * @param live undefined when there is no balancer to tell, any more or yet
 * @param now in seconds since 1970: the number where there is none to count from, larger than any before it
 */
export function chooseAttempt(id: string, live: LiveRelease | undefined, now = Math.floor(Date.now() / 1000)): number {
  if (live?.attempt === undefined) return now;
  return live.id === id && !live.isAiling ? live.attempt : live.attempt + 1;
}
