import assert from "node:assert/strict";
import { gapOf, isTakenBy, keptEntries, publicAddress } from "../../model/entry";
import { identity } from "../components";
import { containerOf, entryOf } from "../observed";

describe("the published address", () => {
  it("is written with its port, an IPv6 one in brackets", () => {
    assert.equal(publicAddress("127.0.0.1", 8080), "127.0.0.1:8080");
    assert.equal(publicAddress("::1", 80), "[::1]:80");
  });

  for (const [address, ports, taken] of [
    ["127.0.0.1:8080", "127.0.0.1:8080->8080/tcp", true],
    ["127.0.0.1:8080", "127.0.0.1:18080->8080/tcp", false],
    ["127.0.0.1:8080", "127.0.0.2:8080->8080/tcp", false],
    ["127.0.0.1:8080", "0.0.0.0:8080->8080/tcp, :::8080->8080/tcp", true],
    ["127.0.0.1:8080", "192.0.2.7:9090->8080/tcp, [::]:8080->8080/tcp", true],
    ["0.0.0.0:8080", "127.0.0.1:8080->8080/tcp", true],
    ["0.0.0.0:8080", "127.0.0.1:8081->8080/tcp", false],
    ["[::1]:8080", "::1:8080->8080/tcp", true],
    ["[::1]:8080", "[::1]:8080->8080/tcp", true],
    ["[::]:8080", "127.0.0.1:8080->8080/tcp", true],
    ["127.0.0.1:8080", "8080/tcp", false],
    ["127.0.0.1:8080", "", false],
  ] as const)
    it(`${address} is ${taken ? "not free" : "free"} beside '${ports}'`, () =>
      assert.equal(isTakenBy(address, ports), taken));
});

describe("the gap of an update", () => {
  const { hash, owner, listen: address } = entryOf();
  const gap = (cause: string) =>
    `This update has a gap of about half a second, in which connections are refused and requests in flight are cut: ${cause}.`;

  for (const [what, wanted, existing, expected] of [
    ["a first update", { hash, address, owner: undefined }, [], undefined],
    ["one that leaves the entry as it is", { hash, address, owner }, [entryOf(), containerOf()], undefined],
    ["another port", { hash: "2", address: "127.0.0.1:9090", owner }, [entryOf()], undefined],
    ["another address beside it", { hash: "2", address: "127.0.0.2:8080", owner }, [entryOf()], undefined],
    ["an entry that doesn't run", { hash: "2", address, owner }, [entryOf({ state: "exited" })], undefined],
    [
      "another image",
      { hash: "2", address, owner },
      [containerOf(), entryOf()],
      gap("the entry that has the port is replaced by another image"),
    ],
    [
      "an address that includes the one of now",
      { hash: "2", address: "0.0.0.0:8080", owner },
      [entryOf()],
      gap("Docker can't publish 0.0.0.0:8080 beside 127.0.0.1:8080"),
    ],
    [
      "an address that the one of now includes",
      { hash: "2", address, owner },
      [entryOf({ ports: "0.0.0.0:8080->8080/tcp, :::8080->8080/tcp" })],
      gap("Docker can't publish 127.0.0.1:8080 beside 0.0.0.0:8080, :::8080"),
    ],
    [
      "a takeover from another state",
      { hash, address, owner: "another" },
      [entryOf()],
      gap("the entry that has the port is another state's"),
    ],
    [
      "a takeover from an older version",
      { hash, address, owner },
      [containerOf("", { ports: "127.0.0.1:8080->8080/tcp" })],
      gap("a balancer that an older version made publishes the port itself"),
    ],
  ] as const)
    it(`is ${expected === undefined ? "none" : "said"} of ${what}`, () =>
      assert.equal(gapOf(wanted, existing), expected));
});

describe("the entries of a state that was lost", () => {
  const lost = (more: Parameters<typeof entryOf>[0] = {}) => entryOf({ id: "lost-id", owner: "lost", ...more });
  const tls = lost({ id: "tls-id", hash: "tlshash" });
  const wanted = [entryOf().hash, tls.hash];

  for (const [what, existing, ids] of [
    ["that are what is wanted", [tls, lost(), containerOf()], ["lost-id", "tls-id"]],
    ["that are otherwise: none", [lost({ hash: "another" })], []],
    ["beside one that the own state knows: none", [entryOf({ state: "created" }), lost()], []],
    ["beside one of before there were identities: none", [entryOf({ owner: "" }), lost()], []],
    ["of which a newer one does not run", [lost({ id: "newer", state: "created" }), lost()], ["lost-id"]],
    ["of which none runs", [lost({ state: "exited" })], ["lost-id"]],
    ["that are on no network: none", [lost({ networks: [] })], []],
    ["on two volumes: those on the first one's", [lost(), { ...tls, volumes: ["another"] }], ["lost-id"]],
    ["that are no entries: none", [lost({ role: "balancer" })], []],
  ] as const)
    it(`are kept ${what}`, () => {
      assert.deepEqual(
        keptEntries(wanted, existing, identity.owner).map(({ id }) => id),
        ids,
      );
    });

  it("are kept in the preview of a first update, too, which has no identity yet", () =>
    assert.deepEqual(keptEntries(wanted, [lost()], undefined), [lost()]));
});
