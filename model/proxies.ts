import { z } from "zod";
import type { Problem } from "./app";
import { expectedFor, networkMeant, parseNetwork, showNetwork } from "./networks";
import { rule } from "./rules";

/** Most addresses and networks in a list or a file: nginx looks at one after the other for each request. */
const most = 1000;

/** As the config has them: a list, or the name of a file with them. */
export const proxiesSchema = rule(
  `a list of up to ${most} addresses and networks, or the name of a file with them, one a line`,
  (e) => z.union([z.array(z.string(e), e).max(most, e), z.string(e).min(1, e)], e),
);

/** Proxies whose word is taken, and what is wrong with how they are named. */
export interface Proxies {
  /** Each in one spelling and once, in one order: whatever is written in another way and means the same is the same. */
  readonly networks: readonly string[];
  readonly problems: readonly Problem[];
}

/**
 * The proxies that a value names. In a file `#` begins a comment, and empty lines are none.
 *
 * @param value of any kind: {@link proxiesSchema} says what is wrong with one that is neither a list of texts nor a text
 * @param readFile the text of a file by its path; undefined where there is none that can be read
 */
export function proxiesOf(value: unknown, readFile: (path: string) => string | undefined): Proxies {
  if (Array.isArray(value)) {
    const texts = value.map((item: unknown) => (typeof item === "string" ? item : undefined));
    return proxiesIn(texts, (expected, index) => ({ path: ["trustedProxies", index], expected }));
  }
  if (typeof value !== "string" || value === "") return { networks: [], problems: [] };
  const refusal = (expected: string): Problem => ({ path: ["trustedProxies"], expected });
  const text = readFile(value);
  if (text === undefined) {
    const meant = networkMeant(value);
    const file = "a list of addresses and networks, or a file that can be read, relative to the program's folder";
    return { networks: [], problems: [refusal(meant === undefined ? file : `["${meant}"]`)] };
  }
  const lines = [...text.split("\n").entries()].flatMap(([at, line]) => {
    const own = line.replace(/#.*/, "").trim();
    return own === "" ? [] : [{ own, number: at + 1 }];
  });
  if (lines.length === 0 || lines.length > most)
    return { networks: [], problems: [refusal(`1 to ${most} addresses and networks in it, not ${lines.length}`)] };
  return proxiesIn(
    lines.map(({ own }) => own),
    (expected, index) => {
      const { own = "", number = 0 } = lines[index] ?? {};
      return refusal(`${expected} in its line ${number}, not ${JSON.stringify(own.slice(0, 60))}`);
    },
  );
}

/** What contradicts itself in whose word is taken, and how it is told. */
export function problemsOfTrust(
  { behindProxy, proxyProtocol }: { readonly behindProxy: boolean; readonly proxyProtocol: boolean },
  { networks, problems }: Proxies,
): Problem[] {
  const twice = "false beside trustedProxies, which names those whose word is taken";
  const untold = "trustedProxies beside it, whose lines are taken";
  return [
    ...(behindProxy && networks.length > 0 ? [{ path: ["behindProxy"], expected: twice }] : []),
    ...(proxyProtocol && networks.length + problems.length === 0
      ? [{ path: ["proxyProtocol"], expected: untold }]
      : []),
  ];
}

function proxiesIn(
  texts: readonly (string | undefined)[],
  refusal: (expected: string, index: number) => Problem,
): Proxies {
  const found = texts.map((text) => (text === undefined ? undefined : parseNetwork(text)));
  const problems = texts.flatMap((text, index) =>
    text === undefined || found[index] !== undefined ? [] : [refusal(proxyExpectedFor(text), index)],
  );
  const networks = found.flatMap((network) => (network === undefined ? [] : [showNetwork(network)]));
  return { networks: [...new Set(networks)].sort(), problems };
}

/** What a text should be that names no address and no network. */
function proxyExpectedFor(text: string): string {
  if (/\/0+$/.test(text)) return "a network of proxies, not every address, which is behindProxy";
  return expectedFor(text);
}
