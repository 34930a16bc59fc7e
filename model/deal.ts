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
 * Deals `count` backends to the apps in turn, as cards are dealt: counts differ by at most one, and a larger
 * count only adds slots.
 *
 * @throws RangeError for no apps, or a count that is no integer of at least 1
 */
export function deal<App extends { readonly name: string }>(apps: readonly App[], count: number): Slot<App>[] {
  if (apps.length === 0) throw new RangeError("apps: got none, expected at least one");
  if (!Number.isInteger(count) || count < 1)
    throw new RangeError(`count: got ${count}, expected an integer of at least 1`);
  return Array.from({ length: count }, (_, turn) => {
    const app = apps[turn % apps.length] as App;
    const index = Math.floor(turn / apps.length);
    return { app, index, turn, name: `${app.name}-${index}` };
  });
}
