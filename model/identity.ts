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

/** What the balancer's volume holds. */
export interface LiveConfig {
  readonly text: string;
  /** What the last install wrote: its number. */
  readonly generation: string;
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
 * very text, and counts up when it doesn't: so a configuration that was edited by hand, or that an interrupted change
 * left behind, shows up in the preview and is installed again.
 *
 * @param live what the volume holds; undefined when that can't be told, as before the first install
 */
export function chooseGeneration(wanted: string, live: LiveConfig | undefined): string {
  if (live === undefined) return "1";
  if (live.text === wanted && live.generation !== "") return live.generation;
  return String(Number(live.generation) + 1);
}
