import assert from "node:assert/strict";
import { currentRelease, volumeFolder } from "../../model/layout";
import { docker } from "../../rollout/docker";
import { liveFile, Patient, usualSeconds } from "./patient";

/** What can become of a file by hand, by a full disk or by a crash; `$f` is the file. */
const damages: readonly [what: string, script: string][] = [
  ["has lost its last newline", 'text=$(cat $f); printf %s "$text" >$f'],
  ["holds a NUL", "printf '# \\000\\n' >>$f"],
  ["holds bytes that are no UTF-8", "printf '# \\377\\376\\n' >>$f"],
  ["holds a line of 1 MB", "{ printf '# '; head -c 1000000 /dev/zero | tr '\\000' x; echo; } >>$f"],
  [
    "ends with what commands' outputs end with",
    "printf '\\nend-00000000-0000-4000-8000-000000000000 0\\nEOF\\nprobes\\nend\\n' >>$f",
  ],
  ["is empty", ": >$f"],
  ["is gone", "rm $f"],
  ["is a folder", "rm $f; mkdir $f; touch $f/file"],
  ["leads to nowhere", "rm $f; ln -s nowhere $f"],
  ["can't be read", "chmod 000 $f"],
];

describe("what lies on the volume, under load", function () {
  this.timeout(120_000);
  let patient: Patient;

  before(async () => {
    patient = await Patient.create("volume");
    patient.startLoad();
  });
  after(() => patient?.remove());
  beforeEach(() => patient.recover());

  async function upRepairs(): Promise<void> {
    const { seconds } = await patient.upOk();
    await patient.assertWhole();
    patient.assertNoneLost();
    assert.ok(seconds < usualSeconds, `the update took ${seconds.toFixed(1)} s`);
  }

  for (const [what, script] of damages) {
    it(`is repaired by any update when the live configuration ${what}`, async () => {
      await patient.inBalancer(`f=${liveFile}\n${script}`);
      assert.notEqual((await patient.drift()).length, 0, "status shows it");
      await upRepairs();
    });
  }

  // With each, the configuration is edited, too: what keeps the books of installs is wanted for the repair.
  for (const [what, script] of [
    ["holds no number", "echo many >$f"],
    ["holds a number too large to count on", "printf '%0400d\\n' 0 | tr 0 9 >$f"],
    ["holds half of a document", `printf '{"schema": 1, "id": ' >$f`],
    ["holds a document of something else", "printf '[]\\n' >$f"],
    ...damages.filter(([what]) => ["holds a NUL", "is empty", "is gone", "is a folder"].includes(what)),
  ] as const) {
    it(`is repaired by any update when every other file ${what}`, async () => {
      const others = `find -H ${currentRelease} -type f ! -name nginx.conf`;
      await patient.inBalancer(`${others} | while read -r f; do\n${script}\ndone\necho '# by hand' >>${liveFile}`);
      await upRepairs();
      assert.doesNotMatch(await patient.stack.engineOk("stack", "export"), /\bNaN\b|9{30}/);
      await patient.stack.engineOk("preview", "--expect-no-changes");
    });
  }

  for (const [what, script, drift] of [
    ["all of it", `rm -rf ${volumeFolder}/*`, "The balancer's volume holds no configuration that was installed."],
    [
      "what nginx runs and ran before",
      `rm -rf ${liveFile} ${volumeFolder}/previous`,
      "The configuration on the volume was edited.",
    ],
  ] as const)
    it(`is brought back by an update when ${what} was deleted and the balancer is restarted: clients wait until then`, async () => {
      await patient.inBalancer(script);
      await docker("restart", await patient.balancer());
      assert.deepEqual(await patient.drift(), [drift]);
      await upRepairs();
    });
});
