import { createCipheriv, createDecipheriv } from "node:crypto";
import { keyedHash } from "./tree-hash";

const algorithm = "aes-256-gcm";
const ivLength = 12;
const tagLength = 16;

/** 32 bytes for one use, which tell nothing of those for another one. */
function keyFor(use: string, key: string): Buffer {
  return Buffer.from(keyedHash(use, key), "hex");
}

/**
 * A text that only those can read who have the key. The same text gives the same again: the engine takes a step anew that is told
 * something else, so nothing in it is random.
 *
 * @returns base64
 */
export function seal(text: string, key: string): string {
  const iv = Buffer.from(keyedHash(text, keyedHash("iv", key)), "hex").subarray(0, ivLength);
  const cipher = createCipheriv(algorithm, keyFor("seal", key), iv);
  const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString("base64");
}

/** The text of what {@link seal} has made; undefined for anything else, and with another key. */
export function unseal(sealed: string, key: string): string | undefined {
  const bytes = Buffer.from(sealed, "base64");
  try {
    const decipher = createDecipheriv(algorithm, keyFor("seal", key), bytes.subarray(0, ivLength), {
      authTagLength: tagLength,
    });
    decipher.setAuthTag(bytes.subarray(ivLength, ivLength + tagLength));
    return decipher.update(bytes.subarray(ivLength + tagLength), undefined, "utf8") + decipher.final("utf8");
  } catch {
    return undefined;
  }
}
