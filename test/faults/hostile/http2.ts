import { block, end, endHeaders, opening, said, type Field } from "./frames";
import { inner, row, type Row } from "./row";

const fields = (more: Readonly<Record<string, string>> = {}): Field[] =>
  Object.entries({ ":method": "GET", ":scheme": "https", ":authority": "shop.example", ":path": "/x", ...more });
/** A request without a body, of these fields. */
const asked = (all: readonly Field[]) => opening + said("headers", end | endHeaders, 1, block(all));
/** The usual ones, some of them otherwise, and more. */
const but = (some: Readonly<Record<string, string>>, ...more: Field[]) => asked([...fields(some), ...more]);
const plus = (name: string, value: string) => asked([...fields(), [name, value]]);
const without = (name: string, ...more: Field[]) => asked([...fields().filter(([key]) => key !== name), ...more]);
const twice = (name: string, value: string) => asked([[name, value], ...fields()]);

/** A POST with a body in one piece. */
const sent = (body: string, ...more: Field[]) =>
  opening + said("headers", endHeaders, 1, block([...fields({ ":method": "POST" }), ...more])) + said("data", end, 1, body); // prettier-ignore
/** One with fields after its body. */
const trailed = (...trailers: Field[]) =>
  opening + said("headers", endHeaders, 1, block(fields({ ":method": "POST" }))) + said("data", 0, 1, "hello") + said("headers", end | endHeaders, 1, block(trailers)); // prettier-ignore

const x = "GET /x";
const hello = "POST /x hello";
const malformed = "400";

/** Fields of a request (RFC 9113, 8.2 and 8.3). */
export const fieldsOfHttp2: readonly Row[] = [
  row("a GET", asked(fields()), "200", x),
  row("connection: close", plus("connection", "close"), "200", x),
  row("connection that names a header of the balancer's", plus("connection", "x-real-ip"), "200", x),
  row("transfer-encoding: chunked", plus("transfer-encoding", "chunked"), "200", x),
  row("transfer-encoding: chunked, and a body", sent("hello", ["transfer-encoding", "chunked"]), "200", hello),
  row("transfer-encoding: chunked, and a body that looks so", sent(`0\r\n\r\n${inner}`, ["transfer-encoding", "chunked"]), "200", `POST /x 0\r\n\r\n${inner}`), // prettier-ignore
  row("transfer-encoding: gzip", plus("transfer-encoding", "gzip"), "200", x),
  row("te: trailers", plus("te", "trailers"), "200", x),
  row("te: gzip", plus("te", "gzip"), "200", x),
  row("keep-alive", plus("keep-alive", "timeout=5"), "200", x),
  row("proxy-connection", plus("proxy-connection", "keep-alive"), "200", x),
  row("upgrade: h2c", plus("upgrade", "h2c"), "200", x),
  row("upgrade: websocket", asked([...fields(), ["upgrade", "websocket"], ["connection", "upgrade"], ["sec-websocket-version", "13"]]), "200", x), // prettier-ignore
  row("upgrade: websocket, and a request for a body", sent(inner, ["upgrade", "websocket"], ["sec-websocket-version", "13"]), "200", `POST /x ${inner}`), // prettier-ignore
  row("http2-settings", plus("http2-settings", "AAMAAABk"), "200", x),
  row("a name in capitals", plus("X-A", "b"), malformed),
  row("a name with one capital", plus("x-forwarded-For", "b"), malformed),
  row("a name with a space", plus("x a", "b"), malformed),
  row("a name with a colon", plus("x-a: b", "c"), malformed),
  row("a name with a line's end", plus("x-a: b\r\nx-real-ip", "192.0.2.9"), malformed),
  row("a name with LF", plus("x-a\nx-b", "c"), malformed),
  row("a name with NUL", plus("x-\0a", "b"), malformed),
  row("a name with a high byte", plus("x-\xe9", "b"), "200", x),
  row("a name with an underscore", plus("x_real_ip", "192.0.2.9"), "200", x),
  row("an empty name", plus("", "b"), "goaway 1 closed"),
  row("a value with a line's end", plus("x-a", "b\r\nx-real-ip: 192.0.2.9"), malformed),
  row("a value with a head's end and a request", plus("x-a", `b\r\n\r\n${inner}`), malformed),
  row("a value with CR", plus("x-a", "b\rc"), malformed),
  row("a value with LF", plus("x-a", "b\nc"), malformed),
  row("a value with NUL", plus("x-a", "b\0c"), malformed),
  row("a value with a control character", plus("x-a", "b\x01c"), "200", x),
  row("a value with a space before it", plus("x-a", " b"), "200", x),
  row("a value with a tab after it", plus("x-a", "b\t"), "200", x),
  row("a value that is empty", plus("x-a", ""), "200", x),
  row("a path with a line's end", but({ ":path": "/x HTTP/1.1\r\nx-a: b" }), "400"),
  row("a path with a head's end and a request", but({ ":path": `/x HTTP/1.1\r\nhost: a\r\n\r\n${inner}` }), "400"),
  row("a path with a space", but({ ":path": "/x y" }), "400"),
  row("a path with NUL", but({ ":path": "/x\0" }), "400"),
  row("a path with a control character", but({ ":path": "/x\x01" }), "400"),
  row("a path with a line's end, escaped", but({ ":path": "/x%0d%0a" }), "200", "GET /x%0d%0a"),
  row("a path that is taken off, and climbs, with a line's end", but({ ":path": "/api/y/../x%0d%0aa:%20b" }), "200", "GET /x%0D%0Aa:%20b"), // prettier-ignore
  row("a path without a slash", but({ ":path": "x" }), "400"),
  row("a path that is a star", but({ ":path": "*" }), "400"),
  row("a path that is a star, of OPTIONS", but({ ":path": "*", ":method": "OPTIONS" }), "400"),
  row("a path that is empty", but({ ":path": "" }), "400"),
  row("a path in absolute form", but({ ":path": "http://other.example/x" }), "400"),
  row("a path with a fragment", but({ ":path": "/x#y" }), "200", "GET /x#y"),
  row("a path up from the root", but({ ":path": "/../x" }), "400"),
  row("a method with a space and a target", but({ ":method": "GET /y HTTP/1.1" }), "400"),
  row("a method with a line's end", but({ ":method": "GET / HTTP/1.1\r\nx-a: b\r\n\r\nGET" }), "400"),
  row("a method in lower case", but({ ":method": "get" }), "400"),
  row("a method that is empty", but({ ":method": "" }), "400 goaway 1 closed"),
  row("a method with NUL", but({ ":method": "GE\0T" }), "400"),
  row("CONNECT", but({ ":method": "CONNECT" }), "405"),
  row("CONNECT to a port", asked([[":method", "CONNECT"], [":authority", "shop.example:443"]]), "400"), // prettier-ignore
  row("CONNECT for a WebSocket", but({ ":method": "CONNECT" }, [":protocol", "websocket"]), malformed),
  row("TRACE", but({ ":method": "TRACE" }), "405"),
  row("an authority with a line's end", but({ ":authority": "shop.example\r\nx-a: b" }), malformed),
  row("an authority with a space", but({ ":authority": "shop.example y" }), "400"),
  row("an authority with a user", but({ ":authority": "a@shop.example" }), "400"),
  row("an authority with a path", but({ ":authority": "shop.example/y" }), "400"),
  row("an authority with NUL", but({ ":authority": "shop.example\0" }), malformed),
  row("a scheme of plain HTTP", but({ ":scheme": "http" }), "200", x),
  row("a scheme with a host and a path", but({ ":scheme": "https://other.example/y?" }), "400"),
  row("a scheme with a line's end", but({ ":scheme": "https\r\nx-a: b" }), "400"),
  row("a scheme that is empty", but({ ":scheme": "" }), "400 goaway 1 closed"),
  row("no :method", without(":method"), "400"),
  row("no :scheme", without(":scheme"), "400"),
  row("no :path", without(":path"), "400"),
  row("no :authority, and no host", without(":authority"), "400"),
  row("no :authority, and two hosts", without(":authority", ["host", "shop.example"], ["host", "other.example"]), "400"), // prettier-ignore
  row("no fields at all", asked([]), "goaway 6 closed"),
  row(":method twice", twice(":method", "POST"), "400"),
  row(":path twice", twice(":path", "/y"), "400"),
  row(":scheme twice", twice(":scheme", "http"), "400"),
  row(":authority twice", twice(":authority", "other.example"), "400"),
  row("another :path after a header", plus(":path", "/y"), "400"),
  row(":path after a header", asked([...fields().slice(0, 3), ["x-a", "b"], [":path", "/x"]]), "200", x),
  row("one that only an answer has", twice(":status", "200"), "400"),
  row("one that nobody knows", twice(":x", "y"), "400"),
  row("cookies in crumbs", asked([...fields(), ["cookie", "a=b"], ["cookie", "c=d"]]), "200", x),
  row("cookies in crumbs, a line's end in one of them", asked([...fields(), ["cookie", "a=b"], ["cookie", "c\r\nx: d"]]), malformed), // prettier-ignore
  row("a length that is right", sent("hello", ["content-length", "5"]), "200", hello),
  row("a length that is too large", sent("hello", ["content-length", "6"]), "400"),
  row("a length that is too small", sent("hello", ["content-length", "4"]), "400"),
  row("a length of 0, and a request for a body", sent(inner, ["content-length", "0"]), "400"),
  row("a length, and no body", asked([...fields({ ":method": "POST" }), ["content-length", "5"]]), "400"),
  row("a length twice", sent("hello", ["content-length", "5"], ["content-length", "5"]), "400 reset 0"),
  row("two lengths", sent("hello", ["content-length", "5"], ["content-length", "6"]), "400 reset 0"),
  row("a list of lengths", sent("hello", ["content-length", "5, 5"]), "400 reset 0"),
  row("a negative length", sent("hello", ["content-length", "-5"]), "400 reset 0"),
  row("a length with a plus", sent("hello", ["content-length", "+5"]), "400 reset 0"),
  row("a length and transfer-encoding", sent("hello", ["content-length", "5"], ["transfer-encoding", "chunked"]), "200", hello), // prettier-ignore
  row("a length past the bound of a body", sent("hello", ["content-length", "99999999"]), "413 reset 0"),
  row("a body that is a request", sent(inner), "200", `POST /x ${inner}`),
  row("expect: 100-continue", sent("hello", ["expect", "100-continue"]), "200", hello),
  row("a trailer", trailed(["x-a", "b"]), "goaway 1 closed"),
  row("a trailer that says who the client is", trailed(["x-real-ip", "192.0.2.9"]), "goaway 1 closed"),
  row("a trailer in capitals", trailed(["X-A", "b"]), "goaway 1 closed"),
  row("a trailer that is :path", trailed([":path", "/y"]), "goaway 1 closed"),
  row("a trailer with a line's end", trailed(["x-a", "b\r\nc: d"]), "goaway 1 closed"),
];
