import assert from "node:assert/strict";
import { chooseAlias, chooseAttempt, type ExistingBackend } from "../../model/identity";
import { readRecord, writeRecord } from "../../model/record";
import { serversOf } from "../../model/topology";
import { parseStates } from "../../rollout/docker";
import { parseInside } from "../../rollout/observe";
import { formatChange } from "../../rollout/report";
import { unanswered } from "../../rollout/steps/probe";
import { judge, publicQuestions, readCurl } from "../../rollout/steps/public-address";
import { parseInFlight, parseWorkers } from "../../rollout/steps/workers";
import { pool, two } from "../changes";

describe("alias", () => {
  const backend = (slot: string, hash: string, alias = `${slot}-${hash}`): ExistingBackend => ({
    id: alias,
    slot,
    hash,
    alias,
    owner: "own",
  });
  const choose = (slot: string, hash: string, existing: readonly ExistingBackend[]) =>
    chooseAlias(slot, hash, existing, "own");

  it("is slot and hash", () => assert.equal(choose("a-0", "h1", []), "a-0-h1"));

  it("stays that of the container that runs", () => {
    assert.equal(choose("a-0", "h1", [backend("a-0", "h1", "a-0-h1-3")]), "a-0-h1-3");
  });

  it("is another one when an older container has it: going back after a failed change", () => {
    assert.equal(choose("a-0", "h1", [backend("a-0", "h2"), backend("a-0", "h1")]), "a-0-h1-2");
    assert.equal(
      choose("a-0", "h1", [backend("a-0", "h2"), backend("a-0", "h1"), backend("a-0", "h1", "a-0-h1-2")]),
      "a-0-h1-3",
    );
  });

  it("is another one when one of the same content has another identity, or none", () => {
    for (const owner of ["", "another"]) {
      const existing = [{ ...backend("a-0", "h1"), owner }];
      assert.equal(choose("a-0", "h1", existing), "a-0-h1-2");
      assert.equal(chooseAlias("a-0", "h1", existing, undefined), "a-0-h1-2");
    }
  });
});

describe("attempt", () => {
  it("stays for the release that is live and runs, and counts up for any other; where there is none it is the time", () => {
    const live = { id: "x", attempt: 4, isAiling: false };
    assert.equal(chooseAttempt("x", undefined, 1_700_000_000), 1_700_000_000, "a balancer that was removed tells none");
    assert.equal(chooseAttempt("x", live), 4);
    assert.equal(chooseAttempt("x", { ...live, id: "y" }), 5);
    assert.equal(chooseAttempt("x", { ...live, id: undefined }), 5);
    assert.equal(chooseAttempt("x", { ...live, isAiling: true }), 5, "something that was installed does not run");
    assert.equal(chooseAttempt("x", { ...live, attempt: undefined }, 1_700_000_000), 1_700_000_000);
  });
});

describe("record of a release", () => {
  const containers = { "a-0-h1": "1", "a-1-h1": "2" };
  const text = writeRecord(two, { containers, attempt: 3 }, (file) => `hash of ${file.length}`);
  const { id, topology, files } = two;

  it("is read as it was written", () => {
    assert.deepEqual(readRecord(text), {
      schema: 1,
      id,
      files: Object.fromEntries(files.map(({ name, text: content }) => [name, `hash of ${content.length}`])),
      upstreams: topology.upstreams,
      containers,
      attempt: 3,
    });
  });

  it("tells which sites were paused", () => {
    const paused = { ...two, topology: { ...topology, pause: { sites: ["a.example"], holdSeconds: 1 } } };
    const written = writeRecord(paused, { containers, attempt: 3 }, (file) => file);
    assert.deepEqual(readRecord(written)?.pause, { sites: ["a.example"] });
  });

  for (const [what, broken] of [
    ["nothing", ""],
    ["half of a document", text.slice(0, 200)],
    ["another document", "[]"],
    ["null", "null"],
    ["another version's", text.replace('"schema": 1', '"schema": 2')],
    ["an attempt that is no number to count on", text.replace('"attempt": 3', '"attempt": 3.5')],
    ["an attempt of 0", text.replace('"attempt": 3', '"attempt": 0')],
    ["an attempt too large", text.replace('"attempt": 3', `"attempt": ${"9".repeat(400)}`)],
    ["an id that is none", text.replaceAll(id, "../../etc")],
    ["a server without a name", text.replaceAll('"name": "a-0-h1"', '"name": 7')],
  ] as const)
    it(`is none for ${what}`, () => {
      assert.notEqual(broken, text);
      assert.equal(readRecord(broken), undefined);
    });
});

describe("what is inside the balancer", () => {
  const hash = (character: string) => character.repeat(64);
  const record = writeRecord(two, { containers: {}, attempt: 3 }, () => hash("a"));
  const inside = (served: string, ...files: string[]) => `${served}\n0123456789ab\n${files.join("\n")}\n\n${record}`;

  it("is what nginx serves, and the release that lies on the volume as it was installed", () => {
    const files = two.files.map(({ name }) => `${hash("a")}  ${name}`);
    const found = parseInside(inside(two.id, ...files, `${hash("c")}  release.json`));
    assert.deepEqual([found.served, found.volume.release?.id, found.volume.intact], [two.id, two.id, true]);
    assert.equal(found.serving, "0123456789ab");
  });

  it("is not intact when a file is another one, or gone", () => {
    const [first, ...rest] = two.files.map(({ name }) => `${hash("a")}  ${name}`);
    assert.equal(parseInside(inside(two.id, `${hash("b")}  nginx.conf`, ...rest)).volume.intact, false);
    assert.equal(parseInside(inside(two.id, first ?? "")).volume.intact, false);
  });

  it("serves nothing known where nginx doesn't answer, or with another page", () => {
    for (const answer of ["", "<html>", two.id.slice(1)]) assert.equal(parseInside(inside(answer)).served, undefined);
  });

  it("is empty where nothing was installed, and where no text came at all", () => {
    const volume = { release: undefined, intact: false };
    for (const output of ["", "\n\n\n", "\n\n\nevents {}\n"])
      assert.deepEqual(parseInside(output), { served: undefined, serving: "", volume });
  });
});

describe("what a client is answered", () => {
  const asked = { upstream: "backends", host: "localhost", isTls: false };
  const health = { ...asked, path: "/health", shown: "/health", isLast: false };
  const home = { ...asked, path: "/", shown: "/", isLast: true };
  const from = (status: number, server: string, release = two.id) => ({ status, server, release });

  it("is asked for what the apps' own checks ask, and for the first page", () => {
    assert.deepEqual(publicQuestions(two.topology), [[health, home]]);
  });

  const shop = { name: "shop", method: "round_robin", servers: serversOf(pool(["shop-0"]).topology) } as const;
  for (const [what, site, questions] of [
    ["a host", { hosts: ["shop.example"], routes: [{ path: "/" }] }, ["shop.example/health", "shop.example/"]],
    [
      "any host below another",
      { hosts: ["*.shop.example"], routes: [{ path: "/" }] },
      ["any.shop.example/health", "any.shop.example/"],
    ],
    ["a path without the check", { hosts: [], routes: [{ path: "/api" }] }, ["localhost/api"]],
    ["a path with the check", { hosts: [], routes: [{ path: "/health" }] }, ["localhost/health"]],
    [
      "a path that is taken off",
      { hosts: [], routes: [{ path: "/api", strip: "/api" }] },
      ["localhost/api/health", "localhost/api"],
    ],
  ] as const)
    it(`is asked for what clients can ask for, with ${what}`, () => {
      const routes = site.routes.map((route) => ({ strip: "", upstream: "shop", ...route }));
      const asked = publicQuestions({ sites: [{ ...site, routes }], redirects: [], upstreams: [shop] });
      assert.deepEqual(
        asked.map((list) => list.map(({ host, path }) => host + path)),
        [questions],
      );
      assert.deepEqual(
        asked[0]?.map(({ isLast }) => isLast),
        questions.map((_, at) => at === questions.length - 1),
      );
    });

  for (const [what, question, answer, verdict] of [
    ["a backend's 200", health, from(200, "172.18.0.2:5000"), "works"],
    [
      "a backend's 404 for what its check asks",
      health,
      from(404, "1.2.3.4:5000"),
      "a client that asks for /health gets 404",
    ],
    ["a backend's 503", health, from(503, "172.18.0.2:5000"), "a client that asks for /health gets 503"],
    ["a backend's 404 for the first page", home, from(404, "172.18.0.2:5000"), "works"],
    ["a backend's 500 for the first page", home, from(500, "172.18.0.2:5000"), "a client that asks for / gets 500"],
    ["nginx's own 404 for the check", health, from(404, ""), "look further"],
    ["nginx's own 502", health, from(502, ""), "a client that asks for /health gets 502"],
    ["nginx's own redirect", home, from(301, ""), "look further"],
    ["nginx's own refusal of who asks", home, from(401, ""), "look further"],
    [
      "nginx's own refusal of one that an app or a list of addresses doesn't let in",
      home,
      from(403, ""),
      "look further",
    ],
    ["nginx's own refusal of one more request", home, from(429, ""), "look further"],
    ["nginx's own 404 for the first page", home, from(404, ""), "a client that asks for / gets 404 from nginx itself"],
    [
      "another release",
      health,
      from(200, "172.18.0.2:5000", "0".repeat(16)),
      `a client that asks for /health gets 200, not from release ${two.id} of this balancer`,
    ],
    [
      "no answer",
      health,
      { status: undefined, why: "ECONNREFUSED" },
      "a client that asks for /health gets no answer: ECONNREFUSED",
    ],
  ] as const)
    it(`is judged: ${what}`, () => assert.equal(judge(question, answer, two), verdict));

  it("is read from curl", () => {
    assert.deepEqual(readCurl(`200 ${two.id} 172.18.0.2:5000, 172.18.0.3:5000`), {
      status: 200,
      release: two.id,
      server: "172.18.0.2:5000, 172.18.0.3:5000",
    });
    assert.deepEqual(readCurl("404 "), { status: 404, release: "", server: "" });
    assert.deepEqual(readCurl("000 "), { status: undefined, why: "no connection" });
  });
});

describe("probes", () => {
  const output = [
    "",
    "probe a-1 200 172.18.0.2:5000",
    "",
    "probe b-1 503 172.18.0.3:5000",
    "",
    "probe c-1 200 172.18.0.2:5000",
    "",
    "probe d-1 000 ",
    "",
    "probe e-1 502 ",
    "address a-1 172.18.0.2",
    "address b-1 172.18.0.3",
    "address c-1 172.18.0.4",
    "address d-1 172.18.0.5",
    "address e-1 172.18.0.6",
    "",
  ].join("\n");

  it("count only an answer 200 from the server that was asked", () => {
    assert.deepEqual(
      [...unanswered(["a-1", "b-1", "c-1", "d-1", "e-1", "f-1"], output)],
      [
        ["b-1", "answered 503 instead of 200"],
        ["c-1", "not reachable through the balancer"],
        ["d-1", "no answer"],
        ["e-1", "not reachable through the balancer"],
        ["f-1", "its name has no address"],
      ],
    );
  });
});

describe("workers", () => {
  it("are the nginx workers among the children of process 1, and those that leave", () => {
    assert.deepEqual(
      parseWorkers(
        "7 nginx: worker process \n9 nginx: worker process is shutting down \n12 nginx: cache manager process \n13 sh \n",
      ),
      [
        { pid: 7, leaving: false },
        { pid: 9, leaving: true },
      ],
    );
  });

  it("have in flight what is established to a backend", () => {
    const output = [
      "lrwx------ 1 10001 10001 64 Nov 23 01:00 3 -> 'socket:[100]'",
      "lrwx------ 1 10001 10001 64 Nov 23 01:00 4 -> socket:[101]",
      "lrwx------ 1 10001 10001 64 Nov 23 01:00 5 -> 'socket:[102]'",
      "l-wx------ 1 10001 10001 64 Nov 23 01:00 1 -> 'pipe:[5]'",
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
      "   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 10001        0 99 1 0 100 0 0 10 0",
      "   1: 020012AC:1F90 010012AC:C350 01 00000000:00000000 00:00000000 00000000 10001        0 100 1 0 20 4 30 10 -1",
      "   2: 020012AC:B000 030012AC:1388 01 00000000:00000000 02:00000000 00000000 10001        0 101 2 0 20 4 30 10 -1",
      "   3: 020012AC:B001 030012AC:1388 08 00000000:00000000 00:00000000 00000000 10001        0 102 1 0 20 4 30 10 -1",
      "   4: 020012AC:B002 030012AC:1388 01 00000000:00000000 00:00000000 00000000 10001        0 103 1 0 20 4 30 10 -1",
    ].join("\n");
    assert.equal(parseInFlight(output, 8080), 1);
  });
});

describe("container states", () => {
  it("are read line by line, whatever else docker prints", () => {
    assert.deepEqual(
      parseStates(
        'id1\t/one\trunning\t0\t0\thealthy\t3000000000\t["CMD-SHELL","ask 5000"]\tfalse\t192.0.2.1 192.0.2.2 \n\nid2\t/two\trestarting\t1\t4\tnone\t0\t[]\ttrue\t\n',
      ),
      [
        {
          id: "id1",
          name: "one",
          status: "running",
          exitCode: 0,
          restarts: 0,
          isOutOfMemory: false,
          addresses: ["192.0.2.1", "192.0.2.2"],
          health: "healthy",
          healthInterval: 3,
          healthCommand: ["sh", "-c", "ask 5000"],
        },
        {
          id: "id2",
          name: "two",
          status: "restarting",
          exitCode: 1,
          restarts: 4,
          isOutOfMemory: true,
          addresses: [],
          health: "none",
          healthInterval: 0,
          healthCommand: [],
        },
      ],
    );
  });
});

describe("report of a change", () => {
  it("names what was added and removed, each step's seconds, and what was in flight", () => {
    const change = {
      at: "2026-01-02T03:04:05.678Z",
      configBefore: "1111111111111111",
      configAfter: "2222222222222222",
      added: ["a-0-h2"],
      removed: ["a-0-h1", "b-0-h1"],
      sick: [],
      seconds: { candidate: 1.234, drain: 0.5 },
      inFlight: { drainBegan: 3, drainEnded: 0 },
    };
    assert.equal(
      formatChange(change),
      `balancer: configuration 1111111111111111 -> 2222222222222222
  +1: a-0-h2
  -2: a-0-h1, b-0-h1
  candidate 1.23 s, drain 0.50 s
  requests in flight: 3 as the drain began, 0 at its end`,
    );
    assert.equal(
      formatChange({ ...change, configBefore: change.configAfter, added: [], removed: [] }),
      "balancer: configuration 2222222222222222 serves\n  candidate 1.23 s, drain 0.50 s",
    );
  });
});
