import { frame } from "../../http2-frames";

/** Types of frames, by their numbers (RFC 9113, 6). */
const kinds = ["data", "headers", "priority", "reset", "settings", "push", "ping", "goaway", "window", "continuation"] as const; // prettier-ignore

export const end = 1;
export const ack = 1;
export const endHeaders = 4;
export const padded = 8;
export const withPriority = 0x20;

export type Field = readonly [name: string, value: string];

/** A frame as a client sends it, each character a byte. */
export function said(kind: (typeof kinds)[number] | number, flags: number, stream: number, payload = ""): string {
  const type = typeof kind === "number" ? kind : kinds.indexOf(kind);
  return frame(type, flags, stream, Buffer.from(payload, "latin1")).toString("latin1");
}

/** A number of 32 bits. */
export const number = (value: number): string => String.fromCharCode(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255); // prettier-ignore

/** Fields as they are: none from a table, none compressed (RFC 7541, 6.2.2). */
export const block = (fields: readonly Field[]): string => fields.map(([name, value]) => `\0${text(name)}${text(value)}`).join(""); // prettier-ignore

function text(value: string): string {
  if (value.length < 127) return String.fromCharCode(value.length) + value;
  let length = "\x7f";
  let rest = value.length - 127;
  for (; rest >= 128; rest >>>= 7) length += String.fromCharCode((rest & 127) | 128);
  return length + String.fromCharCode(rest) + value;
}

export const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/** What a client begins with. */
export const opening = preface + said("settings", 0, 0);

/** What a server has said, apart from what it says to everybody: statuses, and frames that say no, with their codes. */
export function heardIn(bytes: Buffer): string[] {
  const heard: string[] = [];
  for (let rest = bytes; rest.length >= 9;) {
    const size = rest.readUIntBE(0, 3);
    if (rest.length < 9 + size) break;
    const payload = rest.subarray(9, 9 + size);
    const kind = kinds[rest.readUInt8(3)];
    if (kind === "headers") heard.push(...statusOf(payload));
    else if (kind === "reset") heard.push(`reset ${payload.readUInt32BE()}`);
    else if (kind === "goaway") heard.push(`goaway ${payload.readUInt32BE(4)}`);
    rest = rest.subarray(9 + size);
  }
  return heard;
}

const indexed = [200, 204, 206, 304, 400, 404, 500];

/** The status that a block begins with, maybe after the size of a table; servers write it in digits or by its index (RFC 7541, A). */
function statusOf(payload: Buffer): string[] {
  const at = payload.findIndex((byte) => byte < 0x20 || byte >= 0x40);
  const first = payload[at] ?? 0;
  if (first >= 0x88 && first <= 0x8e) return [String(indexed[first - 0x88])];
  const isStatus = [0x08, 0x18, 0x48].includes(first) && payload[at + 1] === 3;
  return isStatus ? [payload.toString("latin1", at + 2, at + 5)] : [];
}
