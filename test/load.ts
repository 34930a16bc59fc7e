import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import type { Account } from "../scripts/load/books";
import { startLoad, type LoadOptions, type Profile } from "../scripts/load/load";

/** A profile of two clients that keep their connections. */
export const get = (more: Partial<Profile> = {}): Profile => ({
  name: "get",
  method: "GET",
  path: "/",
  keepAlive: true,
  clients: 2,
  ...more,
});

/** Waits for a condition, at most 10 s. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!condition()) {
    assert.ok(Date.now() < deadline, `never came true: ${condition}`);
    await pause(2);
  }
}

/** Fails unless each request has one outcome, or is in flight. */
export function assertBalanced(account: Account): void {
  assert.equal(account.carried + account.sent, account.answered + account.lost + account.inFlight);
  assert.equal(account.lost, account.wrong + account.reset + account.truncated + account.refused + account.timedOut);
  assert.equal(
    account.lost,
    Object.values(account.byReason).reduce((sum, count) => sum + count, 0),
  );
}

/** The books of a load of one profile that goes on until so many requests have been sent; default 100. */
export async function load(
  url: string,
  profile: Profile,
  { requests = 100, ...options }: Partial<LoadOptions> & { requests?: number } = {},
): Promise<Account> {
  const running = startLoad({ url, profiles: [profile], maxSeconds: 20, timeoutSeconds: 5, ...options });
  await until(() => running.account().sent >= requests);
  const account = await running.stop();
  assertBalanced(account);
  assert.equal(account.inFlight, 0);
  assert.equal(running.inFlight, 0);
  return account;
}
