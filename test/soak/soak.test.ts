import type { Load } from "../../scripts/load/load";
import { FixtureApp, fixtureLoad } from "../e2e/app";
import { assertNoneLost } from "../e2e/books";
import { describeInterruption, interruptions, interruptRoll } from "../e2e/interrupted";
import { TestStack } from "../e2e/stack";

const randomChangesSeconds = Number(process.env["SOAK_SECONDS"] ?? 600);

describe("soak", function () {
  this.timeout(300_000);
  let app: FixtureApp;
  let stack: TestStack;
  let load: Load;
  let version = "v0";

  before(async () => {
    app = await FixtureApp.create();
    await app.write(version);
    stack = await TestStack.create("soak", {
      backendCount: 2,
      drainSeconds: 4,
      apps: [{ name: "fixture", path: app.path }],
    });
    const { url } = await stack.up();
    load = fixtureLoad(url, { maxSeconds: 7200, slow: false });
  });
  after(async () => {
    await load?.stop();
    await stack.remove();
    await app.remove();
  });

  for (const [index, interruption] of interruptions.entries()) {
    for (const goBack of [false, true]) {
      it(`loses nothing ${goBack ? "and goes back" : "and goes on"} after ${describeInterruption(interruption)}`, async () => {
        const next = `v${index + 1}${goBack ? "-back" : ""}`;
        await interruptRoll({ stack, app, load }, interruption, { before: version, version: next, goBack });
        if (!goBack) version = next;
      });
    }
  }

  it(`loses nothing in ${randomChangesSeconds} s of random changes (SOAK_SECONDS)`, async function () {
    this.timeout((randomChangesSeconds + 300) * 1000);
    const pick = <T>(values: readonly T[]): T => values[Math.floor(Math.random() * values.length)] as T;
    const changes: Record<string, () => Promise<void>> = {
      scale: async () => stack.configure({ backendCount: 1 + Math.floor(Math.random() * 12) }),
      roll: async () => app.write(`r${Math.floor(Math.random() * 1e6)}`),
      revision: async () => stack.configure({ revision: `r${Math.floor(Math.random() * 1e6)}` }),
      setting: async () => stack.configure({ requestTimeoutSeconds: 30 + Math.floor(Math.random() * 60) }),
      method: async () => stack.configure({ method: pick(["round_robin", "least_conn", "random"]) }),
    };
    const end = Date.now() + randomChangesSeconds * 1000;
    load.mark();
    for (let number = 1; Date.now() < end; number++) {
      const names = [pick(Object.keys(changes)), pick(Object.keys(changes))];
      for (const name of names) await changes[name]?.();
      await stack.up();
      const account = load.mark();
      process.stdout.write(`      ${number}. ${names.join(" and ")}: ${account.sent} sent, ${account.lost} lost\n`);
      assertNoneLost(account, 1);
    }
  });
});
