import { ack, block, end, endHeaders, number, opening, padded, preface, said, withPriority, type Field } from "./frames"; // prettier-ignore
import { get, row, type Row } from "./row";

const fields: readonly Field[] = [
  [":method", "GET"],
  [":scheme", "https"],
  [":authority", "shop.example"],
  [":path", "/x"],
];
const usual = block(fields);
const long = (bytes: number) => block([...fields, ["x-a", "v".repeat(bytes)]]);
const posting = block([[":method", "POST"], ...fields.slice(1)]);
const x = "GET /x";
const asked = (stream: number, payload = usual) => said("headers", end | endHeaders, stream, payload);
const times = (count: number, text: (at: number) => string) => Array.from({ length: count }, (_, at) => text(at)).join(""); // prettier-ignore

/** A block in one HEADERS frame and as many CONTINUATION frames as it takes. */
function inFrames(payload: string, size = 16_384): string {
  const parts = Array.from({ length: Math.ceil(payload.length / size) }, (_, at) => payload.slice(at * size, (at + 1) * size)); // prettier-ignore
  return parts.map((part, at) => {
    const isLast = at === parts.length - 1;
    return at === 0 ? said("headers", end | (isLast ? endHeaders : 0), 1, part) : said("continuation", isLast ? endHeaders : 0, 1, part); // prettier-ignore
  }).join(""); // prettier-ignore
}

/** Frames (RFC 9113, 4 to 6). */
export const framing: readonly Row[] = [
  row("HTTP/1.1 where HTTP/2 was agreed on", get("/x"), "goaway 1 closed"),
  row("a wrong preface", `PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n${said("settings", 0, 0)}`, "goaway 1 closed"),
  row("no SETTINGS first", preface + asked(1), "200", x),
  row("a frame of a type that nobody knows", opening + said(0xfa, 0xff, 0, "xxxx") + asked(1), "200", x),
  row("DATA on stream 0", opening + said("data", end, 0, "hello"), "goaway 1 closed"),
  row("DATA on a stream that was not opened", opening + said("data", end, 1, "hello"), "nothing"),
  row("DATA after a stream's end", opening + asked(1) + said("data", end, 1, "hello"), "reset 5", x),
  row("DATA with more padding than there is", opening + said("headers", endHeaders, 1, posting) + said("data", end | padded, 1, "\xffhello"), "goaway 1 closed"), // prettier-ignore
  row("DATA with padding", opening + said("headers", endHeaders, 1, posting) + said("data", end | padded, 1, "\x03hello\0\0\0"), "200", "POST /x hello"), // prettier-ignore
  row("HEADERS on stream 0", opening + asked(0), "goaway 1 closed"),
  row("HEADERS on a server's stream", opening + asked(2), "goaway 1 closed"),
  row("HEADERS on an older stream", opening + asked(5) + asked(3), "goaway 1 closed", x),
  row("HEADERS twice on a stream", opening + asked(1) + asked(1), "goaway 1 closed", x),
  row("HEADERS that depend on themselves", opening + said("headers", end | endHeaders | withPriority, 1, `${number(1)}\x0f${usual}`), "goaway 1 closed"), // prettier-ignore
  row("HEADERS with more padding than there is", opening + said("headers", end | endHeaders | padded, 1, `\xff${usual}`), "goaway 1 closed"), // prettier-ignore
  row("HEADERS that end inside a field", opening + asked(1, usual.slice(0, -1)), "goaway 6 closed"),
  row("HEADERS with an index that is not there", opening + asked(1, `${usual}\xff\x40`), "goaway 9 closed"),
  row("HEADERS with index 0", opening + asked(1, `${usual}\x80`), "goaway 9 closed"),
  row("HEADERS with a text of 2^32 bytes", opening + asked(1, `${usual}\0\x01a\x7f\xff\xff\xff\xff\x0f`), "goaway 9 closed"), // prettier-ignore
  row("HEADERS with a table larger than it was said", opening + asked(1, `\x3f\xe1\xff\x03${usual}`), "goaway 9 closed"), // prettier-ignore
  row("HEADERS with a bad code of Huffman's", opening + asked(1, `${usual}\0\x03x-a\x84\xff\xff\xff\xff`), "goaway 9 closed"), // prettier-ignore
  row("HEADERS without an end, another frame", opening + said("headers", end, 1, usual) + said("ping", 0, 0, "12345678"), "goaway 1 closed"), // prettier-ignore
  row("HEADERS without an end, CONTINUATION of another stream", opening + said("headers", end, 1, usual) + said("continuation", endHeaders, 3), "goaway 1 closed"), // prettier-ignore
  row("HEADERS without an end", opening + said("headers", end, 1, usual), "nothing"),
  row("CONTINUATION without HEADERS", opening + said("continuation", endHeaders, 1, usual), "goaway 1 closed"),
  row("HEADERS in pieces of a byte", opening + inFrames(usual, 1), "200", x),
  row("a frame of more than 16 kB, which SETTINGS have allowed", opening + asked(1, long(16_385)), "200", x),
  row("a frame that says 16 MB", `${opening}\xff\xff\xff\0\x01\0\0\0\x01`, "nothing"),
  row("PUSH_PROMISE", opening + said("push", endHeaders, 1, number(2) + usual), "goaway 1 closed"),
  row("SETTINGS with half a value", opening + said("settings", 0, 0, "\0\x03\0"), "goaway 6 closed"),
  row("SETTINGS on a stream", opening + said("settings", 0, 1), "goaway 1 closed"),
  row("SETTINGS that agree, with a value", opening + said("settings", ack, 0, `\0\x03${number(1)}`), "goaway 6 closed"),
  row("SETTINGS with a window past 2^31", opening + said("settings", 0, 0, `\0\x04${number(0x80000000)}`), "goaway 3 closed"), // prettier-ignore
  row("SETTINGS with frames of a byte", opening + said("settings", 0, 0, `\0\x05${number(1)}`), "goaway 1 closed"),
  row("PING of a wrong length", opening + said("ping", 0, 0, "1234"), "goaway 6 closed"),
  row("RST_STREAM of a stream that was not opened", opening + said("reset", 0, 1, number(8)) + asked(3), "200", x),
  row("RST_STREAM on stream 0", opening + said("reset", 0, 0, number(8)), "goaway 1 closed"),
  row("WINDOW_UPDATE by 0", opening + said("window", 0, 0, number(0)), "goaway 1 closed"),
  row("WINDOW_UPDATE past 2^31", opening + said("window", 0, 0, number(0x7fffffff)), "goaway 3 closed"),
  row("GOAWAY, then a request", opening + said("goaway", 0, 0, number(0) + number(0)) + asked(1), "200", x),
];

/** Bounded floods, and what is very long. */
export const floods: readonly Row[] = [
  row("a header of 30 kB", opening + inFrames(long(30_000)), "200", x),
  row("a header of 60 kB", opening + inFrames(long(60_000)), "goaway 11 closed"),
  row("a path of 40 kB", opening + inFrames(block([...fields.slice(0, 3), [":path", `/${"x".repeat(40_000)}`]])), "goaway 11 closed"), // prettier-ignore
  row("1 MB of HEADERS and CONTINUATION", opening + inFrames(usual + block(Array.from({ length: 1000 }, (_, at) => [`x-${at}`, "v".repeat(1000)] as const))), "goaway 11 closed"), // prettier-ignore
  row("2000 headers", opening + inFrames(usual + block(Array.from({ length: 2000 }, (_, at) => [`x-${at}`, "v"] as const))), "400"), // prettier-ignore
  row("1000 fields by an index of a table, 4 kB each", opening + inFrames(`${usual}\x40\x03x-a\x7f\xa1\x1e${"v".repeat(4000)}${"\xbe".repeat(1000)}`), "goaway 11 closed"), // prettier-ignore
  row("2000 CONTINUATION frames without an end", opening + said("headers", end, 1, usual) + times(2000, () => said("continuation", 0, 1, block([["x-a", "b"]]))), "400"), // prettier-ignore
  row("20,000 empty CONTINUATION frames", opening + said("headers", end, 1, usual) + times(20_000, () => said("continuation", 0, 1)), "nothing"), // prettier-ignore
  row("20,000 empty DATA frames", opening + said("headers", endHeaders, 1, posting) + times(20_000, () => said("data", 0, 1)), "nothing"), // prettier-ignore
  row(
    "20,000 SETTINGS",
    opening + times(20_000, () => said("settings", 0, 0, `\0\x03${number(100)}`)),
    "nothing or closed or goaway 11 closed",
  ),
  row(
    "20,000 PINGs",
    opening + times(20_000, () => said("ping", 0, 0, "12345678")),
    "nothing or closed or goaway 11 closed",
  ),
  row("20,000 PRIORITYs", opening + times(20_000, (at) => said("priority", 0, 2 * at + 1, `${number(0)}\x0f`)), "nothing or closed or goaway 11 closed"), // prettier-ignore
  row("20,000 WINDOW_UPDATEs", opening + times(20_000, () => said("window", 0, 0, number(1))), "nothing"),
  row("20,000 frames that nobody knows", opening + times(20_000, () => said(0xfa, 0, 0)), "nothing"),
  row("1000 streams, each reset at once", opening + times(1000, (at) => asked(2 * at + 1) + said("reset", 0, 2 * at + 1, number(8))), "at most", ...Array<string>(1000).fill(x)), // prettier-ignore
  row("300 streams at once", opening + times(300, (at) => asked(2 * at + 1)), "at most", ...Array<string>(300).fill(x)),
];
