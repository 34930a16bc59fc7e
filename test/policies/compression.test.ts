import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { compressionRule } from "../../model/policies/compression";
import { Rig } from "../faults/rig";

describe("compression", function () {
  this.timeout(120_000);
  let rig: Rig;
  const compression = compressionRule.parse([
    {},
    { paths: ["/raw"], on: false },
    { paths: ["/svg"], types: ["image/svg+xml"] },
  ]);

  before(async () => {
    rig = await Rig.create("compression", 2, { compression });
  });
  after(() => rig?.remove());

  const encodingOf = async (path: string, accepted = "br, gzip") => {
    const { headers } = await rig.ask(path, { headers: { "Accept-Encoding": accepted, Via: "1.1 proxy" } });
    return [headers["content-encoding"], headers.vary];
  };
  const json = "bytes=5000&sets=Content-Type:application/json";

  it("is for answers of its types that are long enough, where the client takes it", async () => {
    const asked = [
      `/?${json}`,
      "/?bytes=5000&sets=Content-Type:text/html",
      "/?bytes=100&sets=Content-Type:text/html",
      "/?bytes=5000&sets=Content-Type:image/png",
    ];
    assert.deepEqual(
      await Promise.all([...asked.map((path) => encodingOf(path)), encodingOf(`/?${json}`, "identity")]),
      [
        ["gzip", "Accept-Encoding"],
        ["gzip", "Accept-Encoding"],
        [undefined, undefined],
        [undefined, undefined],
        [undefined, "Accept-Encoding"],
      ],
    );
  });

  it("changes nothing of what is said", async () => {
    const { text } = await rig.ask(`/?${json}`, { headers: { "Accept-Encoding": "gzip" } });
    assert.equal(gunzipSync(Buffer.from(text, "latin1")).toString(), "x".repeat(5000));
  });

  it("is as the narrowest entry says", async () => {
    assert.deepEqual(await encodingOf(`/raw?${json}`), [undefined, undefined]);
    assert.deepEqual(await encodingOf(`/svg?${json}`), [undefined, undefined]);
    assert.equal((await encodingOf("/svg?bytes=5000&sets=Content-Type:image/svg%2Bxml"))[0], "gzip");
  });

  it("comes and goes without a lost request", async () => rig.assertNoneLost(`/?${json}`, [{}, { compression }]));

  it("by brotli is refused where nginx lacks it", async () => {
    const brotli = compressionRule.parse([{ brotli: true }]);
    await assert.rejects(rig.change({ compression: brotli }), /unknown directive "brotli"/);
    await rig.change({ compression });
  });
});
