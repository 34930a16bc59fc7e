import { until } from "../../lib/until";
import { fixtureLoad } from "../../test/e2e/app";

/** Requests before a change, and after it: what comes late counts, too. */
const requestsAround = 200;

/**
 * Makes a change while clients send requests.
 *
 * @param change gives the seconds that it took
 */
export async function underLoad(
  url: string,
  change: () => Promise<number>,
  signal: AbortSignal,
): Promise<{ seconds: number; lost: number }> {
  const load = fixtureLoad(url);
  const goesOn = async () => {
    const enough = load.account().sent + requestsAround;
    await until("the load goes on", { within: 30, signal }, () => load.account().sent >= enough);
  };
  try {
    await goesOn();
    const seconds = await change();
    await goesOn();
    return { seconds, lost: (await load.stop()).lost };
  } finally {
    await load.stop();
  }
}
