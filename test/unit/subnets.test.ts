import assert from "node:assert/strict";
import { labels } from "../../model/labels";
import { parseSettings } from "../../model/settings";
import { countFree, dealSubnets, dockersPools, type TakenNetwork } from "../../model/subnets";
import { subnetsOf } from "../../rollout/subnets";
import { FakePrograms } from "../fake-programs";

const bridge: TakenNetwork = { subnets: ["172.17.0.0/16"] };

describe("the setting subnets", () => {
  const refused = (text: string) => () => parseSettings({ subnets: text }, { isApp: () => true });

  for (const text of ["", "10.0.0.0/8", "10.83.0.0/16", "172.16.0.0/12", "192.168.254.0/23", "100.64.0.0/10"])
    it(`may be ${JSON.stringify(text)}`, () => assert.equal(refused(text)().subnets, text));

  for (const text of [
    "10.83.1.0/16",
    "10.83.0.0/24",
    "8.0.0.0/8",
    "192.168.0.0/15",
    "10.83.0.0",
    "fd00::/16",
    "0.0.0.0/8",
    "x",
  ])
    it(`may not be ${JSON.stringify(text)}`, () =>
      assert.throws(refused(text), {
        message: new RegExp(
          `subnets: got "${text}", expected an IPv4 network of private addresses with 8 to 23 common bits, for example 10\\.83\\.0\\.0/16`,
        ),
      }));
});

describe("networks dealt to apps", () => {
  it("are one for each, in order, none of which overlaps what Docker has", () => {
    const taken = [
      bridge,
      { subnets: ["10.83.2.128/25"] },
      { subnets: ["fd00::/64", "10.83.4.0/22"] },
      { subnets: [] },
    ];
    assert.deepEqual(
      [...dealSubnets("10.83.0.0/16", ["a", "b", "c"], taken)],
      [["a", "10.83.0.0/23"], ["b", "10.83.8.0/23"], ["c", "10.83.10.0/23"]], // prettier-ignore
    );
  });

  it("stay those that they have, whoever comes and goes", () => {
    const taken = [bridge, { subnets: ["10.83.0.0/23"], app: "gone" }, { subnets: ["10.83.6.0/23"], app: "b" }];
    assert.deepEqual(Object.fromEntries(dealSubnets("10.83.0.0/16", ["a", "b"], taken)), {
      a: "10.83.2.0/23",
      b: "10.83.6.0/23",
    });
  });

  it("are others where the pool is another one, or Docker chose them", () => {
    const taken = [
      { subnets: ["10.84.0.0/23"], app: "a" },
      { subnets: ["10.83.0.0/20"], app: "b" },
    ];
    assert.deepEqual(Object.fromEntries(dealSubnets("10.83.0.0/16", ["a", "b"], taken)), {
      a: "10.83.16.0/23",
      b: "10.83.18.0/23",
    });
  });

  it("are 32,768 of the largest pool", () => {
    const apps = Array.from({ length: 200 }, (_, at) => `a${at}`);
    assert.equal(dealSubnets("10.0.0.0/8", apps, [bridge]).get("a199"), "10.1.142.0/23");
  });

  it("are refused where the pool has too few", () => {
    const taken = [{ subnets: ["10.83.0.0/23"], app: "a" }, { subnets: ["10.83.3.0/24"] }];
    assert.throws(() => dealSubnets("10.83.0.0/22", ["a", "b", "c"], taken), {
      message:
        'subnets: got "10.83.0.0/22", expected room for 2 more networks of 512 addresses, one an app: 0 of its 2 are free',
    });
    assert.equal(dealSubnets("10.83.0.0/22", ["a"], taken).get("a"), "10.83.0.0/23");
  });
});

describe("Docker's pools", () => {
  it("have 31 networks, one of which is the bridge's own", () => {
    assert.equal(countFree(dockersPools, []), 31);
    assert.equal(countFree(dockersPools, [bridge]), 30);
    assert.equal(countFree(dockersPools, [bridge, { subnets: ["192.168.0.0/19"] }, { subnets: ["10.0.0.0/8"] }]), 28);
  });

  it("are those of its configuration where it has some; of IPv6 none", () => {
    const pools = [{ Base: "10.10.0.0/22", Size: 24 }, { Base: "fd00::/8", Size: 64 }]; // prettier-ignore
    assert.equal(countFree(pools, [bridge]), 4);
  });
});

describe("the addresses of apps' networks", () => {
  const stack = "nginx-load-balancer/dev";
  const entry = { app: "", network: "", role: "entry" };
  let programs: FakePrograms;
  let rows: unknown[][];
  let pools: unknown;

  beforeEach(async () => {
    programs = await FakePrograms.create();
    rows = [
      [[{ Subnet: "10.10.0.0/24" }], {}],
      [null, null],
    ];
    pools = [{ Base: "10.10.0.0/22", Size: 24 }];
  });
  afterEach(() => programs.remove());

  async function ask(
    apps: string[],
    pool: string,
    containers: Parameters<typeof subnetsOf>[3] = [],
    others?: Parameters<typeof subnetsOf>[4],
  ) {
    const listing = rows.map((row) => row.map((cell) => JSON.stringify(cell)).join("\t")).join("\n");
    await programs.write(
      "docker",
      `#!/bin/sh\ncase "$1 $2" in\n"network ls") echo a b ;;\n"network inspect") cat <<'END'\n${listing}\nEND\n;;\ninfo*) echo '${JSON.stringify(pools)}' ;;\nesac\n`,
    );
    return subnetsOf(stack, apps, pool, containers, others);
  }

  it("are Docker's to choose, as long as it has some", async () => {
    assert.deepEqual(await ask(["a", "b"], ""), new Map());
    await assert.rejects(ask(["a", "b", "c"], ""), {
      name: "UserError",
      message:
        "apps: each has a network of its own, of which 4 are to be made, and Docker's pools have addresses for 3 more. " +
        "Another pool has more: npx pulumi config set subnets 10.83.0.0/16",
    });
    // What counts requests has another one.
    await assert.rejects(ask(["a", "b"], "", [], ["entry", "metrics"]), /, of which 4 are to be made, /);
    pools = null;
    assert.deepEqual(await ask(["a", "b", "c"], ""), new Map());
  });

  it("are not asked for by apps that have their network, nor by an entry that is there", async () => {
    const backend = { app: "a", network: "net-a", role: "backend" };
    assert.deepEqual(await ask(["a", "b", "c", "d"], "", [backend, entry]), new Map());
    await assert.rejects(ask(["a", "b", "c", "d"], "", [{ ...backend, network: "" }, entry]), /4 are to be made/);
    await programs.write("docker", "#!/bin/sh\necho Docker was asked >&2\nexit 1\n");
    assert.deepEqual(await subnetsOf(stack, ["a"], "", [backend, entry]), new Map());
  });

  it("are those that the stack's apps have, and no other stack's", async () => {
    const labelled = (of: string, app: string) => ({ [labels.stack]: of, [labels.app]: app });
    rows.push(
      [[{ Subnet: "10.83.2.0/23" }], labelled(stack, "a")],
      [[{ Subnet: "10.83.4.0/23" }], labelled("x/dev", "b")],
    );
    assert.deepEqual(Object.fromEntries(await ask(["a", "b"], "10.83.0.0/16")), {
      a: "10.83.2.0/23",
      b: "10.83.0.0/23",
    });
  });
});
