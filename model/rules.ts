import { isIP } from "node:net";
import { z } from "zod";
import { imageMeant, imagePattern } from "./image-names";

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
 * A text, of which each failure says what to write instead, if that can be known.
 *
 * @param expected what a text is expected to be
 * @param suggest what is meant by a text that doesn't match; undefined where that is anybody's guess
 */
export function suggested(
  expected: string,
  pattern: RegExp,
  suggest: (text: string) => string | undefined = () => undefined,
) {
  const error = ({ input }: { readonly input?: unknown }) => {
    const suggestion = typeof input === "string" ? suggest(input) : undefined;
    return `expected ${suggestion !== undefined && pattern.test(suggestion) ? suggestion : expected}`;
  };
  return z.string({ error }).refine((text) => pattern.test(text), { error });
}

/**
 * A list of different texts.
 *
 * @param expected what a list is expected to be
 * @param item what each of them is, see {@link suggested}
 * @param least how many there have to be
 */
export function texts(expected: string, item: Parameters<typeof suggested>, least = 0) {
  return rule(expected, (e) =>
    z
      .array(suggested(...item), e)
      .max(100, e)
      .refine(({ length }) => length >= least, e)
      .superRefine((list, context) => {
        for (const [index, text] of list.entries()) {
          const first = list.indexOf(text);
          if (first < index)
            context.addIssue({
              code: "custom",
              path: [index],
              message: `expected each item once: [${first}] is this one, too`,
            });
        }
      }),
  );
}

export const flag = rule("true or false", (e) => z.boolean(e));

const imageName = "the name of an image, with a tag or a digest or without, for example nginx:1.30";

export const image = suggested(imageName, imagePattern, imageMeant).meta({ allowed: imageName });

export const address = rule("an IPv4 or IPv6 address of this host, for example 127.0.0.1 or 0.0.0.0", (e) =>
  z.string(e).refine((text) => isIP(text) !== 0, e),
);
