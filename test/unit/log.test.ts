import assert from "node:assert/strict";
import { isWanted, readLogLine, showLogLine, type LogFilter, type LogLine, type Names } from "../../model/log";
import { releaseOf } from "../../nginx/render/config";
import { topologyOf } from "../../model/topology";
import { sinceOf } from "../../scripts/logs";
import { settings } from "../components";

const raw = {
  time: 1795946704.223,
  id: "4959",
  client: "192.0.2.7",
  site: "*.shop.example",
  host: "a.shop.example",
  route: "/api",
  method: "GET",
  target: "/api/x?a=b",
  protocol: "HTTP/2.0",
  tls: "TLSv1.3",
  status: "200",
  bytes: 418,
  received: 110,
  seconds: 0.503,
  upstream: "shop",
  addresses: "172.18.0.2:5000, 172.18.0.3:5000 : 172.18.0.9:5000",
  statuses: "502, - : 200",
  times: "0.001, 0.500 : 0.002",
  cache: "",
  agent: "curl",
};
const known = (): Names =>
  new Map([
    ["172.18.0.2:5000", { app: "shop", backend: "shop-0-aaaaaaaaaa" }],
    ["172.18.0.3:5000", { app: "blog", backend: "blog-0-bbbbbbbbbb" }],
  ]);
const read = (change: Partial<typeof raw> = {}) => {
  const line = readLogLine(JSON.stringify({ ...raw, ...change }), known());
  assert.ok(line !== undefined);
  return line;
};

describe("the log of requests", () => {
  it("tells of each attempt whose backend it was, with its status and time, in the order of nginx's lists", () => {
    const same = Object.entries(raw).filter(([name]) => !/^(?:upstream|addresses|statuses|times)$/.test(name));
    assert.deepEqual(read(), {
      ...Object.fromEntries(same),
      kind: "request",
      time: "2026-11-29T10:05:04.223Z",
      status: 200,
      app: "",
      backend: "",
      attempts: [
        { address: "172.18.0.2:5000", app: "shop", backend: "shop-0-aaaaaaaaaa", status: 502, seconds: 0.001 },
        { address: "172.18.0.3:5000", app: "blog", backend: "blog-0-bbbbbbbbbb", seconds: 0.5 },
        { address: "172.18.0.9:5000", app: "", backend: "", status: 200, seconds: 0.002 },
      ],
    });
  });

  for (const [what, change, attempts, backend] of [
    ["no server was asked", { addresses: "", statuses: "", times: "" }, [], ""],
    ["none was there", { addresses: "shop", statuses: "502", times: "0.000" }, ["shop 502"], ""],
    [
      "it had to wait, and asked nginx itself meanwhile",
      { addresses: "unix:/tmp/nginx/control.sock:, 172.18.0.2:5000", statuses: "503, 200", times: "1.000, 0.001" },
      ["172.18.0.2:5000 200"],
      "shop-0-aaaaaaaaaa",
    ],
  ] as const)
    it(`has the attempts of a request where ${what}`, () => {
      const line = read(change);
      const got = line.attempts.map(({ address, status }) => `${address} ${status}`);
      assert.deepEqual([got, line.backend], [attempts, backend]);
    });

  it("learns whose an address is, and that it has become another's", () => {
    const names: Names = new Map();
    const line = JSON.stringify({ ...raw, addresses: "10.0.0.1:80", statuses: "200", times: "0.1" });
    const backends = ["a-0-0000000000", "b-0-1111111111"].map((backend) => {
      const told = { time: 1, address: "10.0.0.1:80", app: backend.slice(0, 1), backend };
      assert.equal(readLogLine(JSON.stringify(told), names), undefined);
      return readLogLine(line, names)?.backend;
    });
    assert.deepEqual(backends, ["a-0-0000000000", "b-0-1111111111"]);
  });

  for (const line of ["", "{", JSON.stringify(raw).slice(0, 90), "[]", "null", JSON.stringify({ ...raw, bytes: "1" })])
    it(`passes over what is no whole line: ${line.slice(0, 20)}`, () =>
      assert.equal(readLogLine(line, new Map()), undefined));

  it("has just the fields that nginx is told to write", () => {
    const server = { name: "app1-0-aaaaaaaaaa", port: 5000, weight: 1, health: { path: "/", host: "a" } };
    const { files } = releaseOf(topologyOf({ ...settings, accessLog: "json" }, [server]));
    const [, format = ""] = /log_format json escape=json ([^;]+);/.exec(files[0]?.text ?? "") ?? [];
    const line = format.replace(/'|\n\s*/g, "").replace(/:(\$\w+)/g, ":0");
    assert.deepEqual(Object.keys(JSON.parse(line) as object), Object.keys(raw));
  });
});

describe("lines of the log", () => {
  const nginx: LogLine = { kind: "nginx", time: "2026-11-29T10:05:04.000Z", app: "", backend: "", text: "[warn]\ta\u001b[2Jb" }; // prettier-ignore
  const backend: LogLine = { kind: "backend", time: "2026-11-29T10:05:05.000Z", app: "shop", backend: "shop-0-aaaaaaaaaa", text: "started" }; // prettier-ignore
  const failed = read({ status: "502", site: "any" });
  const none = read({ status: "000", addresses: "", statuses: "", times: "" });
  const all = { nginx, backend, request: read(), failed, none };

  for (const [filter, expected] of [
    [{}, ["nginx", "backend", "request", "failed", "none"]],
    [{ site: "any" }, ["failed"]],
    [{ status: ["5xx"] }, ["failed"]],
    [{ status: ["404", "200"] }, ["request"]],
    [{ status: ["4xx"] }, []],
    [{ id: "4959", site: "any" }, ["failed"]],
    [{ id: "495" }, []],
    [{ app: "shop" }, ["backend", "request", "failed"]],
    [{ backend: "blog-0-bbbbbbbbbb" }, ["request", "failed"]],
    [{ app: "shop", only: "backends" }, ["backend"]],
    [{ only: "nginx" }, ["nginx"]],
    [{ only: "requests" }, ["request", "failed", "none"]],
    [{ since: "2026-11-29T10:05:04.223Z" }, ["backend", "request", "failed", "none"]],
  ] as [LogFilter, string[]][])
    it(`are wanted by ${JSON.stringify(filter)}: ${expected.join(", ") || "none"}`, () => {
      const got = Object.entries(all).flatMap(([name, line]) => (isWanted(line, filter) ? name : []));
      assert.deepEqual(got, expected);
    });

  const painted = (line: LogLine) => showLogLine(line, (style, text) => `<${style}:${text}>`);
  for (const [line, expected] of [
    [
      read(),
      "<dim:10:05:04.223> <green:200> GET a.shop.example/api/x?a=b 0.503 s <cyan:shop-0-aaaaaaaaaa 502 > blog-0-bbbbbbbbbb - > 172.18.0.9:5000 200> <dim:4959>",
    ],
    [
      read({ status: "404", addresses: "172.18.0.2:5000", statuses: "404", times: "0.1" }),
      "<dim:10:05:04.223> <yellow:404> GET a.shop.example/api/x?a=b 0.503 s <cyan:shop-0-aaaaaaaaaa> <dim:4959>",
    ],
    [none, "<dim:10:05:04.223> <red:000> GET a.shop.example/api/x?a=b 0.503 s <dim:4959>"],
    [nginx, "<dim:10:05:04.000> <cyan:nginx> [warn]\ta\\x1b[2Jb"],
    [backend, "<dim:10:05:05.000> <cyan:shop-0-aaaaaaaaaa> started"],
  ] as const)
    it(`are shown to people: ${expected}`, () => assert.equal(painted(line), expected));

  it("of strangers command no terminal", () =>
    assert.match(painted(read({ target: "/\u001b]0;x\u0007\u009b\n" })), /\/\\x1b\]0;x\\x07\\x9b\\x0a 0/));
});

describe("the time since when", () => {
  const now = new Date("2026-11-29T10:00:00Z");
  for (const [text, expected] of [
    ["90s", "2026-11-29T09:58:30.000Z"],
    ["10m", "2026-11-29T09:50:00.000Z"],
    ["2h", "2026-11-29T08:00:00.000Z"],
    ["1d", "2026-11-28T10:00:00.000Z"],
    ["2026-01-31T10:00:00+01:00", "2026-01-31T09:00:00.000Z"],
  ] as const)
    it(`is ${expected} for ${text}`, () => assert.equal(sinceOf(text, now), expected));
  it("is named where it is none", () => assert.throws(() => sinceOf("soon", now), /--since: got soon, expected for/));
});
