import assert from "node:assert/strict";
import { problemsOf } from "../problems";

describe("settings of apps and redirects", () => {
  it("takes images by all names that Docker has for them", () => {
    const digest = `sha256:${"0a".repeat(32)}`;
    for (const image of [
      ...["nginx", "library/nginx:1.30", "localhost/a", "Registry.example:5000/a/b__c--d.e:V_1.2-x", "[::1]:5000/a"],
      ...[digest, `registry.example/shop@${digest}`, `shop:1@${digest}`, `shop:${"1".repeat(128)}`],
    ])
      assert.deepEqual(problemsOf({ apps: JSON.stringify([{ name: "a", image }]) }), [], image);
  });

  const image = "expected the name of an image, with a tag or a digest or without, for example nginx:1.30";
  const host = "expected a host name in lower case, for example shop.example or *.shop.example";
  const path = "expected a path that starts with / and has only letters, digits and ._~-, for example /api";
  const command = "expected a list of 1 to 100 texts, the first of which names a program";
  const appTable: readonly (readonly [app: Record<string, unknown>, problem: string])[] = [
    [{ hosts: ["Shop.Example"] }, `apps[0].hosts[0]: got "Shop.Example", expected shop.example`],
    [{ hosts: ["https://shop.example/"] }, `apps[0].hosts[0]: got "https://shop.example/", expected shop.example`],
    [{ hosts: ["a.example", "shop.example:8443"] }, `apps[0].hosts[1]: got "shop.example:8443", expected shop.example`],
    [{ hosts: ["shop.example."] }, `apps[0].hosts[0]: got "shop.example.", expected shop.example`],
    [{ hosts: ["bücher.example"] }, `apps[0].hosts[0]: got "bücher.example", expected xn--bcher-kva.example`],
    [{ hosts: ["*.bücher.example"] }, `apps[0].hosts[0]: got "*.bücher.example", expected *.xn--bcher-kva.example`],
    [{ hosts: ["a.*.example"] }, `apps[0].hosts[0]: got "a.*.example", ${host}`],
    [{ hosts: ["[2001:db8::1]"] }, `apps[0].hosts[0]: got "[2001:db8::1]", ${host}`],
    [{ hosts: ["shop.*"] }, `apps[0].hosts[0]: got "shop.*", ${host}`],
    [{ hosts: ["*"] }, `apps[0].hosts[0]: got "*", ${host}`],
    [{ hosts: ["a b"] }, `apps[0].hosts[0]: got "a b", ${host}`],
    [{ hosts: ["a;b"] }, `apps[0].hosts[0]: got "a;b", ${host}`],
    [{ hosts: [""] }, `apps[0].hosts[0]: got "", ${host}`],
    [{ hosts: [7] }, `apps[0].hosts[0]: got 7, ${host}`],
    [
      { hosts: ["a.example", "b.example", "a.example"] },
      'apps[0].hosts[2]: got "a.example", expected each item once: [0] is this one, too',
    ],
    [
      { hosts: "shop.example" },
      `apps[0].hosts: got "shop.example", expected a list of up to 100 different host names in lower case, for example shop.example or *.shop.example`,
    ],
    [
      { paths: [] },
      "apps[0].paths: got [], expected a list of 1 to 100 different paths that start with / and have only letters, digits and ._~-",
    ],
    [{ paths: ["api"] }, `apps[0].paths[0]: got "api", expected /api`],
    [{ paths: ["/api/"] }, `apps[0].paths[0]: got "/api/", expected /api`],
    [{ paths: ["/api?x"] }, `apps[0].paths[0]: got "/api?x", expected /api`],
    [{ paths: ["//api"] }, `apps[0].paths[0]: got "//api", expected /api`],
    [{ paths: ["/a/../b"] }, `apps[0].paths[0]: got "/a/../b", ${path}`],
    [{ paths: ["/."] }, `apps[0].paths[0]: got "/.", ${path}`],
    [{ paths: ["/a%2fb"] }, `apps[0].paths[0]: got "/a%2fb", ${path}`],
    [{ paths: ["/a b"] }, `apps[0].paths[0]: got "/a b", ${path}`],
    [{ paths: ['/a"{'] }, `apps[0].paths[0]: got "/a\\"{", ${path}`],
    ...[
      ["https://registry.example/Shop:Live", "registry.example/shop:Live"],
      ["Registry.example:5000/Shop", "registry.example:5000/shop"],
      [`shop:${"1".repeat(129)}`],
      ["registry.example/shop@sha256:abc"],
      ["registry.example/shop:"],
      ["shop@latest"],
      ["/shop"],
      ["-v"],
    ].map(([name = "", meant]): [Record<string, unknown>, string] => [
      { path: undefined, image: name },
      `apps[0].image: got "${name}", ${meant === undefined ? image : `expected ${meant}`}`,
    ]),
    [{ stripPrefix: "yes" }, `apps[0].stripPrefix: got "yes", expected true or false`],
    [{ count: 0 }, "apps[0].count: got 0, expected an integer from 1 to 200"],
    [{ cpus: 0 }, "apps[0].cpus: got 0, expected a number from 0.01 to 1024"],
    [{ command: [] }, `apps[0].command: got [], ${command}`],
    [{ command: "serve" }, `apps[0].command: got a text that is not shown, ${command}`],
    [{ command: [""] }, `apps[0].command: got a list that is not shown, ${command}`],
    [{ command: ["serve", 8] }, `apps[0].command[1]: got a number that is not shown, ${command}`],
    [{ command: Array(101).fill("a") }, `apps[0].command: got a list that is not shown, ${command}`],
    [
      { user: "a b" },
      `apps[0].user: got "a b", expected a name or a number, with a group or without, for example 1000:1000`,
    ],
    [{ image: "nginx:1.30" }, `apps[0].image: got "nginx:1.30", expected no image beside path`],
    [
      { writable: ["cache"] },
      `apps[0].writable[0]: got "cache", expected an absolute path of a folder other than /tmp, for example /var/cache/app`,
    ],
    [
      { writable: ["/tmp"] },
      `apps[0].writable[0]: got "/tmp", expected an absolute path of a folder other than /tmp, for example /var/cache/app`,
    ],
    [
      { volumes: ["media"] },
      `apps[0].volumes[0]: got "media", expected SOURCE:FOLDER or SOURCE:FOLDER:rw, a volume's name or an absolute path, and where it is in the container`,
    ],
    [
      { volumes: ["./media:/srv"] },
      `apps[0].volumes[0]: got "./media:/srv", expected SOURCE:FOLDER or SOURCE:FOLDER:rw, a volume's name or an absolute path, and where it is in the container`,
    ],
    [
      { volumes: ["media:/srv", "more:/srv/"] },
      'apps[0].volumes[1]: got "more:/srv/", expected a folder of the container other than that of volumes[0]',
    ],
    [
      { volumes: ["media:/srv/../tmp:rw"] },
      'apps[0].volumes[0]: got "media:/srv/../tmp:rw", expected a folder of the container other than /tmp, which is in memory',
    ],
    [
      { volumes: ["media:/srv/.."] },
      'apps[0].volumes[0]: got "media:/srv/..", expected a folder of the container other than /',
    ],
    [
      { volumes: ["media:/var/cache"], writable: ["/var/cache"] },
      'apps[0].volumes[0]: got "media:/var/cache", expected a folder of the container other than that of writable[0]',
    ],
    [
      { writable: ["/a/b", "/a/b/"] },
      'apps[0].writable[1]: got "/a/b/", expected a folder of the container other than that of writable[0]',
    ],
    [{ volumes: ["media:/srv:ro"] }, `apps[0].volumes[0]: got "media:/srv:ro", expected media:/srv`],
    [{ networks: ["a b"] }, `apps[0].networks[0]: got "a b", expected the name of an existing network`],
    [
      { env: { A: "a\0b" } },
      "apps[0].env.A: got a text that is not shown, expected an object of strings without NUL whose names are letters, digits and _",
    ],
    [
      { secretEnv: { TOKEN: "s3cr3t" } },
      "apps[0].secretEnv: got an object that is not shown, expected encrypted values: pulumi config set --secret --path 'apps[0].secretEnv.TOKEN'",
    ],
  ];
  for (const [app, problem] of appTable)
    it(`refuses an app with ${JSON.stringify(app)}`, () =>
      assert.deepEqual(problemsOf({ apps: JSON.stringify([{ name: "a", path: "a", ...app }]) }), [problem]));

  const redirectTable: readonly [redirects: unknown, problem: string][] = [
    ["shop.example", `redirects: got "shop.example", expected a list of up to 200 objects {from, to} of host names`],
    [[{ from: "WWW.a.example", to: "a.example" }], `redirects[0].from: got "WWW.a.example", expected www.a.example`],
    [
      [{ from: "*.a.example", to: "a.example" }],
      `redirects[0].from: got "*.a.example", expected a host name in lower case, for example shop.example`,
    ],
    [
      [{ from: "b.example", to: "https://a.example/x" }],
      `redirects[0].to: got "https://a.example/x", expected a.example`,
    ],
    [
      [{ from: "b.example" }],
      "redirects[0].to: got nothing, expected a host name in lower case, for example shop.example",
    ],
    [
      [{ from: "b.example", to: "a.example", code: 301 }],
      "redirects[0].code: unknown key (got 301), allowed keys are from, to",
    ],
    [
      [{ from: "a.example", to: "b.example" }],
      `redirects[0].from: got "a.example", expected a name that no app has, other than apps[0]`,
    ],
    [
      [
        { from: "b.example", to: "a.example" },
        { from: "b.example", to: "c.example" },
      ],
      `redirects[1].from: got "b.example", expected a name other than that of redirects[0]`,
    ],
    [
      [{ from: "bücher.example", to: "a.example" }],
      `redirects[0].from: got "bücher.example", expected xn--bcher-kva.example`,
    ],
    [[{ from: "b.example:80", to: "a.example" }], `redirects[0].from: got "b.example:80", expected b.example`],
    [
      [
        { from: "b.example", to: "c.example" },
        { from: "c.example", to: "a.example" },
      ],
      `redirects[0].to: got "c.example", expected a name that is not sent on by redirects[1]`,
    ],
    [
      [{ from: "b.example", to: "b.example" }],
      `redirects[0].to: got "b.example", expected another name than that of from`,
    ],
  ];
  for (const [redirects, problem] of redirectTable)
    it(`refuses redirects ${JSON.stringify(redirects)}`, () =>
      assert.deepEqual(
        problemsOf({
          apps: JSON.stringify([{ name: "a", path: "a", hosts: ["a.example"] }]),
          redirects: typeof redirects === "string" ? redirects : JSON.stringify(redirects),
        }),
        [problem],
      ));

  it("tells of each folder that comes again which one was there first", () => {
    const volumes = ["a:/srv", "b:/srv", "c:/srv"];
    assert.deepEqual(
      problemsOf({ apps: JSON.stringify([{ name: "a", path: "a", volumes }]) }),
      [1, 2].map(
        (at) =>
          `apps[0].volumes[${at}]: got "${volumes[at]}", expected a folder of the container other than that of volumes[0]`,
      ),
    );
  });

  it("refuses apps that contradict each other", () => {
    const both = { path: "a", hosts: ["x.example", "shop.example"] };
    assert.deepEqual(
      problemsOf({
        apps: JSON.stringify([
          { name: "a", ...both },
          { name: "b", path: "b", hosts: ["shop.example"] },
        ]),
      }),
      [
        'apps[1].hosts: got ["shop.example"], expected the same hosts and paths as apps[0], with which it would share shop.example/, or others',
      ],
    );
    const shop = { path: "a", hosts: ["shop.example"] };
    assert.deepEqual(
      problemsOf({
        apps: JSON.stringify([
          { name: "a", path: "a" },
          { name: "b", ...shop },
          { name: "c", ...shop, stripPrefix: true },
        ]),
        backendCount: "1",
      }),
      [
        "backendCount: got 1, expected at least 2, so that all that is answered has a backend",
        "apps[2].stripPrefix: got true, expected false, as apps[1], with which it shares shop.example/",
      ],
    );
  });
});
