const alphanumeric = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?";
const registry = String.raw`(?:${alphanumeric}(?:\.${alphanumeric})*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?`;
const component = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";

/** An image's name as Docker reads it. https://pkg.go.dev/github.com/distribution/reference */
export const imagePattern = new RegExp(
  `^(?:${registry}/)?${component}(?:/${component})*(?::\\w[\\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$`,
);

/** The name that is meant by a text which is none. */
export function imageMeant(text: string): string {
  const [, name = "", rest = ""] =
    /^([^@]*?)((?::[^/:@]*)?(?:@.*)?)$/.exec(text.trim().replace(/^[a-z]+:\/\//i, "")) ?? [];
  return name.toLowerCase() + rest;
}
