/** A place in the pool: the `index`-th backend of an app. Its name stays the same when the pool grows or shrinks. */
export interface Slot<App> {
  readonly app: App;
  /** Number within the app, from 0. */
  readonly index: number;
  /** Number within the pool, from 0. */
  readonly turn: number;
  /** `<app>-<index>`, unique in the pool. */
  readonly name: string;
}

/**
 * Gives each app the backends that it asks for, and deals `count` others to the apps that ask for no number, in turn, as cards
 * are dealt: their counts differ by at most one, and a larger count only adds slots.
 *
 * @throws RangeError for no apps, or a count that is no integer of at least 1
 */
export function deal<App extends { readonly name: string; readonly count?: number | undefined }>(
  apps: readonly App[],
  count: number,
): Slot<App>[] {
  if (apps.length === 0) throw new RangeError("apps: got none, expected at least one");
  if (!Number.isInteger(count) || count < 1)
    throw new RangeError(`count: got ${count}, expected an integer of at least 1`);
  const sharing = apps.filter((app) => app.count === undefined);
  const dealt = Array.from({ length: sharing.length === 0 ? 0 : count }, (_, turn) => ({
    app: sharing[turn % sharing.length] as App,
    index: Math.floor(turn / sharing.length),
  }));
  const asked = apps.flatMap((app) => Array.from({ length: app.count ?? 0 }, (_, index) => ({ app, index })));
  return [...dealt, ...asked].map((slot, turn) => ({ ...slot, turn, name: `${slot.app.name}-${slot.index}` }));
}
