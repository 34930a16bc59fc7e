import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { emptyTally } from "../../scripts/load/books";
import { projectRoot } from "../../scripts/setup/project";
import { titleOf, type Allowance } from "../faults/table/fault";
import { faults } from "../faults/table/index";
import type { Stretch } from "../faults/table/load";
import { formatRow, reliabilityPage } from "../faults/table/page";
import { measuredPage, readMeasured } from "../faults/table/record";
import type { Ward } from "../faults/table/ward";
import { judge, merge, together, type Result } from "../faults/table/result";

const tally = (more: object = {}) => ({ ...emptyTally(), sent: 10, answered: 10, ...more });

const stretch = (GET: object, POST: object, byReason: Record<string, number>): Stretch => ({
  sent: 20,
  lost: Object.values(byReason).reduce((sum, count) => sum + count, 0),
  longestGap: 100,
  max: 200,
  byProfile: { "GET kept HTTP/1.1 alpha": tally(GET), "POST new HTTP/1.1 alpha": tally(POST) },
  byReason,
});

const result = (more: Partial<Result> = {}): Result => ({
  group: "backend",
  name: "killed (SIGKILL)",
  rounds: 1,
  sent: 100,
  lost: 0,
  GET: {},
  POST: {},
  longestGap: 40,
  max: 300,
  healed: "alone",
  seconds: 4,
  beside: [],
  status: [],
  log: "",
  reasons: {},
  failures: [],
  ...more,
});

describe("table of faults", () => {
  it("has each fault once, and says why anything may be lost", () => {
    const titles = faults.map(titleOf);
    assert.equal(new Set(titles).size, titles.length);
    for (const { allowed, name } of faults) {
      if (allowed === undefined) continue;
      assert.ok(allowed.why.length > 20, name);
      assert.ok(allowed.GET !== undefined || allowed.POST !== undefined, name);
    }
  });

  it("does nothing to Docker itself on an engine that others may use", async () => {
    const shared = { engine: undefined } as unknown as Ward;
    const needed = await Promise.all(faults.map(async (fault) => [titleOf(fault), await fault.cannot?.(shared)]));
    const touching = needed.filter(([title = ""]) =>
      /dockerd|rebooted|power|disk|memory is|clock|conntrack/.test(title),
    );
    assert.ok(touching.length > 5);
    for (const [title, leftOut] of touching) assert.match(leftOut ?? "", /--second-engine/, title);
  });

  it("leaves faults out of the page that nobody has made yet", () => {
    const page = reliabilityPage([{ version: "1.2.3", cores: 2, rows: [result()] }], faults);
    assert.match(page, /killed \(SIGKILL\) \| 0 of 100/);
    assert.doesNotMatch(page, /docker pause|## The balancer/);
  });

  const posts: Allowance = { POST: ["wrong"], most: 2, why: "it was sent" };
  const lost = { wrong: 2 };
  const rows: [what: string, stretch: Stretch, allowed: Allowance | undefined, failures: RegExp[]][] = [
    ["takes no loss for one", stretch({}, {}, {}), undefined, []],
    [
      "refuses any where none is allowed",
      stretch({}, lost, { "POST 502": 2 }),
      undefined,
      [/2 POST wrong \(2 POST 502\)/],
    ],
    ["takes what is allowed", stretch({}, lost, { "POST 502": 2 }), posts, []],
    ["refuses the same of the other method", stretch(lost, {}, { "GET 502": 2 }), posts, [/2 GET wrong/]],
    ["refuses another kind", stretch({}, { reset: 1 }, { ECONNRESET: 1 }), posts, [/1 POST reset/]],
    ["refuses more than may be", stretch({}, { wrong: 3 }, { "POST 502": 3 }), posts, [/3 lost, where at most 2/]],
    [
      "refuses another app's answer where wrong ones are allowed",
      stretch({}, { wrong: 1 }, { "POST misrouted: answered by beta": 1 }),
      posts,
      [/1 POST misrouted/],
    ],
  ];
  for (const [what, account, allowed, expected] of rows)
    it(what, () => {
      const found = judge(account, allowed);
      assert.equal(found.length, expected.length, found.join("; "));
      for (const [at, pattern] of expected.entries()) assert.match(found[at] ?? "", pattern);
    });

  it("adds the counts of several rounds, and has the longest of their times", () => {
    const sum = together([
      result({ lost: 1, POST: { wrong: 1 }, max: 500 }),
      result({ lost: 3, POST: { wrong: 1, reset: 2 }, longestGap: 70, log: "[error]", failures: ["x"] }),
    ]);
    assert.deepEqual(
      [sum.rounds, sum.sent, sum.lost, sum.POST, sum.longestGap, sum.max, sum.healed, sum.log, sum.failures],
      [2, 200, 4, { wrong: 2, reset: 2 }, 70, 500, "alone", "[error]", ["x"]],
    );
  });

  it("keeps the rows that were not measured anew, in the order of the faults", () => {
    const [a, b, c] = ["a", "b", "c"].map((name) => result({ name })) as [Result, Result, Result];
    const newer = { ...a, sent: 7 };
    assert.deepEqual(merge([c, a], [newer, b], [a, b, c]), [newer, b, c]);
    assert.deepEqual(merge([c, a], [], [a]), [a]);
  });

  it("shows what was lost, and how it became whole", () => {
    assert.deepEqual(formatRow(result({ lost: 2, POST: { wrong: 2 } })), [
      "2 of 100: 2 wrong POST",
      "40 / 300",
      "alone, 4 s",
    ]);
    assert.deepEqual(formatRow(result({ healed: "not at all", failures: ["x"] })), [
      "**0 of 100**",
      "40 / 300",
      "**not at all**",
    ]);
    assert.match(formatRow({ group: "backend", name: "x", leftOut: "no limits" })[0], /no limits/);
    assert.deepEqual(formatRow(undefined), ["", "", ""]);
  });

  it("has a page that is made from the results beside it", async () => {
    const made = await measuredPage(readMeasured());
    assert.equal(readFileSync(join(projectRoot, "docs", "reliability.md"), "utf8"), made);
  });
});
