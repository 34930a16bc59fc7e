import { get, host, inner, message, post, row, type Row } from "./row";

const length = (value: string, body = "hello") => post([`Content-Length:${value}`], body);

/** Bodies by their Content-Length (RFC 9112, 6.2 and 6.3). */
export const lengths: readonly Row[] = [
  row("one length", length(" 5"), "200", "POST /x hello"),
  row("zeros before it", length(" 0005"), "200", "POST /x hello"),
  row("spaces around it", length("   5  "), "200", "POST /x hello"),
  row("a tab before it", length("\t5"), "400 closed"),
  row("a tab after it", length(" 5\t"), "400 closed"),
  row("a vertical tab before it", length(" \v5"), "400 closed"),
  row("a form feed after it", length(" 5\f"), "400 closed"),
  row("twice the same", post(["Content-Length: 5", "Content-Length: 5"], "hello"), "400 closed"),
  row("two, the longer one last", post(["Content-Length: 0", `Content-Length: ${inner.length}`], inner), "400 closed"),
  row("two, the longer one first", post([`Content-Length: ${inner.length}`, "Content-Length: 0"], inner), "400 closed"),
  row("two, one of them empty", post(["Content-Length:", "Content-Length: 5"], "hello"), "400 closed"),
  row("a list of the same", length(" 5, 5"), "400 closed"),
  row("a list of two", length(" 5, 6", "hello!"), "400 closed"),
  row("a list with an empty end", length(" 5,"), "400 closed"),
  row("none, an empty value", length(""), "400 closed"),
  row("negative", length(" -5"), "400 closed"),
  row("negative zero", length(" -0", ""), "400 closed"),
  row("with a plus", length(" +5"), "400 closed"),
  row("hexadecimal", length(" 0x5"), "400 closed"),
  row("with a letter after it", length(" 5a"), "400 closed"),
  row("a decimal", length(" 5.0"), "400 closed"),
  row("an exponent", length(" 5e0"), "400 closed"),
  row("two numbers", length(" 5 5"), "400 closed"),
  row("in quotes", length(' "5"'), "400 closed"),
  row("with a parameter", length(" 5;a=b"), "400 closed"),
  row("with an underscore", length(" 1_0", "0123456789"), "400 closed"),
  row("a digit of another script", length(" \xd9\xa5"), "400 closed"),
  row("2^32 + 5, past the bound of a body", length(" 4294967301"), "413"),
  row("2^63", length(" 9223372036854775808"), "400 closed"),
  row("2^64 + 5", length(" 18446744073709551621"), "400 closed"),
  row("40 digits", length(` ${"9".repeat(40)}`), "400 closed"),
  row("a space before the colon", post(["Content-Length : 5"], "hello"), "400 closed"),
  row("NUL in its name", post(["Content\0-Length: 5"], "hello"), "400 closed"),
  row("a fold before it", post(["Content-Length:", " 5"], "hello"), "400 closed"),
  row("a fold after its first digit", post(["Content-Length: 1", " 0"], "0123456789"), "400 closed"),
  row("with an underscore in its name: what follows is a request", post([`Content_Length: ${inner.length}`], inner), "200 200", "POST /x", "GET /inner"), // prettier-ignore
  row("shorter than what comes: the rest is a request", post(["Content-Length: 5"], `hello${inner}`), "200 200", "POST /x hello", "GET /inner"), // prettier-ignore
  row("as long as a request: that is the body", post([`Content-Length: ${inner.length}`], inner), "200", `POST /x ${inner}`), // prettier-ignore
  row("longer than what comes", length(" 50"), "nothing"),
  row("a GET with a body", message(["GET /x HTTP/1.1", host, "Content-Length: 5"], "hello"), "200", "GET /x hello"),
  row("a GET with a body that is a request", message(["GET /x HTTP/1.1", host, `Content-Length: ${inner.length}`], inner), "200", `GET /x ${inner}`), // prettier-ignore
  row("a HEAD with a body that is a request", message(["HEAD /x HTTP/1.1", host, `Content-Length: ${inner.length}`], inner), "200", `HEAD /x ${inner}`), // prettier-ignore
  row("a POST without one: what follows is a request", post([], inner), "200 200", "POST /x", "GET /inner"),
  row("one that Connection names", post(["Connection: Content-Length", `Content-Length: ${inner.length}`], inner), "200", `POST /x ${inner}`), // prettier-ignore
  row("too long a body, whose beginning is a request", `${post(["Content-Length: 99999999"], inner)}${get("/y")}`, "413"), // prettier-ignore
];
