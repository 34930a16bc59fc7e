import { get, host, inner, message, post, row, type Row } from "./row";

const body = "5\r\nhello\r\n0\r\n\r\n";
const coding = (value: string, ...more: string[]) => post([`Transfer-Encoding:${value}`, ...more], body);
const lengthOf = (text: string) => `Content-Length: ${text.length}`;

/** Bodies by their Transfer-Encoding (RFC 9112, 6.1 and 6.3). */
export const codings: readonly Row[] = [
  row("chunked", coding(" chunked"), "200", "POST /x hello"),
  row("Chunked", coding(" Chunked"), "200", "POST /x hello"),
  row("CHUNKED", coding(" CHUNKED"), "200", "POST /x hello"),
  row("spaces around it", coding("  chunked  "), "200", "POST /x hello"),
  row("a tab before it", coding("\tchunked"), "501 closed"),
  row("a tab after it", coding(" chunked\t"), "501 closed"),
  row("a vertical tab before it", coding(" \vchunked"), "501 closed"),
  row("a vertical tab after it", coding(" chunked\v"), "501 closed"),
  row("a form feed before it", coding(" \fchunked"), "501 closed"),
  row("a no-break space before it", coding(" \xa0chunked"), "501 closed"),
  row("NUL after it", coding(" chunked\0"), "400 closed"),
  row("bare CR before it", coding(" \rchunked"), "400 closed"),
  row("CR CR LF after it", coding(" chunked\r"), "200", "POST /x hello"),
  row("chunked, identity", coding(" chunked, identity"), "501 closed"),
  row("identity, chunked", coding(" identity, chunked"), "501 closed"),
  row("identity", coding(" identity"), "501 closed"),
  row("gzip, chunked", coding(" gzip, chunked"), "501 closed"),
  row("chunked, gzip", coding(" chunked, gzip"), "501 closed"),
  row("gzip", coding(" gzip"), "501 closed"),
  row("chunked, chunked", coding(" chunked, chunked"), "501 closed"),
  row("chunked and a comma", coding(" chunked,"), "501 closed"),
  row("a comma and chunked", coding(" ,chunked"), "501 closed"),
  row("xchunked", coding(" xchunked"), "501 closed"),
  row("chunkedx", coding(" chunkedx"), "501 closed"),
  row("chunk", coding(" chunk"), "501 closed"),
  row("chunked with a parameter", coding(" chunked;q=1"), "501 closed"),
  row("in quotes", coding(' "chunked"'), "501 closed"),
  row("in single quotes", coding(" 'chunked'"), "501 closed"),
  row("in brackets", coding(" [chunked]"), "501 closed"),
  row("a space inside", coding(" chun ked"), "501 closed"),
  row("empty", coding(""), "501 closed"),
  row("twice chunked", coding(" chunked", "Transfer-Encoding: chunked"), "400 closed"),
  row("chunked, then identity in another line", coding(" chunked", "Transfer-Encoding: identity"), "400 closed"),
  row("identity, then chunked in another line", coding(" identity", "Transfer-Encoding: chunked"), "400 closed"),
  row("empty, then chunked in another line", coding("", "Transfer-Encoding: chunked"), "400 closed"),
  row("a fold before it", post(["Transfer-Encoding:", " chunked"], body), "400 closed"),
  row("a fold with a tab before it", post(["Transfer-Encoding:", "\tchunked"], body), "400 closed"),
  row("a fold after it", post(["Transfer-Encoding: chunked", " , identity"], body), "400 closed"),
  row("a fold that hides it", post(["X-A: b", " Transfer-Encoding: chunked"], body), "400 closed"),
  row("a space before its name, in the first line", message(["POST /x HTTP/1.1", " Transfer-Encoding: chunked", host], body), "400 closed"), // prettier-ignore
  row("a space before the colon", post(["Transfer-Encoding : chunked"], body), "400 closed"),
  row("a tab before the colon", post(["Transfer-Encoding\t: chunked"], body), "400 closed"),
  row("no space after the colon", coding("chunked"), "200", "POST /x hello"),
  row("NUL in its name", post(["Transfer\0-Encoding: chunked"], body), "400 closed"),
  row("a control character before its name", post(["\x01Transfer-Encoding: chunked"], body), "400 closed"),
  row("after a bare LF", post(["X-A: b\nTransfer-Encoding: chunked"], body), "200", "POST /x hello"),
  row("after a bare CR", post(["X-A: b\rTransfer-Encoding: chunked"], body), "400 closed"),
  row("after LF CR", post(["X-A: b\n\rTransfer-Encoding: chunked"], body), "400 closed"),
  row("with an underscore: chunks are no request", post(["Transfer_Encoding: chunked"], body), "200 400 closed", "POST /x"), // prettier-ignore
  row("in HTTP/1.0", message(["POST /x HTTP/1.0", host, "Transfer-Encoding: chunked"], body), "400 closed"),
  row("in HTTP/1.0, and a length", message(["POST /x HTTP/1.0", host, "Transfer-Encoding: chunked", lengthOf(body)], body), "400 closed"), // prettier-ignore
  row("a GET", message(["GET /x HTTP/1.1", host, "Transfer-Encoding: chunked"], body), "200", "GET /x hello"),
  row("and a length, of the chunks", coding(" chunked", lengthOf(body)), "400 closed"),
  row("and a length before it", post(["Content-Length: 5", "Transfer-Encoding: chunked"], body), "400 closed"),
  row("and a length of 0", coding(" chunked", "Content-Length: 0"), "400 closed"),
  row("and a length by which the last chunk is followed by a request", post(["Content-Length: 6", "Transfer-Encoding: chunked"], `0\r\n\r\n${inner}`), "400 closed"), // prettier-ignore
  row("and a length by which a request is the body", post([lengthOf(`0\r\n\r\n${inner}`), "Transfer-Encoding: chunked"], `0\r\n\r\n${inner}`), "400 closed"), // prettier-ignore
  row("unknown, and a length", coding(" xchunked", lengthOf(body)), "501 closed"),
  row("identity, and a length", coding(" identity", lengthOf(body)), "501 closed"),
  row("with a tab before it, and a length", coding("\tchunked", lengthOf(body)), "501 closed"),
  row("a space before the colon, and a length", post(["Transfer-Encoding : chunked", lengthOf(body)], body), "400 closed"), // prettier-ignore
  row("one that Connection names", post(["Connection: Transfer-Encoding", "Transfer-Encoding: chunked"], body), "200", "POST /x hello"), // prettier-ignore
  row("in TE alone", message(["GET /x HTTP/1.1", host, "TE: chunked"]), "200", "GET /x"),
  row("in Content-Encoding alone, with a length", post(["Content-Encoding: chunked", "Content-Length: 5"], "hello"), "200", "POST /x hello"), // prettier-ignore
  row("unknown, and a request after it", `${coding(" xchunked")}${get("/y")}`, "501 closed"),
];
