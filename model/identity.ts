/** A backend container that exists, as its labels tell. */
export interface ExistingBackend {
  readonly id: string;
  /** The slot that it was made for, for example app1-0. */
  readonly slot: string;
  /** Hash of all that made it what it is. */
  readonly hash: string;
  /** Its name on the network. */
  readonly alias: string;
}

/** What the balancer's volume holds, and how the stack is. */
export interface LiveConfig {
  readonly text: string;
  /** What the last install wrote: its number, or whatever has become of it. */
  readonly generation: string;
  /** Whether something of what was installed does not run, or the balancer's address takes no connections. */
  readonly ailing: boolean;
}

/**
 * The network alias for a slot's container: known before the container is made, so that the previewed configuration is
 * the installed one, and never that of another container that still runs. A second one is needed when a change failed
 * or was interrupted: going back then makes a container of the same hash again while the first still serves.
 *
 * @param existing the stack's containers, newest first
 * @returns `<slot>-<hash>`, with a number where that one is taken
 */
export function chooseAlias(slot: string, hash: string, existing: readonly ExistingBackend[]): string {
  const newest = existing.find((backend) => backend.slot === slot);
  if (newest?.hash === hash) return newest.alias;
  const taken = new Set(existing.map((backend) => backend.alias));
  const plain = `${slot}-${hash}`;
  for (let number = 1; ; number++) {
    const alias = number === 1 ? plain : `${plain}-${number}`;
    if (!taken.has(alias)) return alias;
  }
}

/**
 * The number of the install that the wanted configuration asks for. It stays as long as the balancer's volume holds that
 * very text and all of it runs, and counts up otherwise: so a configuration that was edited by hand, or that an interrupted
 * change left behind, and what has ended show up in the preview and are mended.
 *
 * @param live what the volume holds; undefined when there is no balancer to tell, any more or yet
 * @param now in seconds since 1970: the number where there is none to count from, larger than any before it
 */
export function chooseGeneration(
  wanted: string,
  live: LiveConfig | undefined,
  now = Math.floor(Date.now() / 1000),
): string {
  if (live === undefined || !/^[1-9]\d{0,11}$/.test(live.generation)) return String(now);
  return live.text === wanted && !live.ailing ? live.generation : String(Number(live.generation) + 1);
}
