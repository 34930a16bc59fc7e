import { connect } from "node:net";
import { text } from "node:stream/consumers";

/** A request that a recording backend has got, each character a byte. */
export interface Recorded {
  /** The connection that it has come by. */
  readonly connection: number | string;
  /** Up to the empty line, and with it. */
  readonly head: string;
  /** None: it has not come as a whole. */
  readonly body: string | null;
  /** What has come after an upgrade. */
  readonly tunnel: string;
}

interface Report {
  readonly requests: readonly Recorded[];
  /** Bytes that are no request. */
  readonly strays: readonly string[];
}

/** What a recording backend has got since it was asked last. */
export async function recordedAt(host: string): Promise<Report> {
  return JSON.parse(await text(connect({ host, port: 5001 }))) as Report;
}

/** A request in a line: method, target, and the body where there is one. */
export function told({ head, body, tunnel }: Recorded): string {
  const line = head.slice(0, head.lastIndexOf(" ", head.indexOf("\r\n")));
  return [line, body ?? "(part of a body)", tunnel && `(tunnel) ${tunnel}`].filter(Boolean).join(" ");
}

const names = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/**
 * What another reader of HTTP/1.1 could understand otherwise about a head (RFC 9112, 2 to 6): its bytes must have one meaning, whatever
 * the client has sent.
 */
export function ambiguities({ head, tunnel }: Recorded): string[] {
  const [line = "", ...fields] = head.slice(0, -4).split("\r\n");
  const count = (name: string) => fields.filter((field) => field.toLowerCase().startsWith(`${name}:`)).length;
  const framed = count("content-length") + count("transfer-encoding");
  const length = /^content-length:(.*)$/im.exec(head)?.[1] ?? " 0";
  const checks: readonly (readonly [isWrong: boolean, what: string])[] = [
    [!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+ [^\0- \x7f]+ HTTP\/1\.[01]$/.test(line), `line ${JSON.stringify(line)}`],
    ...fields.map((field) => [!names.test(field.split(":")[0] ?? "") || !field.includes(":"), `name in ${JSON.stringify(field)}`] as const), // prettier-ignore
    ...fields.map((field) => [/[\0\r\n]/.test(field), `value in ${JSON.stringify(field)}`] as const),
    [framed > 1, "two lengths"],
    [!/^ ?\d{1,15}$/.test(length), `length${length}`],
    [count("transfer-encoding") > 0 && !/^transfer-encoding: ?chunked$/im.test(head), "coding"],
    [count("host") > 1 || (count("host") === 0 && line.endsWith("1.1")), `${count("host")} hosts`],
    [tunnel !== "" && !/^upgrade: ?websocket$/im.test(head), "a tunnel that nobody has asked for"],
  ];
  return checks.flatMap(([isWrong, what]) => (isWrong ? [what] : []));
}
