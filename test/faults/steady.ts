import { startLoad, type Answer, type Load } from "../../scripts/load/load";

/** Requests that go on steadily, each of which takes a while; their answers tell their version. */
export interface SteadyLoad {
  readonly load: Load;
  /** When a version has answered last, in milliseconds since 1970; 0 where it never has. */
  lastAnswerOf(version: string): number;
}

/**
 * Puts it on.
 *
 * @param hundreds of requests a second, about
 * @param seconds that each takes
 */
export function steadyLoad(url: string, hundreds: number, seconds: number): SteadyLoad {
  const answered = new Map<string, number>();
  const pauseMilliseconds = 80;
  const clients = Math.ceil(hundreds * 100 * (seconds + pauseMilliseconds / 1000));
  const fresh = Math.ceil(clients / 4);
  const asked = {
    method: "GET",
    path: `/slow?seconds=${seconds}`,
    pauseMilliseconds,
    tag: ({ headers }: Answer) => {
      const version = String(headers["x-version"]);
      answered.set(version, Date.now());
      return version;
    },
  } as const;
  const load = startLoad({
    url,
    maxSeconds: 3600,
    profiles: [
      { name: "kept", keepAlive: true, clients: clients - fresh, ...asked },
      { name: "fresh", keepAlive: false, clients: fresh, ...asked },
    ],
  });
  return { load, lastAnswerOf: (version) => answered.get(version) ?? 0 };
}
