import assert from "node:assert/strict";
import { corpus } from "./hostile/corpus";
import { HostileLab } from "./hostile/lab";

describe("hostile input, on the real nginx", function () {
  this.timeout(60_000);
  let lab: HostileLab;
  let shared = 0;
  before(async () => (lab = await HostileLab.create()));
  after(() => lab?.remove());

  for (const { title, protocol, rows } of corpus)
    describe(title, () => {
      for (const row of rows)
        it(`${row.name} -> ${row.gets}`, async () => {
          const { gets, out, problems, shared: own } = await lab.send(protocol, row);
          shared += own;
          assert.deepEqual(problems, []);
          if (row.gets === "at most")
            assert.ok(out.length <= row.out.length && out.every((one) => row.out.includes(one)));
          else {
            assert.deepEqual(out, row.out);
            assert.ok(row.gets.split(" or ").includes(gets), gets);
          }
        });
    });

  describe("all of them", () => {
    it("others have used the connections to backends that these rows have used", () => {
      const forwarded = corpus.flatMap(({ rows }) => rows).filter(({ out }) => out.length > 0);
      assert.ok(shared > forwarded.length, `${shared}`);
    });
  });
});
