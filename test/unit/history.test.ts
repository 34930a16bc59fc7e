import assert from "node:assert/strict";
import { seal, unseal } from "../../lib/seal";
import { addToJournal, changeBefore, readJournal, type Entry } from "../../model/history";
import { apply, type Ending } from "../../rollout/apply";
import { keepInHistory, readHistoryOf, unifiedDiff, type Author } from "../../rollout/history";
import type { Release } from "../../model/release";
import { CanaryAborted } from "../../rollout/steps/canary";
import { changeOf, formatEntry, formatHistory } from "../../scripts/history";
import { host, other, pool, two, wantedOf } from "../changes";
import { FakePrograms } from "../fake-programs";
import { FakeRuntime } from "../fake-runtime";
import { containerOf } from "../observed";

const entry = (more: Partial<Entry> = {}): Entry => ({
  n: 1,
  at: "2026-11-29T10:12:30.976Z",
  by: "someone@somewhere",
  from: "aaaaaaaaaaaaaaaa",
  to: "bbbbbbbbbbbbbbbb",
  added: ["shop-2-0123456789"],
  removed: [],
  sick: [],
  seconds: { look: 0.25, candidate: 0.5, drain: 1.25 },
  inFlight: { drainBegan: 3, drainEnded: 0 },
  result: "done",
  isSecret: false,
  diff: "",
  ...more,
});
/** As it is before it has a number. */
const without = (whole: Entry): Omit<Entry, "n"> => {
  const { n, ...rest } = whole;
  return n > 0 ? rest : whole;
};

describe("a sealed text", () => {
  it("is read with its key alone, and is the same for the same text", () => {
    const sealed = seal("größer", "key");
    assert.equal(unseal(sealed, "key"), "größer");
    assert.equal(seal("größer", "key"), sealed);
    assert.notEqual(seal("größer.", "key").slice(0, 16), sealed.slice(0, 16));
    assert.notEqual(seal("größer", "another").slice(0, 16), sealed.slice(0, 16));
    assert.equal(unseal(sealed, "another"), undefined);
  });

  it("is none where anything of it is another one, or missing", () => {
    const sealed = Buffer.from(seal("text", "key"), "base64");
    for (const at of sealed.keys()) {
      const edited = Buffer.from(sealed);
      edited[at] = (edited[at] ?? 0) ^ 1;
      assert.equal(unseal(edited.toString("base64"), "key"), undefined, `byte ${at}`);
    }
    for (const text of ["", "AAAA", sealed.subarray(0, 20).toString("base64")])
      assert.equal(unseal(text, "key"), undefined);
  });
});

describe("the journal of changes", () => {
  it("counts them, and reads them as they were written", () => {
    const first = addToJournal("", without(entry()));
    const text = addToJournal(
      first,
      without(entry({ result: "failed", failure: "no\nanswer", canary: ["5 %"], settings: "x" })),
    );
    assert.deepEqual(readJournal(text), [
      entry(),
      entry({ n: 2, result: "failed", failure: "no\nanswer", canary: ["5 %"], settings: "x" }),
    ]);
    assert.ok(text.startsWith(first) && text.split("\n").length === 3);
  });

  it("leaves out a line that is torn, or none of ours, and counts on", () => {
    const whole = addToJournal("", without(entry({ n: 7 }))).replace('"n":1', '"n":7');
    const torn = whole.slice(0, 40);
    for (const foreign of [
      torn,
      "hello",
      "null",
      "[]",
      "{}",
      whole.replace('"n":7', '"n":0'),
      whole.replace('"done"', '"odd"'),
    ])
      for (const text of [`${foreign}\n${whole}`, `${whole}${foreign}`]) {
        assert.deepEqual(readJournal(text), [entry({ n: 7 })]);
        assert.deepEqual(
          readJournal(addToJournal(text, without(entry()))).map(({ n }) => n),
          [7, 8],
        );
      }
  });

  it("keeps what a later version has written beside", () => {
    const later = addToJournal("", without(entry())).replace('"n":1', '"n":1,"more":true');
    assert.deepEqual(readJournal(later), [entry()]);
    assert.ok(addToJournal(later, without(entry())).includes('"more":true'));
  });

  it("holds 100 of them, the newest, whose numbers go on", () => {
    let text = "";
    for (let n = 1; n <= 103; n++) text = addToJournal(text, without(entry({ diff: `${n}` })));
    const numbers = readJournal(text).map(({ n }) => n);
    assert.deepEqual([numbers.length, numbers[0], numbers.at(-1)], [100, 4, 103]);
  });

  it("holds 1 MiB of them, but always the newest", () => {
    const long = (kib: number) => without(entry({ diff: "ä".repeat(kib * 512) }));
    let text = "";
    for (let n = 1; n <= 6; n++) text = addToJournal(text, long(256));
    assert.deepEqual(
      readJournal(text).map(({ n }) => n),
      [4, 5, 6],
    );
    assert.ok(Buffer.byteLength(text) <= 1024 * 1024);
    text = addToJournal(text, long(1100));
    assert.deepEqual(
      readJournal(text).map(({ n }) => n),
      [7],
    );
  });

  it("tells which change is gone back to: the last before the newest that worked", () => {
    const as = (result: Entry["result"]) => (n: number) => entry({ n, result });
    const [done, failed, back] = [as("done"), as("failed"), as("put back")];
    const before = (...entries: Entry[]) => changeBefore(entries)?.n;
    assert.equal(before(), undefined);
    assert.equal(before(done(1)), undefined);
    assert.equal(before(done(1), done(2)), 1);
    assert.equal(before(done(1), failed(2), done(3)), 1);
    assert.equal(before(done(1), done(2), failed(3)), 2);
    assert.equal(before(done(1), back(2), failed(3)), 1);
    assert.equal(before(failed(1), done(2)), undefined);
  });
});

describe("the history for people", () => {
  const failed = entry({
    n: 12,
    from: "bbbbbbbbbbbbbbbb",
    removed: ["shop-0-0123456789", "shop-1-0123456789"],
    sick: ["rest-0-0123456789"],
    result: "put back",
    failure: "The address doesn't answer.",
    canary: ["5 %, 60 s"],
    settings: "sealed",
    diff: "--- a\n+++ b\n@@ -1 +1 @@\n-x\n+y\n",
  });

  it("is a table, the newest first", () => {
    assert.equal(
      formatHistory([entry(), failed]),
      `
┌────────┬─────────────────────┬───────────────────┬──────────────────────────────────────┬──────────┬─────────┬──────────┐
│ change │ when                │ by                │ configuration                        │ backends │ seconds │ result   │
├────────┼─────────────────────┼───────────────────┼──────────────────────────────────────┼──────────┼─────────┼──────────┤
│     12 │ 2026-11-29 10:12:30 │ someone@somewhere │ bbbbbbbbbbbbbbbb                     │ +1 -2    │       2 │ put back │
│      1 │ 2026-11-29 10:12:30 │ someone@somewhere │ aaaaaaaaaaaaaaaa -> bbbbbbbbbbbbbbbb │ +1 -0    │       2 │ done     │
└────────┴─────────────────────┴───────────────────┴──────────────────────────────────────┴──────────┴─────────┴──────────┘`.slice(
        1,
      ),
    );
  });

  it("is all of a change", () => {
    assert.equal(
      formatEntry({ ...failed, from: "aaaaaaaaaaaaaaaa" }),
      `change 12, 2026-11-29 10:12:30, by someone@somewhere: put back
balancer: configuration aaaaaaaaaaaaaaaa -> bbbbbbbbbbbbbbbb
  +1: shop-2-0123456789
  -2: shop-0-0123456789, shop-1-0123456789
  look 0.25 s, candidate 0.50 s, drain 1.25 s
  requests in flight: 3 as the drain began, 0 at its end
  canary 5 %, 60 s
  did not answer: rest-0-0123456789

The address doesn't answer.

--- a
+++ b
@@ -1 +1 @@
-x
+y`,
    );
    assert.match(formatEntry(entry()), /\n\nThe settings were too long to be kept: it can't be gone back to\.$/);
  });

  it("names the changes that there are where another one is asked for", () => {
    assert.equal(changeOf([entry({ n: 4 }), entry({ n: 5 })], "5").n, 5);
    assert.throws(() => changeOf([entry({ n: 4 }), entry({ n: 5 })], "6"), {
      message: "There is no change 6: the history has 4 to 5.",
    });
    for (const n of ["", "0", "-1", "1.5", "x"]) assert.throws(() => changeOf([entry()], n), /--N: got/);
  });
});

describe("a change that is kept in the history", () => {
  const quiet = () => undefined;
  const author = (release: Release, more: Partial<Author> = {}): Author => ({
    release,
    isSecret: false,
    by: "someone@somewhere",
    settings: "sealed",
    ...more,
  });
  const before = { text: "# before\n", name: `releases/${two.id}/nginx.conf` };
  const known = (more: Partial<Entry> = {}) => addToJournal("", without(entry({ to: two.id, ...more })));

  /** Brings a release in on the fake runtime, whose volume has a journal, and gives what is kept of it. */
  const kept = async (
    release: Release,
    {
      journal = known(),
      failAt = Infinity,
      observed = host(),
      ...more
    }: { journal?: string; failAt?: number; observed?: ReturnType<typeof host> } & Partial<Author> = {},
  ) => {
    const wanted = wantedOf(release);
    const runtime = new FakeRuntime(observed, wanted, failAt);
    runtime.files.set("history.jsonl", journal);
    runtime.files.set(before.name, before.text);
    const failure = await apply(wanted, runtime, quiet, (ending) =>
      keepInHistory(ending, author(release, more), runtime, quiet),
    ).then(
      () => undefined,
      (error: Error) => error.message,
    );
    const last = readJournal(runtime.files.get("history.jsonl") ?? "").at(-1) as Entry;
    return { failure, last, runtime };
  };

  it("tells what it came to", async () => {
    const one = pool(["a-0-h1"]);
    const { last } = await kept(one);
    assert.deepEqual(Object.keys(last.seconds), ["look", "candidate", "switch", "drain", "check", "stop", "clean up"]);
    assert.equal(new Date(last.at).toJSON(), last.at);
    const { at, diff, seconds, ...rest } = last;
    assert.deepEqual(rest, {
      n: 2,
      by: "someone@somewhere",
      from: two.id,
      to: one.id,
      added: [],
      removed: ["a-1-h1"],
      sick: [],
      inFlight: { drainBegan: 3, drainEnded: 0 },
      result: "done",
      isSecret: false,
      settings: "sealed",
    });
    assert.ok(at && seconds && diff.startsWith(`--- ${two.id}\n+++ ${one.id}\n@@ -1,`));
    assert.ok(diff.includes("\n-# before\n"), diff.slice(0, 300));
  });

  it("tells of one that failed, with what served before as it was or put back", async () => {
    for (const [failAt, result] of [
      [0, "failed"],
      [2, "put back"],
    ] as const) {
      const { last, failure } = await kept(other, { failAt });
      assert.match(failure ?? "", /^no /);
      assert.deepEqual([last.n, last.result, last.failure, last.from, last.to], [2, result, failure, two.id, other.id]);
    }
    const { last, failure } = await kept(two, { observed: { ...host(), containers: [] } });
    assert.match(failure ?? "", /removed by hand/);
    assert.deepEqual([last.result, last.failure, last.added, last.diff], ["failed", failure, [], ""]);
  });

  it("tells of one whose canary was aborted", async () => {
    const figures = { requests: 100, failed: 9, p99: 1 };
    const step = { share: 5, seconds: 60, fresh: figures, older: figures };
    const wanted = wantedOf(other);
    const runtime = new FakeRuntime(host(), wanted);
    const { perform } = runtime;
    runtime.perform = (operation) =>
      operation.op === "candidate"
        ? Promise.reject(new CanaryAborted("it fails", step))
        : perform.call(runtime, operation);
    const endings: Ending[] = [];
    await assert.rejects(apply(wanted, runtime, quiet, (ending) => Promise.resolve(void endings.push(ending))));
    assert.deepEqual(
      endings.map(({ change }) => change.canary),
      [[step]],
    );
  });

  it("is cut where its failure is long", async () => {
    const wanted = wantedOf(other);
    const runtime = new FakeRuntime(host(), wanted);
    runtime.perform = () => Promise.reject(new Error("x".repeat(5000)));
    const keep = (ending: Ending) => keepInHistory(ending, author(other), runtime, quiet);
    await assert.rejects(apply(wanted, runtime, quiet, keep));
    assert.equal(readJournal(runtime.files.get("history.jsonl") ?? "")[0]?.failure, `${"x".repeat(4000)}...`);
  });

  it("shows of nginx's text what is no secret, in either", async () => {
    const secret = "Not kept: there are secrets in it.\n";
    assert.equal((await kept(other, { isSecret: true })).last.diff, secret);
    assert.equal((await kept(other, { journal: known({ isSecret: true }) })).last.diff, secret);
    for (const journal of ["", known({ to: "0".repeat(16) })])
      assert.equal(
        (await kept(other, { journal })).last.diff,
        "Not kept: the history doesn't know the configuration before.\n",
      );
    const edited = host([], { volume: { ...host().volume, intact: false } });
    const { last } = await kept(other, { observed: edited });
    assert.deepEqual(
      [last.from, last.diff],
      ["none", "There was no configuration before, or one that was edited by hand.\n"],
    );
    assert.equal((await kept(two)).last.diff, "");
  });

  it("never reads what is no text of nginx's: keys lie there, too", async () => {
    const { release } = host().volume;
    const files = {
      "nginx.conf": "hash",
      "shop.key": "hash",
      "users-1": "hash",
      "log.txt": "hash",
      "../x.conf": "hash",
      "a b.conf": "hash",
    };
    const observed = host([], { volume: { intact: true, release: release && { ...release, files } } });
    const runtime = new FakeRuntime(observed, wantedOf(other));
    runtime.files.set("history.jsonl", known());
    const read: string[] = [];
    const { readFile } = runtime;
    runtime.readFile = (path) => (read.push(path), readFile.call(runtime, path));
    await apply(wantedOf(other), runtime, quiet, (ending) => keepInHistory(ending, author(other), runtime, quiet));
    assert.deepEqual(read, ["history.jsonl", before.name, `releases/${two.id}/log.txt`]);
  });

  it("works where it can't be kept, which is said", async () => {
    const wanted = wantedOf(other);
    const runtime = new FakeRuntime(host(), wanted);
    runtime.writeFile = () => Promise.reject(new Error("No space left on device"));
    const lines: string[] = [];
    const log = (line: string) => lines.push(line);
    const done = await apply(wanted, runtime, log, (ending) => keepInHistory(ending, author(other), runtime, log));
    assert.equal(done.configAfter, other.id);
    assert.deepEqual(lines, ["This change is not in the history: No space left on device"]);
  });
});

describe("the diff of nginx's text", () => {
  it("is empty of what stays but for two lines around, and as long as can be read", () => {
    assert.equal(
      unifiedDiff("a", "1\n2\n3\n4\n5\n", "b", "1\n2\n3\nfour\n5\n"),
      "--- a\n+++ b\n@@ -2,4 +2,4 @@\n 2\n 3\n-4\n+four\n 5\n",
    );
    const long = unifiedDiff("a", "", "b", "x\n".repeat(300)).split("\n");
    assert.deepEqual([long.length, long[199], long[200]], [202, "+x", "... 103 more lines"]);
    const wide = unifiedDiff("a", "", "b", `${"x".repeat(500)}\n`).split("\n");
    assert.equal(wide[3], `+${"x".repeat(159)}...`);
  });
});

describe("a balancer's history", () => {
  it("is read where it runs, and where it has ended", async () => {
    const programs = await FakePrograms.create();
    try {
      await programs.write(
        "docker",
        `#!/bin/sh
case "$*" in
  "exec lb-id cat /etc/nginx/live/history.jsonl") echo '{"n":1}' ;;
  "cp lb-id:/etc/nginx/live/history.jsonl -") printf 'history.jsonl\\000\\000ustar{"n":2}\\n\\000\\000' ;;
  *) exit 1 ;;
esac
`,
      );
      const balancer = containerOf("", { id: "lb-id" });
      assert.equal(await readHistoryOf({ ...balancer, state: "running" }), '{"n":1}\n');
      assert.equal((await readHistoryOf({ ...balancer, state: "exited" })).split("\n")[0], '{"n":2}');
      for (const state of ["running", "exited"])
        assert.equal(await readHistoryOf({ ...balancer, id: "bare", state }), "");
    } finally {
      await programs.remove();
    }
  });
});
