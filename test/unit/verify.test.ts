import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import fc from "fast-check";
import { topologyOf } from "../../model/topology";
import { settings } from "../components";
import { Books, type Account } from "../../scripts/load/books";
import { engineVersion, projectRoot } from "../../scripts/setup/project";
import type { EngineRun } from "../../scripts/verify/engine";
import { formatProgress } from "../../scripts/verify/progress";
import { parseVerifyOptions } from "../../scripts/verify/options";
import { formatReport, reportOf, resultOf } from "../../scripts/verify/report";
import { excusableOfKill, planLoad, planSteps, postProfile } from "../../scripts/verify/steps";
import { essenceOf, lastLines, servingBackends } from "../../scripts/verify/target";

describe("options of verify", () => {
  it("have defaults", () => {
    assert.deepEqual(parseVerifyOptions([]), {
      stack: "dev",
      path: undefined,
      host: undefined,
      post: undefined,
      clients: 8,
      seconds: 900,
      configFile: undefined,
      json: false,
    });
  });

  it("are taken as given", () => {
    const args = "--stack a --path /x?y=1 --post /z --clients 64 --seconds 10 --config-file /c.yaml --json".split(" ");
    assert.deepEqual(parseVerifyOptions(args), {
      stack: "a",
      path: "/x?y=1",
      host: undefined,
      post: "/z",
      clients: 64,
      seconds: 10,
      configFile: "/c.yaml",
      json: true,
    });
  });

  it("are refused all at once, each with its value and what is allowed", () => {
    const args = ["--stack", "a b", "--path", "x", "--post", "/a b", "--clients", "65", "--seconds", "1.5"];
    assert.throws(() => parseVerifyOptions(args), {
      exitCode: 2,
      message: [
        '--stack: got "a b", expected a stack\'s name',
        '--path: got "x", expected a path that starts with /',
        '--post: got "/a b", expected a path that starts with /',
        '--clients: got "65", expected an integer from 2 to 64',
        '--seconds: got "1.5", expected an integer from 10 to 7200',
      ].join("\n"),
    });
  });

  it("that don't exist are named", () => {
    assert.throws(() => parseVerifyOptions(["--fast"]), { exitCode: 2, message: /'--fast'/ });
  });
});

describe("steps of verify", () => {
  it("come in order, with the scaled and the original count", () => {
    assert.deepEqual(
      planSteps(2, 2, "r1").map((step) => [step.name, ...("backends" in step ? [step.config, step.backends] : [])]),
      [
        ["steady"],
        ["scale up", { backendCount: "4" }, 4],
        ["scale down", {}, 2],
        ["roll", { revision: "r1" }, 2],
        ["refused config"],
        ["killed backend"],
        ["replaced balancer"],
        ["restore"],
      ],
    );
  });

  it("count the backends that apps don't share, too, and scale nothing where they share none", () => {
    const scaled = planSteps(5, 2, "r1").flatMap((step) =>
      step.kind === "change" ? [[step.config, step.backends]] : [],
    );
    assert.deepEqual(scaled, [
      [{ backendCount: "4" }, 7],
      [{}, 5],
      [{ revision: "r1" }, 5],
    ]);
    assert.deepEqual(
      planSteps(5, 0, "r1").map(({ name }) => name),
      ["steady", "roll", "refused config", "killed backend", "replaced balancer", "restore"],
    );
  });

  it("keep the rolled revision while a config is refused and the balancer is replaced, or those would roll back first", () => {
    const replacement = planSteps(2, 2, "r1").find(({ kind }) => kind === "replacement");
    assert.deepEqual(replacement, { kind: "replacement", name: "replaced balancer", config: { revision: "r1" } });
    const refusal = planSteps(2, 2, "r1").find(({ kind }) => kind === "refusal");
    assert.deepEqual(refusal, {
      kind: "refusal",
      name: "refused config",
      config: { revision: "r1", serverConfig: "refused_by_verify on;" },
      words: 'unknown directive "refused_by_verify"',
    });
  });

  for (const [backends, names, other] of [
    [198, ["scale up", "scale down"], 200],
    [199, ["scale down", "scale up"], 197],
    [200, ["scale down", "scale up"], 198],
  ] as const) {
    it(`stay within 200 backends, from ${backends}`, () => {
      const [, first, second] = planSteps(backends, backends, "r1");
      assert.deepEqual([first?.name, second?.name], names);
      assert.equal(first?.kind === "change" && first.backends, other);
    });
  }
});

describe("load of verify", () => {
  it("is dealt to all kinds of requests, all clients at work", () => {
    const post = fc.option(fc.constant("/echo"), { nil: undefined });
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 64 }), post, fc.boolean(), (clients, path, isTls) => {
        const counts = planLoad({ path: "/", isTls }, path, clients).map((one) => one.clients * (one.streams ?? 1));
        assert.equal(
          counts.reduce((sum, count) => sum + count, 0),
          clients,
        );
        assert.ok(Math.max(...counts) - Math.min(...counts) <= 1 && Math.min(...counts) >= 1);
      }),
    );
  });

  it("has POSTs only where they are wanted", () => {
    assert.deepEqual(
      planLoad({ path: "/a", isTls: false }, undefined, 8).map(({ method, path, keepAlive, clients }) => [
        method,
        path,
        keepAlive,
        clients,
      ]),
      [
        ["GET", "/a", true, 4],
        ["GET", "/a", false, 4],
      ],
    );
    const [, , posts] = planLoad({ path: "/a", isTls: false }, "/b", 8);
    assert.deepEqual([posts?.method, posts?.path, posts?.clients], ["POST", "/b", 2]);
    assert.notEqual(posts?.body?.(), posts?.body?.());
  });
});

describe("load of verify over TLS", () => {
  it("asks by HTTP/2, too, for several things at a time on one connection", () => {
    assert.deepEqual(
      planLoad({ host: "shop.example", path: "/a", isTls: true }, "/b", 16).map((one) => [
        one.name,
        one.host,
        one.protocol ?? "http/1.1",
        one.clients,
        one.streams ?? 1,
      ]),
      [
        ["kept GET", "shop.example", "http/1.1", 4, 1],
        ["fresh GET", "shop.example", "http/1.1", 4, 1],
        ["HTTP/2 GET", "shop.example", "http/2", 1, 4],
        [postProfile, "shop.example", "http/1.1", 4, 1],
      ],
    );
  });
});

describe("a killed backend", () => {
  it("may take along the POSTs that it has, those that show nginx that it is dead, and answers that it has begun", () => {
    assert.deepEqual(excusableOfKill(planLoad({ path: "/", isTls: false }, "/echo", 8)), { posts: 5, truncated: 6 });
    for (const isTls of [false, true])
      assert.deepEqual(excusableOfKill(planLoad({ path: "/", isTls }, undefined, 8)), { posts: 0, truncated: 8 });
  });
});

describe("report of verify", () => {
  /** Books with so many right answers, and so many losses of a profile. */
  function books(
    answered: number,
    lost: number,
    profile = "kept GET",
    outcome: "reset" | "truncated" = "reset",
  ): Account {
    const all = new Books(0);
    for (let number = 0; number < answered + lost; number++) {
      all.enterSent(profile);
      const end =
        number < answered
          ? ({ outcome: "answered", milliseconds: 2 } as const)
          : ({ outcome, milliseconds: 1, reason: "ECONNRESET" } as const);
      all.enterEnd(profile, end, 1500, true);
    }
    return all.account(2000);
  }
  const run = { stack: "dev", url: "http://127.0.0.1:8080", problems: [], notes: [] };
  const reportOfRoll = (lost: number) =>
    reportOf({ ...run, steps: [resultOf("roll", 7.25, books(10, lost)), resultOf("restore", 3, books(5, 0))] });

  it("is good when all was answered", () => {
    const report = reportOfRoll(0);
    assert.deepEqual([report.ok, report.problems], [true, []]);
    assert.equal(
      formatReport(report),
      [
        "┌─────────┬─────────┬──────┬──────────┬──────┬────────┬────────┬────────┐",
        "│ step    │ seconds │ sent │ answered │ lost │ p50 ms │ p99 ms │ max ms │",
        "├─────────┼─────────┼──────┼──────────┼──────┼────────┼────────┼────────┤",
        "│ roll    │     7.3 │   10 │       10 │    0 │      2 │      2 │      2 │",
        "│ restore │       3 │    5 │        5 │    0 │      2 │      2 │      2 │",
        "└─────────┴─────────┴──────┴──────────┴──────┴────────┴────────┴────────┘",
        "Verified: 0 of 15 requests lost.",
      ].join("\n"),
    );
  });

  it("tells handshakes, and what moved on, of which nothing is lost", () => {
    const all = new Books(0);
    for (const resumed of [false, true, true]) all.enterHandshake("kept GET", resumed);
    all.enterSent("HTTP/2 GET");
    all.enterMovedOn("HTTP/2 GET");
    all.enterEnd("HTTP/2 GET", { outcome: "answered", milliseconds: 1 }, 1, true);
    const step = resultOf("roll", 1, all.account(2));
    assert.deepEqual([step.lost, step.movedOn, step.fullHandshakes, step.resumedHandshakes], [0, 1, 1, 2]);
    const text = formatReport(reportOf({ ...run, steps: [step, step] }));
    assert.match(text, /^TLS handshakes: 2 in full, 4 resumed\.$/m);
    assert.match(text, /^Sent once more, as HTTP\/2 has it for what was not processed: 2\.$/m);
    assert.match(text, /^Verified: 0 of 2 requests lost\.$/m);
  });

  it("is bad for one lost request, and shows it", () => {
    const report = reportOfRoll(1);
    assert.deepEqual([report.ok, report.problems], [false, ["roll: 1 of 11 requests lost"]]);
    const text = formatReport(report);
    assert.match(text, /^The first losses:\n {2}roll, after 1\.5 s, kept GET: ECONNRESET$/m);
    assert.match(text, /^Not verified:\n {2}roll: 1 of 11 requests lost$/m);
  });

  it("is bad for a step that did not do what it should, and for one without requests", () => {
    const failed = { ...resultOf("roll", 7, books(10, 0)), problem: "the update failed" };
    assert.deepEqual(reportOf({ ...run, steps: [failed, resultOf("restore", 1, books(0, 0))] }).problems, [
      "roll: the update failed",
      "restore: no request was sent, so nothing is proven",
    ]);
  });

  it("is bad for what belongs to no step", () => {
    const report = reportOf({ ...run, steps: [resultOf("roll", 1, books(1, 0))], problems: ["interrupted"] });
    assert.deepEqual([report.ok, report.problems], [false, ["interrupted"]]);
  });

  it("excuses lost POSTs and answers that had begun up to the limit, and no other GET", () => {
    const lost = (account: Account, posts: number, begun: number) => {
      const { lost, excused, truncated } = resultOf("killed backend", 1, account, { posts, truncated: begun });
      return [lost, excused, truncated];
    };
    const posts = (count: number) => books(9, count, postProfile);
    const gets = (count: number, outcome: "reset" | "truncated") => books(9, count, "kept GET", outcome);
    assert.deepEqual(lost(posts(2), 3, 0), [0, 2, 0]);
    assert.deepEqual(lost(posts(5), 3, 9), [2, 3, 0]);
    assert.deepEqual(lost(posts(2), 0, 9), [2, 0, 0]);
    assert.deepEqual(lost(gets(2, "reset"), 3, 9), [2, 0, 0]);
    assert.deepEqual(lost(gets(2, "truncated"), 3, 9), [0, 0, 2]);
    assert.deepEqual(lost(gets(5, "truncated"), 3, 4), [1, 0, 4]);
    assert.equal(resultOf("roll", 1, gets(1, "truncated")).lost, 1);
    const excusable = { posts: 3, truncated: 3 };
    const text = (account: Account) =>
      formatReport(reportOf({ ...run, steps: [resultOf("killed backend", 1, account, excusable)] }));
    assert.match(text(posts(2)), /^killed backend: POSTs not counted, since the killed backend had them: 2\.$/m);
    assert.match(
      text(gets(1, "truncated")),
      /^killed backend: answers not counted, since the killed backend had begun them: 1\.$/m,
    );
  });
});

describe("live line of verify", () => {
  it("tells the step, its seconds and the books", () => {
    assert.equal(formatProgress("4/7 roll", 12.9, { sent: 12345, lost: 0 }), "4/7 roll: 12 s, 12,345 sent, 0 lost");
    assert.equal(formatProgress("looking at the stack", 0.2), "looking at the stack: 0 s");
  });
});

describe("stack under verify", () => {
  const backend = (slot: string, hash: string, number = "") => ({
    id: slot,
    slot,
    hash,
    alias: `${slot}-${hash}${number}`,
    owner: "",
  });
  const installed = (backends: readonly { alias: string }[], weight = 1) => ({
    id: "0123456789abcdef",
    topology: topologyOf(
      settings,
      backends.map(({ alias: name }) => ({ name, port: 5000, weight, health: { path: "/health", host: "localhost" } })),
    ),
  });
  const serving = (...backends: ReturnType<typeof backend>[]) => ({ backends, installed: installed(backends) });

  it("is the same when only the numbers of its aliases differ", () => {
    const plain = serving(backend("a-0", "0123456789"), backend("a-1", "abcdef0123"));
    const numbered = serving(backend("a-0", "0123456789", "-2"), backend("a-1", "abcdef0123"));
    assert.notDeepEqual(plain.installed, numbered.installed);
    assert.equal(essenceOf(plain), essenceOf(numbered));
    assert.deepEqual(JSON.parse(essenceOf(plain)), plain.installed.topology);
  });

  it("is another one with another backend", () => {
    assert.notEqual(essenceOf(serving(backend("a-0", "0123456789"))), essenceOf(serving(backend("a-0", "9876543210"))));
  });

  it("serves from the backends that get requests", () => {
    const backends = [backend("a-0", "0123456789"), backend("a-1", "abcdef0123")];
    assert.deepEqual(servingBackends({ backends, installed: installed(backends) }, "backends"), backends);
    assert.deepEqual(servingBackends({ backends, installed: installed(backends) }, "other"), []);
    assert.deepEqual(servingBackends({ backends, installed: installed(backends, 0) }, "backends"), []);
  });

  it("shows the end of the engine's output without empty lines", () => {
    const output = Array.from({ length: 40 }, (_, line) => `line ${line}\n\n`).join("");
    assert.deepEqual(lastLines(output).split("\n").slice(0, 2), ["  line 25", "  line 26"]);
  });
});

describe("the engine under verify", () => {
  let home: string;
  beforeEach(async () => (home = await mkdtemp(join(tmpdir(), "nlb-engine-"))));
  afterEach(() => rm(home, { recursive: true, force: true }));

  /** How a run of an engine ends that is this shell script. */
  async function runOf(script: string): Promise<EngineRun> {
    const binary = join(home, "versions", engineVersion, "bin", "pulumi");
    await mkdir(dirname(binary), { recursive: true });
    await writeFile(binary, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const log = join(home, "log");
    await rm(log, { force: true });
    const code = `require("./scripts/verify/engine.ts").runQuietly([], ${JSON.stringify(log)}).then((run) => console.log(JSON.stringify(run)))`;
    const { stdout } = await promisify(execFile)(process.execPath, ["-r", "./scripts/typescript.cjs", "-e", code], {
      cwd: projectRoot,
      env: { ...process.env, PULUMI_HOME: home },
    });
    return JSON.parse(stdout) as EngineRun;
  }

  it("has left its lock when a signal has ended it, even one that asks, and has not when it ended by itself", async () => {
    assert.deepEqual(await runOf("echo begun; exit 3"), { code: 3, output: "begun\n", killed: false });
    assert.deepEqual(await runOf("echo begun; kill -INT $$"), { output: "begun\n", killed: true });
  });
});
