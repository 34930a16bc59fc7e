import assert from "node:assert/strict";
import { deal } from "../../model/deal";
import { topologyOf } from "../../model/topology";
import { releaseOf } from "../../nginx/render/config";
import { settings } from "../components";

interface Wanted {
  readonly name: string;
  readonly hosts?: readonly string[];
  readonly paths?: readonly string[];
  readonly count?: number;
  readonly weight?: number;
  /** What its image is: another one gives its backends other names. */
  readonly image?: string;
}

/** Each upstream's blocks, by its name, as nginx reads them. */
function upstreamsOf(wanted: readonly Wanted[]): Map<string, string> {
  const [any] = settings.apps as [(typeof settings.apps)[number]];
  const apps = wanted.map((app) => ({ ...any, ...app }));
  const servers = deal(apps, 2).map(({ app, name }) => ({
    app: app.name,
    name: `${name}-${app.image ?? "one"}`,
    port: app.port,
    weight: app.weight,
    health: { path: app.healthPath, host: app.healthHost },
  }));
  const text = releaseOf(topologyOf({ ...settings, apps }, servers))
    .files.map((file) => file.text)
    .join("\n");
  return new Map(
    [...text.matchAll(/^ {2}upstream (\S+) \{\n[^]*?^ {2}\}\n/gm)].map(([block, name = ""]) => [name, block]),
  );
}

describe("a change of one site leaves the upstreams of the others as they are, to the character", () => {
  const shop: Wanted = { name: "shop", hosts: ["shop.example"], count: 2 };
  const blog: Wanted = { name: "blog", hosts: ["blog.example"], count: 3 };
  const rest: Wanted = { name: "rest" };
  const before = upstreamsOf([shop, blog, rest]);

  it("which are one for each, and a spare one", () => {
    for (const name of ["shop", "blog", "backends"]) assert.ok(before.has(name), name);
    assert.equal(before.size, 6);
  });

  for (const [what, apps, changed] of [
    ["another image", [{ ...shop, image: "two" }, blog, rest], "shop"],
    ["more backends", [{ ...shop, count: 9 }, blog, rest], "shop"],
    ["a weight", [{ ...shop, weight: 7 }, blog, rest], "shop"],
    ["another host", [{ ...shop, hosts: ["other.example"] }, blog, rest], undefined],
    ["another path", [{ ...shop, paths: ["/a"] }, blog, rest], undefined],
    ["its host and another site's changed for each other", [{ ...shop, hosts: ["blog.example"] }, { ...blog, hosts: ["shop.example"] }, rest], undefined], // prettier-ignore
    ["another place in the list", [rest, blog, shop], undefined],
    ["no such site any more", [blog, rest], "shop"],
    ["one more", [{ ...shop, name: "api", hosts: ["api.example"] }, shop, blog, rest], "api"],
    ["a path that is split off", [shop, { name: "api", hosts: ["shop.example"], paths: ["/api"], count: 1 }, blog, rest], "api"], // prettier-ignore
  ] as const)
    it(what, () => {
      const after = upstreamsOf(apps);
      const names = [...new Set([...before.keys(), ...after.keys()])];
      const differing = names.filter((name) => before.get(name) !== after.get(name));
      assert.deepEqual([...new Set(differing.map((name) => name.replace(/_spare$/, "")))], changed === undefined ? [] : [changed]); // prettier-ignore
    });
});
