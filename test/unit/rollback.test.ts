import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seal } from "../../lib/seal";
import { hashTree } from "../../lib/tree-hash";
import type { Entry } from "../../model/history";
import { differenceOf, isStructured, readKept, writeKept, type Kept } from "../../model/kept-settings";
import { describe as describeRollback, keptOf, lostOf, targetOf } from "../../scripts/rollback";
import { FakePrograms } from "../fake-programs";

const kept = (settings: Record<string, string>, secret: string[] = []): Kept => ({ settings, secret, images: [] });
const entry = (n: number, more: Partial<Entry> = {}): Entry => ({
  n,
  at: "2026-11-29T10:12:30.976Z",
  by: "someone@somewhere",
  from: "none",
  to: "bbbbbbbbbbbbbbbb",
  added: [],
  removed: [],
  sick: [],
  seconds: {},
  inFlight: { drainBegan: 0, drainEnded: 0 },
  result: "done",
  isSecret: false,
  diff: "",
  ...more,
});

describe("settings that are kept", () => {
  it("are the same text for the same settings, and are read again", () => {
    const images = [
      { app: "a", path: "../a", source: "0123456789" },
      { app: "b", image: "b:1", pinned: "b@sha256:1" },
    ];
    const one = { ...kept({ port: "1", apps: "[]" }, ["tls", "env"]), images };
    const text = writeKept(one) ?? "";
    assert.equal(text, writeKept({ ...one, ...kept({ apps: "[]", port: "1" }, ["env", "tls"]), images }));
    assert.deepEqual(readKept(text), { ...kept({ apps: "[]", port: "1" }, ["env", "tls"]), images });
    for (const broken of ["", "{}", text.replace('"source"', '"sauce"')]) assert.throws(() => readKept(broken));
  });

  it("are those that make something, not those that tell how", () => {
    const text = writeKept(kept({ keepImages: "true", adopt: "x", port: "1" }));
    assert.equal(text, writeKept(kept({ port: "1" })));
  });

  it("are none where they are longer than 64 KiB", () => {
    const long = (characters: number) => writeKept(kept({ serverConfig: "ä".repeat(characters) }));
    assert.ok(long(32_000));
    assert.equal(long(33_000), undefined);
  });
});

describe("the difference of two configs", () => {
  const between = (
    now: Record<string, string>,
    then: Record<string, string>,
    secret: { now?: string[]; then?: string[] } = {},
  ) => differenceOf(kept(then, secret.then), kept(now, secret.now));

  for (const [what, now, then, expected] of [
    ["nothing", { port: "1" }, { port: "1" }, { set: {}, remove: [], lines: [] }],
    [
      "another spelling",
      { apps: `[{"name":"a","path":"a"}]`, port: "80" },
      { apps: `[ {"path": "a", "name": "a"} ]`, port: "80.0" },
      { set: {}, remove: [], lines: [] },
    ],
    ["what tells how", { adopt: "x" }, { keepImages: "true" }, { set: {}, remove: [], lines: [] }],
    [
      "another value, one more and one less",
      { backendCount: "4", accessLog: "all" },
      { backendCount: "3", revision: "r1" },
      {
        set: { backendCount: "3", revision: "r1" },
        remove: ["accessLog"],
        lines: [`accessLog: "all" -> nothing`, "backendCount: 4 -> 3", `revision: nothing -> "r1"`],
      },
    ],
    [
      "text that looks like a number",
      { revision: "1" },
      { revision: "1.0" },
      { set: { revision: "1.0" }, remove: [], lines: [`revision: "1" -> "1.0"`] },
    ],
    [
      "values inside, those that may be secret not shown",
      { apps: `[{"name":"a","image":"a:2","env":{"A":"old"}},{"name":"b","path":"b"}]` },
      { apps: `[{"name":"a","image":"a:1","env":{"A":"new"},"weight":2}]` },
      {
        set: { apps: `[{"name":"a","image":"a:1","env":{"A":"new"},"weight":2}]` },
        remove: [],
        lines: [
          `apps[0].image: "a:2" -> "a:1"`,
          "apps[0].env.A: a text that is not shown -> a text that is not shown",
          "apps[0].weight: nothing -> 2",
          "apps[1]: an object that is not shown -> nothing",
        ],
      },
    ],
    [
      "a long text",
      { serverConfig: "" },
      { serverConfig: "x".repeat(200) },
      { set: { serverConfig: "x".repeat(200) }, remove: [], lines: [`serverConfig: "" -> "${"x".repeat(99)}...`] },
    ],
  ] as const)
    it(`is, for ${what}, what makes one of the other`, () =>
      assert.deepEqual(between(now, then), { ...expected, secret: [] }));

  it("leaves alone what is secret in either", () => {
    const found = between(
      { apps: "[]", port: "1" },
      { tls: "{}", port: "2" },
      { now: ["tls"], then: ["apps", "headers"] },
    );
    assert.deepEqual(found, {
      set: { port: "2" },
      remove: [],
      secret: ["apps", "headers", "tls"],
      lines: ["port: 1 -> 2"],
    });
  });

  it("knows lists and objects from text", () => {
    for (const [key, text, expected] of [
      ["apps", "[]", true],
      ["tls", `{"port":1}`, true],
      ["port", "1", false],
      ["keepImages", "true", false],
      ["serverConfig", "[1]", false],
      ["tls", "null", false],
    ] as const)
      assert.equal(isStructured(key, text), expected, text);
  });
});

describe("a rollback", () => {
  it("goes to the change that is asked for, where that has served", () => {
    const entries = [entry(1), entry(2), entry(3, { result: "failed" }), entry(4, { result: "put back" }), entry(5)];
    assert.equal(targetOf(entries, undefined).n, 2);
    assert.equal(targetOf(entries, "1").n, 1);
    assert.throws(() => targetOf(entries, "3"), { message: "Change 3 has failed: what it was for has not served." });
    assert.throws(() => targetOf(entries, "4"), {
      message: "Change 4 has been put back: what it was for has not served.",
    });
    assert.throws(() => targetOf([entry(1)], undefined), {
      message: "There is no change before the newest that worked: nothing to go back to.",
    });
  });

  it("needs the settings of then", () => {
    const settings = seal(writeKept(kept({ port: "1" })) ?? "", "key");
    assert.deepEqual(keptOf(entry(1, { settings }), "key"), kept({ port: "1" }));
    for (const key of ["another", undefined])
      assert.throws(() => keptOf(entry(7, { settings }), key), {
        message: "The settings of change 7 can't be read: another state of the stack has kept them.",
      });
    assert.throws(() => keptOf(entry(7), "key"), { message: "The settings of change 7 were too long to be kept." });
  });

  it("says what it is about to do", () => {
    const difference = { set: {}, remove: [], secret: ["tls"], lines: ["port: 1 -> 2"] };
    assert.equal(
      describeRollback(entry(2), difference, ["a: gone"]),
      `Back to change 2, 2026-11-29T10:12:30.976Z, by someone@somewhere: configuration bbbbbbbbbbbbbbbb
Settings that change:
  port: 1 -> 2
Secret, and kept as they are now:
  tls
What the settings alone can't bring back:
  a: gone`,
    );
    assert.match(
      describeRollback(entry(2), { ...difference, secret: [], lines: [] }, []),
      /\nNo setting differs from those of then\.$/,
    );
  });

  describe("says what can't be brought back", () => {
    const digest = (digit: string) => `sha256:${digit.repeat(64)}`;
    let programs: FakePrograms;
    let folder: string;
    before(async () => {
      folder = await mkdtemp(join(tmpdir(), "nlb-lost-"));
      await writeFile(join(folder, "Dockerfile"), "FROM scratch\n");
      // A docker that has images here and by two ids, and a registry that has one of another digest.
      programs = await FakePrograms.create();
      await programs.write(
        "docker",
        `#!/bin/sh
for image; do :; done
case "$*" in
  "image inspect"*" ${digest("1")}" | "image inspect"*" here:1") echo "${digest("1")} 0" ;;
  "image inspect"*" ${digest("2")}") echo "${digest("2")} 0" ;;
  "image inspect"*" shop.example/a@${digest("3")}") echo "${digest("5")} 1" ;;
  "manifest inspect --verbose shop.example/a:1") echo '{"Descriptor":{"digest":"${digest("4")}"}}' ;;
  "manifest inspect shop.example/a:1") echo '{}' ;;
  *"manifest inspect"*) echo "no such manifest: $image" >&2; exit 1 ;;
  *) exit 1 ;;
esac
`,
      );
    });
    after(async () => {
      await programs.remove();
      await rm(folder, { recursive: true });
    });

    it("of sources", async () => {
      const built = (path: string, source: string) => lostOf([{ app: "a", path, source }]);
      assert.deepEqual(await built(folder, hashTree(folder)), []);
      assert.deepEqual(await built(folder, "0123456789"), [
        `a: ${folder} is another source than it was, and its image of then is gone. Check out the one of then first; else the one of now is built.`,
      ]);
      const gone = join(folder, "gone");
      assert.deepEqual(await built(gone, "0123456789"), [`a: its folder ${gone} is gone. Bring it back first.`]);
    });

    for (const [what, image, pinned, expected] of [
      ["an image that is there", "here:1", digest("1"), []],
      [
        "a name that is another image now",
        "here:1",
        digest("2"),
        [`a: here:1 is another image than it was. To have the one of then: docker tag ${digest("2")} here:1.`],
      ],
      [
        "a name that its registry has moved",
        "shop.example/a:1",
        `shop.example/a@${digest("3")}`,
        ["a: shop.example/a:1 is another image than it was. To have the one of then: name that one in the config."],
      ],
      [
        "an image that was pruned",
        "here:1",
        digest("9"),
        [
          `a: here:1 was ${digest("9")}, which is gone. Build or push it again, or name another image.\nImages that can't be told:\n  ${digest("9")}: no such manifest: ${digest("9")}`,
        ],
      ],
      [
        "a digest that nobody has",
        `shop.example/b@${digest("6")}`,
        `shop.example/b@${digest("6")}`,
        [
          `a: shop.example/b@${digest("6")} was shop.example/b@${digest("6")}, which is gone. Build or push it again, or name another image.\nImages that can't be told:\n  shop.example/b@${digest("6")}: no such manifest: shop.example/b@${digest("6")}`,
        ],
      ],
    ] as const)
      it(`of ${what}`, async () => assert.deepEqual(await lostOf([{ app: "a", image, pinned }]), expected));
  });
});
