import assert from "node:assert/strict";
import { docker } from "../../rollout/docker";
import { FixtureApp } from "../e2e/app";
import { askPlain } from "../e2e/ask";
import { TestStack } from "../e2e/stack";
import { until } from "../e2e/until";

/** Where a backend is. */
interface Place {
  readonly id: string;
  readonly app: string;
  readonly alias: string;
  readonly network: string;
  /** As a number, to be compared. */
  readonly address: number;
}

const names = ["shop", "blog"];
const rounds = 10;

/**
 * Docker gives an address that is free to the next container. Here a backend of one app dies, and a running one of another app
 * leaves its network and comes back: on one network, it would have the address at which nginx, for a second, knows the dead one.
 */
describe("addresses that Docker gives to others", function () {
  this.timeout(600_000);
  const sources: FixtureApp[] = [];
  let stack: TestStack;
  let url: string;

  before(async () => {
    const apps = [];
    for (const name of names) {
      const source = await FixtureApp.create();
      await source.write(name);
      sources.push(source);
      apps.push({ name, path: source.path, hosts: [`${name}.example`], count: 2 });
    }
    stack = await TestStack.create("addresses", { drainSeconds: 4, apps });
    ({ url } = await stack.up());
  });
  after(async () => {
    await stack?.remove();
    for (const source of sources) await source.remove();
  });

  /** Of one backend of each app. */
  async function placesOf(index: number): Promise<Place[]> {
    const { backends } = await stack.containers();
    const chosen = names.map((name) => backends.find(({ slot }) => slot === `${name}-${index}`));
    return Promise.all(
      chosen.map(async (backend) => {
        const { id = "", app = "", alias = "", networks = [] } = backend ?? {};
        const network = networks[0] ?? "";
        const format = `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`;
        const parts = (await docker("container", "inspect", "--format", format, id)).trim().split(".");
        return { id, app, alias, network, address: parts.reduce((sum, part) => sum * 256 + Number(part), 0) };
      }),
    );
  }

  // A host without load: under load, requests that meet the dead one have nginx leave its address alone for a while.
  it(`bring no request to another app's backend, in ${rounds} rounds`, async () => {
    const answers: Record<string, number> = {};
    for (let round = 0; round < rounds; round++) {
      const [low, high] = (await placesOf(round % 2)).sort((one, other) => one.address - other.address) as [
        Place,
        Place,
      ];
      await docker("kill", low.id);
      await docker("network", "disconnect", high.network, high.id);
      await docker("network", "connect", "--alias", high.alias, high.network, high.id);
      for (let sent = 0; sent < 10; sent++) {
        const { status, version } = await askPlain(url, `${low.app}.example`);
        const answer = status === 200 ? (version === low.app ? "its own" : "another app's") : String(status);
        answers[answer] = (answers[answer] ?? 0) + 1;
      }
      await docker("start", low.id);
      await until("all backends are healthy again", 30, async () =>
        (await stack.containers()).backends.every(({ health }) => health === "healthy"),
      );
    }
    assert.deepEqual(answers, { "its own": rounds * 10 });
  });
});
