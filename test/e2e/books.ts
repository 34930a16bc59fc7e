import assert from "node:assert/strict";
import type { Account } from "../../scripts/load/books";

/** Fails with the books when a request was lost, or when there was no load to speak of. */
export function assertNoneLost(account: Account, leastSent = 100): void {
  assert.equal(
    account.lost,
    0,
    `lost ${account.lost} of ${account.sent}: ${JSON.stringify(account.losses, undefined, 1)}`,
  );
  assert.ok(account.sent >= leastSent, `only ${account.sent} requests were sent`);
}
