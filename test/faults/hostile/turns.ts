import { get, host, inner, message, post, row, type Row } from "./row";

const lengthOf = (text: string) => `Content-Length: ${text.length}`;
const bad = message(["GET /x HTTP/1.1", host, "Content-Length: -1"]);
const [x, y] = ["GET /x", "GET /y"];
const socket = "Connection: Upgrade";
const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
const version = ["Sec-WebSocket-Version: 13", key];
const wrong = ["Sec-WebSocket-Version: 1777", key];

/** Requests after one another on a connection (RFC 9112, 9.3). */
export const pipelines: readonly Row[] = [
  row("two GETs", get("/x") + get("/y"), "200 200", x, y),
  row("ten GETs", get("/x").repeat(10), Array(10).fill("200").join(" "), ...Array<string>(10).fill(x)),
  row("a POST with a length and a GET", post(["Content-Length: 5"], "hello") + get("/y"), "200 200", "POST /x hello", y), // prettier-ignore
  row("a POST in chunks and a GET", post(["Transfer-Encoding: chunked"], "5\r\nhello\r\n0\r\n\r\n") + get("/y"), "200 200", "POST /x hello", y), // prettier-ignore
  row("a GET with a body and a GET", get("/x", "Content-Length: 5") + "hello" + get("/y"), "200 200", "GET /x hello", y), // prettier-ignore
  row("a HEAD and a GET", message(["HEAD /x HTTP/1.1", host]) + get("/y"), "200 200", "HEAD /x", y),
  row("an empty line between two", `${get("/x")}\r\n${get("/y")}`, "200 200", x, y),
  row("a POST, CR LF that its length leaves out, and a GET", post(["Content-Length: 5"], "hello\r\n") + get("/y"), "200 200", "POST /x hello", y), // prettier-ignore
  row("a GET after a bad one", bad + get("/y"), "400 closed"),
  row("a GET after one without Host", message(["GET /x HTTP/1.1"]) + get("/y"), "400 closed"),
  row("a bad one after a GET", get("/y") + bad, "200 400 closed", y),
  row("a GET after one that is not there", get("/.balancer/moment") + get("/y"), "404 200", y),
  row("a GET after too long a target", get(`/${"x".repeat(40_000)}`) + get("/y"), "414 closed"),
  row("a GET after one that is refused, with a body", message(["TRACE /x HTTP/1.1", host, lengthOf(inner)], inner) + get("/y"), "405 closed"), // prettier-ignore
  row("a GET after Connection: close", get("/x", "Connection: close") + get("/y"), "200 closed", x),
  row("a GET after HTTP/1.0", message(["GET /x HTTP/1.0", host]) + get("/y"), "200 closed", x),
  row("a GET after HTTP/1.0 that stays", message(["GET /x HTTP/1.0", host, "Connection: keep-alive"]) + get("/y"), "200 200", x, y), // prettier-ignore
  row("a GET after HTTP/1.0 with Connection: close, keep-alive", message(["GET /x HTTP/1.0", host, "Connection: close, keep-alive"]) + get("/y"), "200 closed", x), // prettier-ignore
  row("a GET after HTTP/0.9", `GET /x\r\n${get("/y")}`, "0.9 closed", x),
  row("Expect: 100-continue and the body at once, then a GET", post(["Expect: 100-continue", "Content-Length: 5"], "hello") + get("/y"), "100 200 200", "POST /x hello", y), // prettier-ignore
  row("Expect: 100-continue and no body", post(["Expect: 100-continue", "Content-Length: 5"]), "100"),
  row("Expect: 100-continue, and a request for a body", post(["Expect: 100-continue", lengthOf(inner)], inner), "100 200", `POST /x ${inner}`), // prettier-ignore
  row("Expect: 100-continue of a GET without a body, then a GET", get("/x", "Expect: 100-continue") + get("/y"), "100 200 200", x, y), // prettier-ignore
  row("Expect: 100-continue in HTTP/1.0", message(["POST /x HTTP/1.0", host, "Expect: 100-continue", "Content-Length: 5"], "hello"), "200 closed", "POST /x hello"), // prettier-ignore
  row("Expect: something else", get("/x", "Expect: 200-ok"), "200", x),
  row("Expect: 100-continue, obfuscated", post(["Expect: y 100-continue", "Content-Length: 5"], "hello"), "200", "POST /x hello"), // prettier-ignore
];

/** Upgrades (RFC 9110, 7.8; RFC 6455, 4.1). */
export const upgrades: readonly Row[] = [
  row("h2c", get("/x", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"), "200", x), // prettier-ignore
  row("h2c, and a request after it", get("/x", "Connection: Upgrade", "Upgrade: h2c") + inner, "200 200", x, "GET /inner"), // prettier-ignore
  row("TLS/1.0", get("/x", "Connection: Upgrade", "Upgrade: TLS/1.0"), "200", x),
  row("a WebSocket, and a request inside of it", get("/x", "Upgrade: websocket", socket, ...version) + inner, "101", `${x} (tunnel) ${inner}`), // prettier-ignore
  row("a WebSocket of a wrong version, and a request after it", get("/x", "Upgrade: websocket", socket, ...wrong) + inner, "426 200", x, "GET /inner"), // prettier-ignore
  row("a WebSocket twice", get("/x", "Upgrade: websocket", "Upgrade: websocket", socket, ...version), "200", x),
  row("a WebSocket, and more in Connection", get("/x", "Upgrade: websocket", "Connection: keep-alive, Upgrade", ...version), "101", x), // prettier-ignore
  row("a WebSocket, Connection in two lines", get("/x", "Upgrade: WebSocket", "Connection: keep-alive", "Connection: upgrade", ...version), "101", x), // prettier-ignore
  row("a WebSocket, Connection with a longer word", get("/x", "Upgrade: websocket", "Connection: upgrades", ...version), "200", x), // prettier-ignore
  row("a WebSocket, Connection with two words", get("/x", "Upgrade: websocket", "Connection: upgrade x", ...version), "200", x), // prettier-ignore
  row("a WebSocket, Connection inside of Upgrade", get("/x", "Upgrade: websocket, upgrade", ...version), "200", x),
  row("a WebSocket without Connection: upgrade", get("/x", "Upgrade: websocket", ...version), "200", x),
  row("a WebSocket with Connection: close", get("/x", "Upgrade: websocket", "Connection: close", ...version), "200 closed", x), // prettier-ignore
  row("a WebSocket in HTTP/1.0", message(["GET /x HTTP/1.0", host, "Upgrade: websocket", socket, ...version]), "200 closed", x), // prettier-ignore
  row("a WebSocket by POST, and a request for a body", post(["Upgrade: websocket", socket, ...version, lengthOf(inner)], inner), "200", `POST /x ${inner}`), // prettier-ignore
  row("a WebSocket by POST in chunks", post(["Upgrade: websocket", socket, ...version, "Transfer-Encoding: chunked"], "5\r\nhello\r\n0\r\n\r\n"), "200", "POST /x hello"), // prettier-ignore
  row("a WebSocket with a control character", get("/x", "Upgrade: websocket\x01", socket, ...version), "200", x),
];

const lines = (count: number, bytes: number) => Array.from({ length: count }, (_, at) => `X-${at}: ${"v".repeat(bytes)}`); // prettier-ignore

/** What is very long, below the bounds and above them. */
export const sizes: readonly Row[] = [
  row("a target of 32 kB, less a line's rest", get(`/${"x".repeat(32_700)}`), "200", `GET /${"x".repeat(32_700)}`),
  row("a target of 32 kB", get(`/${"x".repeat(32_768)}`), "414 closed"),
  row("a target of 1 MB", get(`/${"x".repeat(1e6)}`), "414 closed"),
  row("a header of 32 kB, less its name", get("/x", `X-A: ${"v".repeat(32_700)}`), "200", x),
  row("a header of 32 kB", get("/x", `X-A: ${"v".repeat(32_768)}`), "400 closed"),
  row("a header of 1 MB", get("/x", `X-A: ${"v".repeat(1e6)}`), "400 closed"),
  row("a name of 30 kB", get("/x", `X-${"a".repeat(30_000)}: b`), "200", x),
  row("three headers of 30 kB", get("/x", ...lines(3, 30_000)), "400 closed"),
  row("five headers of 30 kB", get("/x", ...lines(5, 30_000)), "400 closed"),
  row("100 headers", get("/x", ...lines(100, 10)), "200", x),
  row("900 headers", get("/x", ...lines(900, 10)), "200", x),
  row("1100 headers", get("/x", ...lines(1100, 10)), "400 closed"),
  row("20,000 headers", get("/x", ...lines(20_000, 10)), "400 closed"),
  row("a Host of 300 characters", message(["GET /x HTTP/1.1", `Host: ${"a".repeat(300)}`]), "200", x),
  row("900 headers of one name", get("/x", ...Array<string>(900).fill("Cookie: a=b")), "200", x),
];
