/** A text as one word of nginx's configuration, in which `$` begins a variable. */
export function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}
