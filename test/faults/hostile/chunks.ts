import { get, inner, post, row, type Row } from "./row";

const chunked = (body: string) => post(["Transfer-Encoding: chunked"], body);
const last = "0\r\n\r\n";
/** A first chunk with a line of its own. */
const line = (text: string) => chunked(`${text}\r\nhello\r\n${last}`);
/** Lines between the last chunk and the end. */
const trailers = (...lines: string[]) => chunked(`5\r\nhello\r\n0\r\n${lines.map((one) => `${one}\r\n`).join("")}\r\n`);
const hello = "POST /x hello";

/** Chunks: their sizes, extensions and ends (RFC 9112, 7.1). */
export const chunks: readonly Row[] = [
  row("zeros before the size", line("0000000005"), "200", hello),
  row("200 zeros before the size", line(`${"0".repeat(200)}5`), "200", hello),
  row("a size in capitals", chunked(`A\r\n0123456789\r\n${last}`), "200", "POST /x 0123456789"),
  row("several zeros as the last size", chunked("5\r\nhello\r\n0000\r\n\r\n"), "200", hello),
  row("size 0x5", line("0x5"), "400 closed"),
  row("size -5", line("-5"), "400 closed"),
  row("size -0", chunked(`-0\r\n\r\n${inner}`), "400 closed"),
  row("size +5", line("+5"), "400 closed"),
  row("size 5g", line("5g"), "400 closed"),
  row("size 5_0", line("5_0"), "400 closed"),
  row("size 5.0", line("5.0"), "400 closed"),
  row("no size", line(""), "400 closed"),
  row("no size, an extension", line(";a=b"), "400 closed"),
  row("a space before the size", line(" 5"), "400 closed"),
  row("a space after the size", line("5 "), "200", hello),
  row("a tab after the size", line("5\t"), "200", hello),
  row("a vertical tab after the size", line("5\v"), "400 closed"),
  row("NUL after the size", line("5\0"), "400 closed"),
  row("2^32 + 5, past the bound of a body", line("100000005"), "413 closed"),
  row("2^63", line("8000000000000000"), "400 closed"),
  row("2^64 - 2", line("fffffffffffffffe"), "400 closed"),
  row("2^64 + 5", line("10000000000000005"), "400 closed"),
  row("2^128 + 5", line("100000000000000000000000000000005"), "400 closed"),
  row("bare LF after the size", chunked(`5\nhello\r\n${last}`), "400 closed"),
  row("bare CR after the size", chunked(`5\rhello\r\n${last}`), "400 closed"),
  row("CR CR LF after the size", chunked(`5\r\r\nhello\r\n${last}`), "400 closed"),
  row("bare LF after the data", chunked(`5\r\nhello\n${last}`), "400 closed"),
  row("bare CR after the data", chunked(`5\r\nhello\r${last}`), "400 closed"),
  row("nothing after the data", chunked(`5\r\nhello${last}`), "400 closed"),
  row("more data than its size", chunked(`5\r\nhello!\r\n${last}`), "400 closed"),
  row("less data than its size", chunked(`6\r\nhello\r\n${last}`), "400 closed"),
  row("bare LF after the last size", chunked("5\r\nhello\r\n0\n\r\n"), "400 closed"),
  row("bare LF at the end", chunked("5\r\nhello\r\n0\r\n\n"), "400 closed"),
  row("bare CR at the end", chunked(`5\r\nhello\r\n0\r\n\r${inner}`), "400 closed"),
  row("an extension", line("5;a=b"), "200", hello),
  row("an extension after spaces", line("5 ; a = b"), "200", hello),
  row("an extension without a name", line("5;"), "200", hello),
  row("many extensions", line(`5${";a=b".repeat(1000)}`), "200", hello),
  row("a quoted extension", line('5;a="b;c\\"d"'), "200", hello),
  row("a quoted extension with a line's end, as if data went on after it", chunked(`5;a="\r\nhello\r\n${last}`), "200", hello), // prettier-ignore
  row("a quoted extension with a chunk inside", chunked(`5;a="\r\nhello\r\n0\r\n\r\n${inner}`), "200 200", hello, "GET /inner"), // prettier-ignore
  row("bare LF in an extension", chunked(`5;a\nhello\r\n${last}`), "400 closed"),
  row("bare LF in an extension, as if the line went on", chunked(`2;\nxx\r\n2e\r\n0\r\n\r\n${inner}`), "400 closed"),
  row("bare CR in an extension", line("5;a\rb"), "400 closed"),
  row("NUL in an extension", line("5;a=\0"), "200", hello),
  row("an extension of 40 kB", line(`5;a=${"b".repeat(40_000)}`), "200", hello),
  row("an extension of the last chunk", chunked("5\r\nhello\r\n0;a=b\r\n\r\n"), "200", hello),
  row("1000 chunks of a byte", chunked("1\r\nx\r\n".repeat(1000) + last), "200", `POST /x ${"x".repeat(1000)}`),
  row("1000 chunks of a byte, an extension each", chunked("1;a=b\r\nx\r\n".repeat(1000) + last), "200", `POST /x ${"x".repeat(1000)}`), // prettier-ignore
  row("none but the last one, then a request", chunked(`${last}${inner}`), "200 200", "POST /x", "GET /inner"),
  row("a chunk that is a request", chunked(`${inner.length.toString(16)}\r\n${inner}\r\n${last}`), "200", `POST /x ${inner}`), // prettier-ignore
  row("no end", chunked("5\r\nhello\r\n"), "nothing"),
  row("no end after the last size: a request would be a trailer", chunked(`5\r\nhello\r\n0\r\n${inner}`), "200", hello),
  row("past the bound of a body in the second one, then a request", `${chunked("5\r\nhello\r\nfffffff\r\n")}${get("/y")}`, "413 closed"), // prettier-ignore
  row("a trailer", trailers("X-A: b"), "200", hello),
  row("a trailer that says who the client is", trailers("X-Real-IP: 192.0.2.9", "X-Forwarded-For: 192.0.2.9"), "200", hello), // prettier-ignore
  row("a trailer that frames", trailers("Content-Length: 50", "Transfer-Encoding: identity"), "200", hello),
  row("a trailer that is announced", post(["Transfer-Encoding: chunked", "Trailer: Host"], "0\r\nHost: other.example\r\n\r\n"), "200", "POST /x"), // prettier-ignore
  row("a trailer without a colon", trailers("garbage"), "200", hello),
  row("a trailer with a fold", trailers("X-A: b", " c"), "200", hello),
  row("a trailer with NUL", trailers("X-A: \0"), "200", hello),
  row("a trailer with bare CR", trailers("X-A: b\rc"), "400 closed"),
  row("trailers of 40 kB", trailers(...Array.from({ length: 1000 }, (_, at) => `X-${at}: ${"b".repeat(32)}`)), "200", hello), // prettier-ignore
];
