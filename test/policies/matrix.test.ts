import assert from "node:assert/strict";
import { accessRule } from "../../model/policies/access";
import { compressionRule } from "../../model/policies/compression";
import { limitSchema } from "../../model/policies/limits";
import { pagesOf } from "../../model/policies/pages";
import { stickySchema } from "../../model/policies/sticky";
import type { topologyOf } from "../../model/topology";
import { settings } from "../components";
import { Rig } from "../faults/rig";

type Settings = Parameters<typeof topologyOf>[0];

const [app] = settings.apps as [(typeof settings.apps)[number]];
const apps = [
  { ...app, name: "down", hosts: ["down.example"] },
  { ...app, name: "held", hosts: ["held.example"] },
  { ...app, name: "shop" },
];
const everywhere = { hosts: [], paths: ["/"] };
const maintenance = { sites: ["down.example"], allow: [], retryAfterSeconds: 9 };

/** A policy alone, and what a client sees of it. */
interface Policy {
  readonly settings: Partial<Settings>;
  /** A path that no other policy says anything of, and what its answer shows. */
  effect(rig: Rig): Promise<unknown>;
  readonly seen: unknown;
}

const html = "sets=Content-Type:text/html";
const policies: Readonly<Record<string, Policy>> = {
  headers: {
    settings: { headers: [{ ...everywhere, requests: { "X-Env": "live" }, answers: { "X-Matrix": "yes" } }] },
    effect: async (rig) => {
      const { headers, text } = await rig.ask("/echo");
      return [headers["x-matrix"], /^X-Env: live$/m.test(text)];
    },
    seen: ["yes", true],
  },
  locations: {
    settings: { locations: [{ hosts: [], paths: ["/large"], maxBodyMb: 1 }] },
    effect: async (rig) => (await rig.ask("/large", { method: "POST", body: Buffer.alloc(2 << 20) })).status,
    seen: 413,
  },
  locationConfig: {
    settings: { locations: [{ hosts: [], paths: ["/own"], locationConfig: "add_header X-Own yes;" }] },
    effect: async (rig) => (await rig.ask("/own")).headers["x-own"],
    seen: "yes",
  },
  httpConfig: {
    settings: { httpConfig: "map $host $seen { default yes; }", serverConfig: "add_header X-Seen $seen;" },
    effect: async (rig) => (await rig.ask("/")).headers["x-seen"],
    seen: "yes",
  },
  compression: {
    settings: { compression: compressionRule.parse([{}]) },
    effect: async (rig) =>
      (await rig.ask(`/?bytes=5000&${html}`, { headers: { "Accept-Encoding": "gzip" } })).headers["content-encoding"],
    seen: "gzip",
  },
  cache: {
    settings: { cache: [{ hosts: [], paths: ["/kept"], seconds: 60 }] },
    effect: async (rig) => {
      const path = rig.path("/kept");
      return [(await rig.ask(path)).headers["x-cache"], (await rig.ask(path)).headers["x-cache"]];
    },
    seen: ["MISS", "HIT"],
  },
  maintenance: {
    settings: { maintenance },
    effect: async (rig) => {
      const { status, headers } = await rig.ask("/", { headers: { Host: "down.example" } });
      return [status, headers["retry-after"]];
    },
    seen: [503, "9"],
  },
  pause: {
    settings: { pause: { sites: ["held.example"], holdSeconds: 1 } },
    effect: async (rig) => {
      const { status, headers, seconds } = await rig.ask("/", { headers: { Host: "held.example" } });
      return [status, headers["retry-after"], seconds >= 1];
    },
    seen: [503, "1", true],
  },
  errorPages: {
    settings: { errorPages: {} },
    effect: async (rig) => {
      const { status, text } = await rig.ask("/drop", { method: "POST", body: Buffer.from("x") });
      return [status, /<h1>(.*)<\/h1>/.exec(text)?.[1]];
    },
    seen: [502, "Bad Gateway"],
  },
  sticky: {
    settings: { apps: apps.map((one) => ({ ...one, sticky: stickySchema.parse({}) })) },
    effect: async (rig) => /^sticky-shop=/.test(String((await rig.ask("/")).headers["set-cookie"])),
    seen: true,
  },
  limits: {
    settings: {
      limits: {
        dryRun: false,
        rules: [
          limitSchema.parse({
            name: "few",
            paths: ["/few"],
            by: "header X-Who",
            requestsPerSecond: "1/60",
            connections: 5,
          }),
        ],
      },
    },
    effect: async (rig) => {
      const headers = { "X-Who": rig.path("who") };
      return [(await rig.ask("/few", { headers })).status, (await rig.ask("/few", { headers })).status];
    },
    seen: [200, 429],
  },
  access: {
    settings: {
      access: accessRule.parse([
        { paths: ["/closed"], allow: ["192.0.2.1"] },
        { paths: ["/closed/health"], open: true },
        { paths: ["/asked"], authRequest: { app: "shop", path: "/gate" } },
      ]),
    },
    effect: async (rig) =>
      Promise.all(["/closed/a", "/closed/health", "/asked"].map(async (path) => (await rig.ask(path)).status)),
    seen: [403, 200, 200],
  },
};

/** Settings of some policies together. */
function together(...names: readonly string[]): Partial<Settings> {
  const all = Object.assign({ apps }, ...names.map((name) => policies[name]?.settings)) as Partial<Settings>;
  const locations = names.flatMap((name) => policies[name]?.settings.locations ?? []);
  return { ...all, locations, ...pagesOf(all, () => "") };
}

describe("policies in pairs", function () {
  this.timeout(300_000);
  let rig: Rig;

  before(async () => {
    rig = await Rig.create("matrix", 6, { apps });
  });
  after(() => rig?.remove());

  const names = Object.keys(policies);
  for (const [at, first] of names.entries())
    it(`${first} does what it does alone, and beside each of the others`, async () => {
      for (const second of [first, ...names.slice(at + 1)]) {
        await rig.change(together(...new Set([first, second])));
        for (const name of new Set([first, second])) {
          const { effect, seen } = policies[name] as Policy;
          assert.deepEqual(await effect(rig), seen, `${name} of ${first} and ${second}`);
        }
        assert.equal((await rig.ask("/plain")).status, 200);
      }
    });

  it("all at once do what each does alone", async () => {
    await rig.change(together(...names));
    for (const [name, { effect, seen }] of Object.entries(policies)) assert.deepEqual(await effect(rig), seen, name);
  });
});
