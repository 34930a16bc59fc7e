import assert from "node:assert/strict";
import { Agent } from "node:http";
import { Rig } from "./rig";

/** The number that the README promises. */
const connections = 3000;
/** So many are opened at once. */
const batch = 250;

describe("connections that stay open", function () {
  this.timeout(120_000);
  let rig: Rig;
  const agents = Array.from({ length: connections / batch }, () => new Agent({ keepAlive: true, timeout: 60_000 }));
  const close = () => agents.forEach((agent) => agent.destroy());
  before(async () => (rig = await Rig.create("open", 2, {}, { isPublished: true })));
  after(async () => {
    close();
    await rig?.remove();
  });

  it("to the published port leave room for others, and so do they when they have gone", async () => {
    const asked = async (count: number, agent: Agent | false = false) => {
      const answers = await Promise.all(Array.from({ length: count }, () => rig.ask("/slow?seconds=0.3", { agent })));
      assert.equal(answers.filter(({ status }) => status === 200).length, count);
    };
    for (const agent of agents) await asked(batch, agent);
    const open = agents.flatMap(({ freeSockets }) => Object.values(freeSockets)).flatMap((sockets) => sockets ?? []);
    assert.equal(open.length, connections);
    await asked(100);
    close();
    await asked(100);
  });
});
