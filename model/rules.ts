import { z } from "zod";

// Each setting's metadata: `description` is a clause for the table and for editors, `change` what another value does to a
// running stack, `allowed` (set by the rule) the words that follow "expected" in a message.

/** A rule whose every failure reads "expected <expected>". */
export function rule<T extends z.ZodType>(expected: string, schema: (error: { error: () => string }) => T): T {
  return schema({ error: () => `expected ${expected}` }).meta({ allowed: expected });
}

export function integer(from: number, to: number) {
  return rule(`an integer from ${from} to ${to}`, (e) => z.int(e).min(from, e).max(to, e));
}

export function choice<const T extends readonly string[]>(values: T) {
  return rule(`one of ${values.join(", ")}`, (e) => z.enum(values, e));
}

/**
 * A list of different texts, of which each failure says what to write instead, if that can be known.
 *
 * @param expected what a list is expected to be
 * @param pattern of each text
 * @param suggest what is meant by a text that doesn't match; undefined where that is anybody's guess
 */
export function texts(
  expected: string,
  each: string,
  pattern: RegExp,
  suggest: (text: string) => string | undefined = () => undefined,
) {
  const instead = (text: unknown) => {
    const suggestion = typeof text === "string" ? suggest(text) : undefined;
    return suggestion !== undefined && pattern.test(suggestion) ? `expected ${suggestion}` : `expected ${each}`;
  };
  const item = z.string({ error: () => `expected ${each}` }).refine((text) => pattern.test(text), {
    error: ({ input }) => instead(input),
  });
  return rule(expected, (e) =>
    z
      .array(item, e)
      .max(100, e)
      .refine((list) => new Set(list).size === list.length, { error: () => "expected no item twice" }),
  );
}

export const image = rule("an image reference without blanks, for example nginx:1.30", (e) =>
  z.string(e).regex(/^[^\s]+$/, e),
);
