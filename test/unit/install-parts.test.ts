import assert from "node:assert/strict";
import { chooseAlias, chooseGeneration, type ExistingBackend } from "../../model/identity";
import type { BalancerShell } from "../../rollout/balancer-shell";
import { parseStates } from "../../rollout/docker";
import { unanswered } from "../../rollout/probe";
import { putBack } from "../../rollout/reload";
import { formatChange } from "../../rollout/report";
import { parseInFlight, parseWorkers } from "../../rollout/workers";

describe("alias", () => {
  const backend = (slot: string, hash: string, alias = `${slot}-${hash}`): ExistingBackend => ({
    id: alias,
    slot,
    hash,
    alias,
  });

  it("is slot and hash", () => assert.equal(chooseAlias("a-0", "h1", []), "a-0-h1"));

  it("stays that of the container that runs", () => {
    assert.equal(chooseAlias("a-0", "h1", [backend("a-0", "h1", "a-0-h1-3")]), "a-0-h1-3");
  });

  it("is another one when an older container has it: going back after a failed change", () => {
    assert.equal(chooseAlias("a-0", "h1", [backend("a-0", "h2"), backend("a-0", "h1")]), "a-0-h1-2");
    assert.equal(
      chooseAlias("a-0", "h1", [backend("a-0", "h2"), backend("a-0", "h1"), backend("a-0", "h1", "a-0-h1-2")]),
      "a-0-h1-3",
    );
  });
});

describe("generation", () => {
  it("stays for the text that is live and runs, and counts up for any other; where there is none it is the time", () => {
    const live = (text: string, generation: string, ailing = false) => ({ text, generation, ailing });
    assert.equal(
      chooseGeneration("x", undefined, 1_700_000_000),
      "1700000000",
      "a balancer that was removed tells none",
    );
    assert.equal(chooseGeneration("x", live("x", "4")), "4");
    assert.equal(chooseGeneration("x", live("y", "4")), "5");
    assert.equal(chooseGeneration("x", live("x", "4", true)), "5", "something that was installed does not run");
    for (const broken of ["", "many", "NaN", "0", "1.5", "-1", "9".repeat(400)])
      assert.equal(chooseGeneration("x", live("x", broken), 1_700_000_000), "1700000000", JSON.stringify(broken));
  });
});

describe("probes", () => {
  const output = [
    "",
    "probe http://balancer/probe/a-1/health 200 172.18.0.2:5000",
    "",
    "probe http://balancer/probe/b-1/health 503 172.18.0.3:5000",
    "",
    "probe http://balancer/probe/c-1/health 200 172.18.0.2:5000",
    "",
    "probe http://balancer/probe/d-1/health 000 ",
    "",
    "probe http://balancer/probe/e-1/health 502 ",
    "address a-1 172.18.0.2",
    "address b-1 172.18.0.3",
    "address c-1 172.18.0.4",
    "address d-1 172.18.0.5",
    "address e-1 172.18.0.6",
    "",
  ].join("\n");

  it("count only an answer 200 from the server that was asked", () => {
    assert.deepEqual(
      [...unanswered(["a-1", "b-1", "c-1", "d-1", "e-1", "f-1"], output)],
      [
        ["b-1", "answered 503 instead of 200"],
        ["c-1", "not reachable through the balancer"],
        ["d-1", "no answer"],
        ["e-1", "not reachable through the balancer"],
        ["f-1", "its name has no address"],
      ],
    );
  });
});

describe("workers", () => {
  it("are the nginx workers among the children of process 1, and those that leave", () => {
    assert.deepEqual(
      parseWorkers(
        "7 nginx: worker process \n9 nginx: worker process is shutting down \n12 nginx: cache manager process \n13 sh \n",
      ),
      [
        { pid: 7, leaving: false },
        { pid: 9, leaving: true },
      ],
    );
  });

  it("have in flight what is established to a backend", () => {
    const output = [
      "lrwx------ 1 10001 10001 64 Nov 23 01:00 3 -> 'socket:[100]'",
      "lrwx------ 1 10001 10001 64 Nov 23 01:00 4 -> socket:[101]",
      "lrwx------ 1 10001 10001 64 Nov 23 01:00 5 -> 'socket:[102]'",
      "l-wx------ 1 10001 10001 64 Nov 23 01:00 1 -> 'pipe:[5]'",
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
      "   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 10001        0 99 1 0 100 0 0 10 0",
      "   1: 020012AC:1F90 010012AC:C350 01 00000000:00000000 00:00000000 00000000 10001        0 100 1 0 20 4 30 10 -1",
      "   2: 020012AC:B000 030012AC:1388 01 00000000:00000000 02:00000000 00000000 10001        0 101 2 0 20 4 30 10 -1",
      "   3: 020012AC:B001 030012AC:1388 08 00000000:00000000 00:00000000 00000000 10001        0 102 1 0 20 4 30 10 -1",
      "   4: 020012AC:B002 030012AC:1388 01 00000000:00000000 00:00000000 00000000 10001        0 103 1 0 20 4 30 10 -1",
    ].join("\n");
    assert.equal(parseInFlight(output, 8080), 1);
  });
});

describe("container states", () => {
  it("are read line by line, whatever else docker prints", () => {
    assert.deepEqual(
      parseStates(
        'id1\t/one\trunning\t0\t0\thealthy\t3000000000\t["CMD-SHELL","ask 5000"]\n\nid2\t/two\trestarting\t1\t4\tnone\t0\t[]\n',
      ),
      [
        {
          id: "id1",
          name: "one",
          status: "running",
          exitCode: 0,
          restarts: 0,
          health: "healthy",
          healthInterval: 3,
          healthCommand: ["sh", "-c", "ask 5000"],
        },
        {
          id: "id2",
          name: "two",
          status: "restarting",
          exitCode: 1,
          restarts: 4,
          health: "none",
          healthInterval: 0,
          healthCommand: [],
        },
      ],
    );
  });
});

describe("putting back", () => {
  it("that fails leaves the failure before it to be read, too", async () => {
    const shell = { write: () => Promise.reject(new Error("the container is gone")) } as unknown as BalancerShell;
    const lines: string[] = [];
    await assert.rejects(
      putBack(shell, "no rendered text", new Error("app-0 answers 502"), (line) => lines.push(line)),
      {
        message: `app-0 answers 502
The previous configuration could not be put back: the container is gone
Run \`pulumi up\` again.`,
      },
    );
    assert.deepEqual(lines, ["putting the previous configuration back"]);
  });
});

describe("report of a change", () => {
  it("names what was added and removed, each step's seconds, and what was in flight", () => {
    const change = {
      configBefore: "1111111111111111",
      configAfter: "2222222222222222",
      added: ["a-0-h2"],
      removed: ["a-0-h1", "b-0-h1"],
      seconds: { candidate: 1.234, drain: 0.5 },
      inFlight: { drainBegan: 3, drainEnded: 0 },
    };
    assert.equal(
      formatChange(change),
      `balancer: configuration 1111111111111111 -> 2222222222222222
  +1: a-0-h2
  -2: a-0-h1, b-0-h1
  candidate 1.23 s, drain 0.50 s
  requests in flight: 3 as the drain began, 0 at its end`,
    );
    assert.equal(
      formatChange({ ...change, configBefore: change.configAfter, added: [], removed: [] }),
      "balancer: configuration 2222222222222222 serves\n  candidate 1.23 s, drain 0.50 s",
    );
  });
});
