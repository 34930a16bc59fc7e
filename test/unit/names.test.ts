import assert from "node:assert/strict";
import { appImageName, imagePrefix, routeOf } from "../../model/names";

// The grammar of github.com/distribution/reference, which Docker uses.
const imageName = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/;

describe("names of images", () => {
  const label = (stack: string) => `nginx-load-balancer/${stack}`;

  for (const stack of ["dev", "shop-a", "a.b_c", "a__b", "a--b", "7"])
    it(`are the stack's own where Docker takes it: ${stack}`, () =>
      assert.equal(imagePrefix(label(stack)), label(stack)));

  const others = [
    "Shop-A",
    "SHOP-A",
    "shop-a-",
    "-shop-a",
    "shop..a",
    "shop___a",
    "shop._a",
    "_",
    "-",
    ".",
    "A".repeat(100),
  ];
  for (const stack of others)
    it(`are ones that Docker takes for a stack named ${stack}`, () => {
      const name = `${imagePrefix(label(stack))}/${appImageName("a".repeat(40))}`;
      assert.match(name, imageName);
      assert.ok(name.length <= 255);
    });

  it("are different for different stacks", () => {
    const stacks = ["dev", "shop-a", ...others];
    assert.equal(new Set(stacks.map((stack) => imagePrefix(label(stack)))).size, stacks.length);
  });

  it("of apps are the apps' names, but for those that our images have", () => {
    assert.equal(appImageName("shop"), "shop");
    for (const name of ["nginx", "entry", "metrics", "connections"]) {
      assert.equal(appImageName(name), `${name}.app`);
      assert.match(appImageName(name), imageName);
    }
  });
});

describe("a server's route", () => {
  it("is its name, or a hash where nginx takes no route of that length", () => {
    const longest = "an-app-of-nineteen-0-0123456789a";
    assert.deepEqual([longest.length, routeOf(longest)], [32, longest]);
    const routes = ["b", "c"].map((letter) => routeOf(`${longest}${letter}`));
    for (const route of routes) assert.match(route, /^[0-9a-f]{20}$/);
    assert.notEqual(routes[0], routes[1]);
  });
});
