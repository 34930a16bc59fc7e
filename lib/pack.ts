import { gunzipSync, gzipSync } from "node:zlib";

/** Linux takes no environment variable of more than 128 KiB (MAX_ARG_STRLEN); its name and some room are left. */
const mostCharacters = 120_000;

/** A text for an environment variable: as it is, or, where it is too long for one, compressed. */
export function pack(text: string): string {
  return Buffer.byteLength(text) <= mostCharacters ? text : gzipSync(text).toString("base64");
}

/** The text of what {@link pack} has made, for texts that begin with a brace, as JSON objects do. */
export function unpack(text: string): string {
  return text.startsWith("{") ? text : gunzipSync(Buffer.from(text, "base64")).toString("utf8");
}
