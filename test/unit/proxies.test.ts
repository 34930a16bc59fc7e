import assert from "node:assert/strict";
import { networkMeant, parseNetwork, showNetwork } from "../../model/networks";
import { parseSettings } from "../../model/settings";

const files: Record<string, string> = {
  "proxies.txt": "# the office\n10.0.0.0/8\n192.0.2.7 # its gate\n\n\t2001:db8::/32\r\n",
  "host-bits.txt": "10.0.0.0/8\n\n10.0.0.1/8\n::1/200\n",
  "page.txt": `<html>${"x".repeat(100)}\n`,
  "empty.txt": "# nobody\n\n",
  "many.txt": "10.0.0.1\n".repeat(1001),
  "most.txt": "10.0.0.1\n".repeat(1000),
};

const parse = (trustedProxies: unknown, more: Record<string, string> = {}, secretKeys = new Set<string>()) => {
  const text = typeof trustedProxies === "string" ? trustedProxies : JSON.stringify(trustedProxies);
  const context = { isApp: () => true, readFile: (path: string) => files[path], secretKeys };
  return parseSettings({ trustedProxies: text, ...more }, context).trustedProxies;
};

const refused = (...args: Parameters<typeof parse>): string[] => {
  try {
    parse(...args);
  } catch (error) {
    return (error as Error).message.split("\n  ").slice(1);
  }
  return [];
};

const any = "an IPv4 or IPv6 address or network, for example 10.0.0.0/8 or 2001:db8::7";
const file = "a list of addresses and networks, or a file that can be read, relative to the program's folder";
const list = "a list of up to 1000 addresses and networks, or the name of a file with them, one a line";
const notAll = "a network of proxies, not every address, which is behindProxy";

describe("trusted proxies", () => {
  it("are those of a list or of a file, in one order and one spelling", () => {
    assert.deepEqual(parse([]), []);
    assert.deepEqual(parse("proxies.txt"), ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"]);
    assert.deepEqual(parse(["2001:DB8:0::/32", "192.0.2.7/32", "10.0.0.0/8", "192.0.2.7"]), parse("proxies.txt"));
    assert.deepEqual(parse("most.txt"), ["10.0.0.1"]);
  });

  for (const [value, ...problems] of [
    [["10.0.0.0/33"], `trustedProxies[0]: got "10.0.0.0/33", expected ${any}`],
    [["192.0.2.1", "10.0.0.1/8"], `trustedProxies[1]: got "10.0.0.1/8", expected 10.0.0.0/8`],
    [["2001:db8::1/32"], `trustedProxies[0]: got "2001:db8::1/32", expected 2001:db8::/32`],
    [["2001:db8::/129"], `trustedProxies[0]: got "2001:db8::/129", expected ${any}`],
    [["fe80::1%eth0"], `trustedProxies[0]: got "fe80::1%eth0", expected fe80::1`],
    [["::ffff:192.0.2.1"], `trustedProxies[0]: got "::ffff:192.0.2.1", expected 192.0.2.1`],
    [["::ffff:10.0.0.0/104"], `trustedProxies[0]: got "::ffff:10.0.0.0/104", expected 10.0.0.0/8`],
    [[" 192.0.2.1"], `trustedProxies[0]: got " 192.0.2.1", expected 192.0.2.1`],
    [["proxy.example"], `trustedProxies[0]: got "proxy.example", expected ${any}`],
    [["10.0.0"], `trustedProxies[0]: got "10.0.0", expected ${any}`],
    [["010.0.0.1"], `trustedProxies[0]: got "010.0.0.1", expected ${any}`],
    [["10.0.0.0/08"], `trustedProxies[0]: got "10.0.0.0/08", expected ${any}`],
    [["10.0.0.0/8;"], `trustedProxies[0]: got "10.0.0.0/8;", expected ${any}`],
    [["unix:"], `trustedProxies[0]: got "unix:", expected ${any}`],
    [["0.0.0.0/0"], `trustedProxies[0]: got "0.0.0.0/0", expected ${notAll}`],
    [["::/0"], `trustedProxies[0]: got "::/0", expected ${notAll}`],
    [["192.0.2.1", 10], `trustedProxies: got ["192.0.2.1",10], expected ${list}`],
    [7, `trustedProxies: got 7, expected ${list}`],
    ["", `trustedProxies: got "", expected ${list}`],
    ["missing.txt", `trustedProxies: got "missing.txt", expected ${file}`],
    ["10.0.0.0/8", `trustedProxies: got "10.0.0.0/8", expected ["10.0.0.0/8"]`],
    ["10.0.0.1/8", `trustedProxies: got "10.0.0.1/8", expected ["10.0.0.0/8"]`],
    ["empty.txt", `trustedProxies: got "empty.txt", expected 1 to 1000 addresses and networks in it, not 0`],
    ["many.txt", `trustedProxies: got "many.txt", expected 1 to 1000 addresses and networks in it, not 1001`],
    [
      "host-bits.txt",
      `trustedProxies: got "host-bits.txt", expected 10.0.0.0/8 in its line 3, not "10.0.0.1/8"`,
      `trustedProxies: got "host-bits.txt", expected ${any} in its line 4, not "::1/200"`,
    ],
    ["page.txt", `trustedProxies: got "page.txt", expected ${any} in its line 1, not "<html>${"x".repeat(54)}"`],
  ] as const)
    it(`refuses ${JSON.stringify(value)}`, () => assert.deepEqual(refused(value), problems));

  it("are no more than 1000", () => {
    const addresses = Array.from({ length: 1001 }, (_, at) => `10.0.${at >> 8}.${at & 255}`);
    assert.equal(parse(addresses.slice(1)).length, 1000);
    assert.deepEqual(refused(addresses), [`trustedProxies: got a list that is not shown, expected ${list}`]);
  });

  it("are not shown where they are secret", () =>
    assert.deepEqual(refused("missing.txt", {}, new Set(["trustedProxies"])), [
      `trustedProxies: got a text that is not shown, expected ${file}`,
    ]));

  it("contradict behindProxy, which takes everybody's word", () => {
    const problem =
      "behindProxy: got true, expected false beside trustedProxies, which names those whose word is taken";
    assert.deepEqual(refused("proxies.txt", { behindProxy: "true" }), [problem]);
    assert.deepEqual(refused(["192.0.2.1"], { behindProxy: "true" }), [problem]);
    assert.deepEqual(refused(["192.0.2.1"], { behindProxy: "false" }), []);
    assert.deepEqual(refused([], { behindProxy: "true" }), []);
  });

  it("are those whose PROXY lines are taken: there have to be some", () => {
    const problem = "proxyProtocol: got true, expected trustedProxies beside it, whose lines are taken";
    assert.deepEqual(refused([], { proxyProtocol: "true" }), [problem]);
    assert.deepEqual(refused(["192.0.2.1"], { proxyProtocol: "true" }), []);
    assert.deepEqual(refused("missing.txt", { proxyProtocol: "true" }).length, 1);
    assert.deepEqual(refused([], { proxyProtocol: "yes" }), [`proxyProtocol: got "yes", expected true or false`]);
  });
});

describe("networks", () => {
  for (const [text, shown] of [
    ["0.0.0.0", "0.0.0.0"],
    ["255.255.255.255/32", "255.255.255.255"],
    ["128.0.0.0/1", "128.0.0.0/1"],
    ["::", "::"],
    ["0:0:0:0:0:0:0:1", "::1"],
    ["1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"],
    ["2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
    ["8000::/1", "8000::/1"],
    ["2001:db8:8000::/33", "2001:db8:8000::/33"],
  ] as const)
    it(`${text} is ${shown}`, () => {
      const network = parseNetwork(text);
      assert.equal(network && showNetwork(network), shown);
      assert.equal(networkMeant(text), shown);
    });
});
